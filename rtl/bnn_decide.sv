// Accept sets: comparison bits in, accept bits out.
//
//   accept of channel c = n * Pe + p:  (low & ~high) ^ Invert[c] with two sides, low ^ Invert[c] with
//   one; low is bit p of beat n, high is bit Pe + p
//
//   Pe, Nf  lanes a beat and beats a position, 1 or more
//   Sides   1 or 2
//   Invert  the polarity, bit c is channel c
//
// Latency: 0; the stream passes through. Reset: first beat of a position.
// Cost: a LUT a lane, and with Nf > 1 a LUT of ROM for it.
module bnn_decide #(
  parameter int Pe = 2,
  parameter int Nf = 2,
  parameter int Sides = 1,
  parameter logic [Nf*Pe-1:0] Invert = '0
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                in_valid_i,
  output logic                in_ready_o,
  input  logic [Sides*Pe-1:0] in_data_i,
  output logic                out_valid_o,
  input  logic                out_ready_i,
  output logic [Pe-1:0]       out_data_o
);

  if (Pe < 1 || Nf < 1 || Sides < 1 || Sides > 2) begin : gen_illegal
    bnn_error_sides_must_be_1_or_2 u_error ();
  end

  localparam int BeatBits = (Nf > 1) ? $clog2(Nf) : 1;

  logic [BeatBits-1:0] beat;
  logic                unused_last_beat;
  bnn_counter #(
    .Modulus(Nf)
  ) u_beat (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (in_valid_i & out_ready_i),
    .value_o(beat),
    .last_o (unused_last_beat)
  );

  logic [Pe-1:0] invert, band;
  bnn_rom #(
    .Depth   (Nf),
    .Width   (Pe),
    .Contents(Invert)
  ) u_rom (
    .address_i(beat),
    .data_o   (invert)
  );

  if (Sides == 1) begin : gen_one_side
    assign band = in_data_i;
  end else begin : gen_two_sides
    assign band = in_data_i[Pe-1:0] & ~in_data_i[2*Pe-1:Pe];
  end

  assign in_ready_o  = out_ready_i;
  assign out_valid_o = in_valid_i;
  assign out_data_o  = band ^ invert;

endmodule
