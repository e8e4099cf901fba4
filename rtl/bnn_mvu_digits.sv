// Matrix-vector unit over signed integers with constant weights, digit by digit: where a window stays
// for several cycles anyway, as behind a stride, each cycle works on one digit of all elements.
//
//   out lane p = sum over elements e of (weight(p, e) ? +element e : -element e)
//
// It is bnn_mvu_int with Nf = Sf = 1 in Digits cycles a window instead of one, and in adders of a digit
// instead of a whole sum; lanes share what their weights have in common (bnn_digit_tree).
//
//   Pe, Simd     lanes and elements of a window, 1 or more
//   ElementBits  bits of an element, two's complement, 1 or more
//   SumBits      two's complement, enough for every sum; the caller knows the reach
//   Digits       cycles a window, 1 or more
//   FreeRunning  0: a full output stalls the pipeline; 1: nothing stalls it, so that no enable has to
//                reach all its registers in a cycle: out_ready_i then says that all beats on their way
//                and one more have room (bnn_fifo with Skid), and a window waits for it alone
//   Weights      weight of lane p, element e in bit p * Simd + e: 1 is +1, 0 is -1
//
// Latency from a window's first cycle to its sums: Digits + ceil(log2(Simd)) + 1.
// Reset: pipeline empty, lowest digit.
// Cost: a digit has B = ceil(SumBits / Digits) bits; B * Simd LUT6 to choose it, B + 1 for each adder.
module bnn_mvu_digits #(
  parameter int Pe = 2,
  parameter int Simd = 3,
  parameter int ElementBits = 4,
  parameter int SumBits = 6,
  parameter int Digits = 3,
  parameter int FreeRunning = 0,
  parameter logic [Pe*Simd-1:0] Weights = '0
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  input  logic                        in_valid_i,
  output logic                        in_ready_o,
  input  logic [Simd*ElementBits-1:0] in_data_i,
  output logic                        out_valid_o,
  input  logic                        out_ready_i,
  output logic [Pe*SumBits-1:0]       out_data_o
);

  if (Pe < 1 || Simd < 1 || ElementBits < 1 || SumBits < ElementBits || Digits < 1) begin : gen_illegal
    bnn_error_digits_and_widths_must_be_at_least_1 u_error ();
  end

  // At least 1, so that an illegal parameter is read as the refusal above.
  localparam int Parts = (Digits < 1) ? 1 : Digits;
  localparam int Bits = (SumBits < 1) ? 1 : (SumBits + Parts - 1) / Parts;
  localparam int Wide = Parts * Bits;
  localparam int DigitBits = (Parts > 1) ? $clog2(Parts) : 1;
  localparam int Levels = $clog2(Simd);
  // Registers of the digit, of the tree, and of the sign.
  localparam int Stages = Levels + 2;

  // go: a window may start; enable: the pipeline moves.
  logic go, enable, take, last, first;
  logic [DigitBits-1:0] digit;
  assign take = in_valid_i & (go | (FreeRunning == 1 && !first));
  bnn_counter #(
    .Modulus(Parts)
  ) u_digit (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (take),
    .value_o(digit),
    .last_o (last)
  );
  assign first      = (digit == '0);
  assign in_ready_o = (go | (FreeRunning == 1 && !first)) & last;

  // The digit of every element at hand, and whether it is the lowest.
  logic [Simd*Bits-1:0] digits_d, digits_q;
  logic                 first_q;
  for (genvar e = 0; e < Simd; e++) begin : gen_element
    logic signed [ElementBits-1:0] element;
    logic [Parts-1:0][Bits-1:0]    parts;
    assign element = in_data_i[e*ElementBits+:ElementBits];
    assign parts   = Wide'(element);
    assign digits_d[e*Bits+:Bits] = parts[digit];
  end
  always_ff @(posedge clk_i) begin
    if (take) begin
      digits_q <= digits_d;
      first_q  <= first;
    end
  end

  // Each lane's sum, but for its sign: that of its first element.
  logic [Pe*Bits-1:0] sums;
  logic               first_sum;
  bnn_digit_tree #(
    .Lanes  (Pe),
    .Count  (Simd),
    .Bits   (Bits),
    .Weights(Weights)
  ) u_tree (
    .clk_i     (clk_i),
    .en_i      (enable),
    .first_i   (first_q),
    .elements_i(digits_q),
    .first_o   (first_sum),
    .sums_o    (sums)
  );

  // What travels beside the data: valid, and the last digit of a window.
  logic [Stages-1:0] valid_q;
  logic              digit_last;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (enable) valid_q <= {valid_q[Stages-2:0], take};
  end
  bnn_delay #(
    .Width(1),
    .Depth(Stages)
  ) u_last (
    .clk_i (clk_i),
    .en_i  (enable),
    .data_i(last),
    .data_o(digit_last)
  );

  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    logic [Bits-1:0] top;
    logic [Wide-1:0] sum;
    if (Weights[p*Simd] == 1'b1) begin : gen_plus
      logic [Bits-1:0] top_q;
      always_ff @(posedge clk_i) begin
        if (enable) top_q <= sums[p*Bits+:Bits];
      end
      assign top = top_q;
    end else begin : gen_minus
      bnn_digit_add #(
        .Bits    (Bits),
        .Subtract(1)
      ) u_negate (
        .clk_i  (clk_i),
        .en_i   (enable),
        .first_i(first_sum),
        .a_i    (Bits'(0)),
        .b_i    (sums[p*Bits+:Bits]),
        .sum_o  (top)
      );
    end

    // Lower digits wait until the top one is there.
    if (Parts == 1) begin : gen_whole
      assign sum = top;
    end else begin : gen_collect
      logic [Wide-Bits-1:0] lower_q;
      assign sum = {top, lower_q};
      always_ff @(posedge clk_i) begin
        if (enable) lower_q <= sum[Wide-1:Bits];
      end
    end
    assign out_data_o[p*SumBits+:SumBits] = sum[SumBits-1:0];
    if (Wide > SumBits) begin : gen_wide
      logic unused_sum;
      assign unused_sum = ^sum[Wide-1:SumBits];
    end
  end

  if (FreeRunning == 1) begin : gen_free_running
    assign go     = out_ready_i;
    assign enable = 1'b1;
  end else begin : gen_stalled
    assign go     = ~out_valid_o | out_ready_i;
    assign enable = go;
  end
  assign out_valid_o = valid_q[Stages-1] & digit_last;

endmodule
