// Pipelined tree over signed elements with signs of their own:
//
//   (negative_o ? -sum_o : sum_o) = sum over i of (negate_i[i] ? -element i : element i)
//
// A sign is carried up instead of applied (see bnn_signed_add), so every node is one adder, and with
// constant signs two trees over the same elements share each node that they have in common
// (synthesis merges equal cells).
//
//   Count  elements, 1 or more
//   Bits   of an element, two's complement, 1 or more
//   Swap   passed to the root: 1 for constant signs, where negative_o should stay low if it can
//
// Latency: ceil(log2(Count)) cycles in which en_i is high, 0 with one element; negative_o belongs to
// the cycle of sum_o. Reset: none, the user carries a valid bit beside it. Cost: Count - 1 adders.
module bnn_signed_tree #(
  parameter int Count = 2,
  parameter int Bits = 6,
  parameter int Swap = 0,
  // Derived, do not set.
  parameter int SumBits = Bits + $clog2(Count)
) (
  input  logic                      clk_i,
  input  logic                      en_i,
  input  logic [Count*Bits-1:0]     elements_i,
  input  logic [Count-1:0]          negate_i,
  output logic signed [SumBits-1:0] sum_o,
  output logic                      negative_o
);

  if (Count < 1 || Bits < 1) begin : gen_illegal
    bnn_error_count_and_bits_must_be_at_least_1 u_error ();
  end

  if (Count <= 1) begin : gen_leaf
    logic unused_inputs;
    assign unused_inputs = ^{clk_i, en_i};
    assign sum_o      = elements_i;
    assign negative_o = negate_i[0];
  end else begin : gen_node
    logic signed [SumBits-2:0] low, high;
    logic                      low_negative, high_negative;

    if (Count == 2) begin : gen_pair
      assign {high, low} = elements_i;
      assign {high_negative, low_negative} = negate_i;
    end else begin : gen_subtrees
      // The low subtree is full; the high one may be ready earlier and then waits.
      localparam int LowCount = 2 ** ($clog2(Count) - 1);
      localparam int HighCount = Count - LowCount;
      localparam int HighBits = Bits + $clog2(HighCount);
      localparam int HighWait = SumBits - 1 - HighBits;
      logic signed [HighBits-1:0] early, waited;
      logic                       early_negative;

      bnn_signed_tree #(
        .Count(LowCount),
        .Bits (Bits)
      ) u_low (
        .clk_i     (clk_i),
        .en_i      (en_i),
        .elements_i(elements_i[LowCount*Bits-1:0]),
        .negate_i  (negate_i[LowCount-1:0]),
        .sum_o     (low),
        .negative_o(low_negative)
      );
      bnn_signed_tree #(
        .Count(HighCount),
        .Bits (Bits)
      ) u_high (
        .clk_i     (clk_i),
        .en_i      (en_i),
        .elements_i(elements_i[Count*Bits-1:LowCount*Bits]),
        .negate_i  (negate_i[Count-1:LowCount]),
        .sum_o     (early),
        .negative_o(early_negative)
      );
      if (HighWait == 0) begin : gen_no_wait
        assign {waited, high_negative} = {early, early_negative};
      end else begin : gen_wait
        bnn_delay #(
          .Width(HighBits + 1),
          .Depth(HighWait)
        ) u_wait (
          .clk_i (clk_i),
          .en_i  (en_i),
          .data_i({early, early_negative}),
          .data_o({waited, high_negative})
        );
      end
      assign high = (SumBits - 1)'(waited);
    end

    bnn_signed_add #(
      .Bits(SumBits - 1),
      .Swap(Swap)
    ) u_add (
      .clk_i          (clk_i),
      .en_i           (en_i),
      .low_i          (low),
      .low_negative_i (low_negative),
      .high_i         (high),
      .high_negative_i(high_negative),
      .sum_o          (sum_o),
      .negative_o     (negative_o)
    );
  end

endmodule
