// Thresholds: sums in, comparison bits out. The one place where "sum >= threshold" is written.
//
//   out bit side * Pe + p of beat n = (sum of lane p >= threshold(side, channel n * Pe + p))
//
//   Pe, Nf      lanes a beat and beats a position, 1 or more
//   Sides       1, or 2 where a channel of the layer accepts an interval or its outside
//   SumBits     bits of a sum and of a threshold, 1 or more
//   Signed      1: two's complement (sums of integers); 0: unsigned (popcounts)
//   Thresholds  (side * Nf * Pe + channel) * SumBits +: SumBits
//
// Latency: 1 cycle, one beat a cycle. Reset: empty, first beat of a position.
// Cost: a comparison a lane and side, and with Nf > 1 SumBits LUTs of ROM for it.
module bnn_threshold #(
  parameter int Pe = 2,
  parameter int Nf = 2,
  parameter int Sides = 1,
  parameter int SumBits = 4,
  parameter int Signed = 0,
  parameter logic [Sides*Nf*Pe*SumBits-1:0] Thresholds = '0
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  in_valid_i,
  output logic                  in_ready_o,
  input  logic [Pe*SumBits-1:0] in_data_i,
  output logic                  out_valid_o,
  input  logic                  out_ready_i,
  output logic [Sides*Pe-1:0]   out_data_o
);

  if (Pe < 1 || Nf < 1 || SumBits < 1 || Sides < 1 || Sides > 2) begin : gen_illegal
    bnn_error_sides_must_be_1_or_2 u_error ();
  end

  localparam int BeatBits = (Nf > 1) ? $clog2(Nf) : 1;
  // At least 1, so that an illegal parameter is read as the refusal above.
  localparam int SideBits = (Nf * Pe * SumBits > 0) ? Nf * Pe * SumBits : 1;

  // With the sign bit turned over two's complement compares as unsigned, in one carry chain.
  localparam logic [SumBits-1:0] SignBit = (Signed == 1) ? ~('1 >> 1) : '0;

  logic [BeatBits-1:0] beat;
  logic                unused_last_beat;
  bnn_counter #(
    .Modulus(Nf)
  ) u_beat (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (in_valid_i & in_ready_o),
    .value_o(beat),
    .last_o (unused_last_beat)
  );

  logic [Sides*Pe-1:0] comparisons_d, comparisons_q;
  logic                valid_q;

  for (genvar side = 0; side < Sides; side++) begin : gen_side
    logic [Pe*SumBits-1:0] thresholds;
    bnn_rom #(
      .Depth   (Nf),
      .Width   (Pe * SumBits),
      .Contents(Thresholds[side*SideBits+:SideBits])
    ) u_rom (
      .address_i(beat),
      .data_o   (thresholds)
    );

    for (genvar p = 0; p < Pe; p++) begin : gen_lane
      logic [SumBits-1:0] sum, threshold;
      assign sum       = in_data_i[p*SumBits+:SumBits];
      assign threshold = thresholds[p*SumBits+:SumBits];
      assign comparisons_d[side*Pe+p] = ((sum ^ SignBit) >= (threshold ^ SignBit));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else if (in_ready_o) begin
      valid_q <= in_valid_i;
    end
    if (in_ready_o) comparisons_q <= comparisons_d;
  end

  assign in_ready_o  = ~valid_q | out_ready_i;
  assign out_valid_o = valid_q;
  assign out_data_o  = comparisons_q;

endmodule
