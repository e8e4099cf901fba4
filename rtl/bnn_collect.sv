// Beats to a word: Nf beats of Pe bits become one word, beat 0 in the low bits.
//
//   Pe, Nf  bits a beat and beats a word, 1 or more
//
// The last beat of a word is not stored: it passes through, joined to those before it.
// Latency: 0 from the last beat. Reset: first beat of a word. Cost: (Nf - 1) * Pe flip-flops.
module bnn_collect #(
  parameter int Pe = 2,
  parameter int Nf = 3
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [Pe-1:0]    in_data_i,
  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Nf*Pe-1:0] out_data_o
);

  if (Pe < 1 || Nf < 1) begin : gen_illegal
    bnn_error_pe_and_nf_must_be_at_least_1 u_error ();
  end

  if (Nf == 1) begin : gen_pass
    logic unused_inputs;
    assign unused_inputs = ^{clk_i, rst_ni};
    assign in_ready_o  = out_ready_i;
    assign out_valid_o = in_valid_i;
    assign out_data_o  = in_data_i;
  end else begin : gen_collect
    localparam int BeatBits = $clog2(Nf);
    logic [BeatBits-1:0] unused_beat;
    logic                last_beat, take;
    assign take = in_valid_i & in_ready_o;

    bnn_counter #(
      .Modulus(Nf)
    ) u_beat (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .step_i (take),
      .value_o(unused_beat),
      .last_o (last_beat)
    );

    // The newest beat enters at the top, so that beat 0 ends up in the low bits.
    logic [(Nf-1)*Pe-1:0] beats_q;
    logic [Nf*Pe-1:0]     word;
    assign word = {in_data_i, beats_q};
    always_ff @(posedge clk_i) begin
      if (take) beats_q <= word[Nf*Pe-1:Pe];
    end

    assign in_ready_o  = ~last_beat | out_ready_i;
    assign out_valid_o = in_valid_i & last_beat;
    assign out_data_o  = word;
  end

endmodule
