// Two versions of one binary layer, side by side for benchmarks/popcount.py: popcount of XNOR, folded,
// and its thresholds. Window in, PE comparison bits out; no window register, pool or stream around.

// As one writes it at first: ROM, XNOR, a loop that adds, a comparison.
module naive_layer #(
  parameter int Pe = 2,
  parameter int Simd = 7,
  parameter int Nf = 2,
  parameter int Sf = 2,
  parameter int SumBits = 4,
  parameter logic [Nf*Sf*Pe*Simd-1:0] Weights = '0,
  parameter logic [Nf*Pe*SumBits-1:0] Thresholds = '0
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic [Sf*Simd-1:0] window_i,
  output logic [Pe-1:0]      accept_o
);

  localparam int Depth = Nf * Sf;
  localparam int StepBits = (Depth > 1) ? $clog2(Depth) : 1;

  logic [StepBits-1:0]                     step_q;
  logic [Depth-1:0][Pe-1:0][Simd-1:0]      weights;
  logic [Nf-1:0][Pe-1:0][SumBits-1:0]      thresholds;
  logic [Sf-1:0][Simd-1:0]                 slices;
  logic [Pe-1:0][Simd-1:0]                 word_q;
  logic [Simd-1:0]                         slice_q;
  logic [StepBits-1:0]                     word_step_q;
  logic [Pe-1:0][SumBits-1:0]              sum_d, sum_q;
  logic [Pe-1:0]                           accept_q;
  assign weights    = Weights;
  assign thresholds = Thresholds;
  assign slices     = window_i;

  always_comb begin
    for (int p = 0; p < Pe; p++) begin
      sum_d[p] = (32'(word_step_q) % Sf == 0) ? '0 : sum_q[p];
      for (int j = 0; j < Simd; j++) sum_d[p] += SumBits'(~(slice_q[j] ^ word_q[p][j]));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) step_q <= '0;
    else step_q <= (32'(step_q) == Depth - 1) ? '0 : step_q + 1'b1;
    word_q      <= weights[step_q];
    slice_q     <= slices[32'(step_q) % Sf];
    word_step_q <= step_q;
    sum_q       <= sum_d;
    for (int p = 0; p < Pe; p++) begin
      accept_q[p] <= (sum_d[p] >= thresholds[32'(word_step_q) / Sf][p]);
    end
  end

  assign accept_o = accept_q;

endmodule

// The cells of this project.
module cell_layer #(
  parameter int Pe = 2,
  parameter int Simd = 7,
  parameter int Nf = 2,
  parameter int Sf = 2,
  parameter int SumBits = 4,
  parameter logic [Nf*Sf*Pe*Simd-1:0] Weights = '0,
  parameter logic [Nf*Pe*SumBits-1:0] Thresholds = '0
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               in_valid_i,
  output logic               in_ready_o,
  input  logic [Sf*Simd-1:0] window_i,
  output logic               out_valid_o,
  input  logic               out_ready_i,
  output logic [Pe-1:0]      accept_o
);

  logic                  sums_valid, sums_ready;
  logic [Pe*SumBits-1:0] sums;

  bnn_mvu_bits #(
    .Pe     (Pe),
    .Simd   (Simd),
    .Nf     (Nf),
    .Sf     (Sf),
    .SumBits(SumBits),
    .Weights(Weights)
  ) u_mvu (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .in_valid_i (in_valid_i),
    .in_ready_o (in_ready_o),
    .in_data_i  (window_i),
    .out_valid_o(sums_valid),
    .out_ready_i(sums_ready),
    .out_data_o (sums)
  );

  bnn_threshold #(
    .Pe        (Pe),
    .Nf        (Nf),
    .SumBits   (SumBits),
    .Thresholds(Thresholds)
  ) u_threshold (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .in_valid_i (sums_valid),
    .in_ready_o (sums_ready),
    .in_data_i  (sums),
    .out_valid_o(out_valid_o),
    .out_ready_i(out_ready_i),
    .out_data_o (accept_o)
  );

endmodule
