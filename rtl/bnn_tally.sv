// Pipelined popcount: popcount(bits_i ^ Invert), Latency enabled cycles later.
//
// Leaves of up to 18 bits (bnn_popcount) and a tree of adders, a register behind each; an adder takes
// one more bit as its carry in.
//
//   Width   1 or more
//   Invert  bits to be inverted: constant weights
//
// Latency: 1 + ceil(log2(leaves)), leaves = ceil((Width + 1) / 19); one count a cycle; en_i low holds
// every register. Reset: none, the user carries a valid bit beside it.
// Cost: about 0.7 LUT6 a bit, 0.5 of it in the leaves; about 0.7 flip-flops a bit.
module bnn_tally #(
  parameter int Width = 18,
  parameter logic [Width-1:0] Invert = '0,
  // Derived, do not set.
  parameter int CountBits = $clog2(Width + 1)
) (
  input  logic                 clk_i,
  input  logic                 en_i,
  input  logic [Width-1:0]     bits_i,
  output logic [CountBits-1:0] count_o
);

  if (Width < 1) begin : gen_illegal
    bnn_error_width_must_be_at_least_1 u_error ();
  end

  logic [CountBits-1:0] count_d, count_q;

  if (Width <= 18) begin : gen_leaf
    bnn_popcount #(
      .Width (Width),
      .Invert(Invert)
    ) u_popcount (
      .bits_i (bits_i),
      .count_o(count_d)
    );
  end else begin : gen_add
    // The low half of the leaves is full; the high half may be ready a cycle earlier and then waits.
    localparam int Leaves = (Width + 19) / 19;
    localparam int LowLeaves = (Leaves + 1) / 2;
    localparam int Full = 19 * LowLeaves - 1;
    localparam int Low = (Full < Width - 1) ? Full : Width - 2;
    localparam int High = Width - Low - 1;
    localparam int LowBits = $clog2(Low + 1);
    localparam int HighBits = $clog2(High + 1);
    localparam int LowLatency = 1 + $clog2(LowLeaves);
    localparam int HighWait = $clog2(LowLeaves) - $clog2(Leaves - LowLeaves);

    logic [LowBits-1:0]  low;
    logic [HighBits-1:0] early, high;
    logic                carry_in, unused_low;

    bnn_tally #(
      .Width (Low),
      .Invert(Invert[Low-1:0])
    ) u_low (
      .clk_i  (clk_i),
      .en_i   (en_i),
      .bits_i (bits_i[Low-1:0]),
      .count_o(low)
    );
    bnn_tally #(
      .Width (High),
      .Invert(Invert[Width-2:Low])
    ) u_high (
      .clk_i  (clk_i),
      .en_i   (en_i),
      .bits_i (bits_i[Width-2:Low]),
      .count_o(early)
    );
    if (HighWait == 0) begin : gen_no_wait
      assign high = early;
    end else begin : gen_wait
      bnn_delay #(
        .Width(HighBits),
        .Depth(HighWait)
      ) u_wait (
        .clk_i (clk_i),
        .en_i  (en_i),
        .data_i(early),
        .data_o(high)
      );
    end
    bnn_delay #(
      .Width(1),
      .Depth(LowLatency)
    ) u_carry_in (
      .clk_i (clk_i),
      .en_i  (en_i),
      .data_i(bits_i[Width-1] ^ Invert[Width-1]),
      .data_o(carry_in)
    );
    // The extra low bit brings the carry in.
    assign {count_d, unused_low} = {CountBits'(low), carry_in} + {CountBits'(high), carry_in};
  end

  always_ff @(posedge clk_i) begin
    if (en_i) count_q <= count_d;
  end

  assign count_o = count_q;

endmodule
