// Pipelined tree over signed elements with signs of their own:
//
//   (negative_o ? -sum_o : sum_o) = sum over i of (negate_i[i] ? -element i : element i)
//
// A sign is carried up instead of applied: a node forms a + b or a - b, whichever the two signs
// leave, and takes the sign of a. So every node is one adder, and with constant signs two trees over
// the same elements share each node that they have in common (synthesis merges equal cells).
//
//   Count     elements, 1 or more
//   Bits      of an element, 1 or more
//   AtRoot    1 with constant signs: the root may also form b - a, so that negative_o stays low
//             unless both its operands are negative
//
// Latency: ceil(log2(Count)) cycles in which en_i is high, 0 with one element; negative_o belongs to
// the cycle of sum_o. Reset: none, the user carries a valid bit beside it.
// Cost: one adder a node with constant signs, an adder-subtractor and a flip-flop otherwise.
module bnn_signed_tree #(
  parameter int Count = 5,
  parameter int Bits = 6,
  parameter int AtRoot = 0,
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

  // Not inlined, for Verilator 5.48 loses track of signals that are read from another generate block once it has
  // done so (in large designs: "Can't find definition of ... in dotted signal").
  /* verilator no_inline_module */

  if (Count < 1 || Bits < 1) begin : gen_illegal
    bnn_error_count_and_bits_must_be_at_least_1 u_error ();
  end

  localparam int Levels = $clog2(Count);

  // Level k has one node for every 2 ** k elements; a node without a partner waits a cycle.
  for (genvar k = 0; k <= Levels; k++) begin : gen_level
    localparam int Nodes = (Count + 2 ** k - 1) / 2 ** k;
    localparam int NodeBits = Bits + k;
    logic [Nodes-1:0][NodeBits-1:0] sums;
    logic [Nodes-1:0]               negative;

    if (k == 0) begin : gen_elements
      assign sums     = elements_i;
      assign negative = negate_i;
    end else begin : gen_nodes
      localparam int Below = (Count + 2 ** (k - 1) - 1) / 2 ** (k - 1);
      logic [Nodes-1:0][NodeBits-1:0] sums_q;
      logic [Nodes-1:0]               negative_q;

      for (genvar n = 0; n < Nodes; n++) begin : gen_node
        logic signed [NodeBits-2:0] low;
        logic                       low_negative;
        assign low          = gen_level[k-1].sums[2*n];
        assign low_negative = gen_level[k-1].negative[2*n];

        if (2 * n + 1 == Below) begin : gen_wait
          always_ff @(posedge clk_i) begin
            if (en_i) begin
              sums_q[n]     <= NodeBits'(low);
              negative_q[n] <= low_negative;
            end
          end
        end else begin : gen_add
          logic signed [NodeBits-2:0] high;
          logic                       high_negative, subtract, swap, unused_carry;
          logic        [NodeBits-1:0] a, b;
          logic        [NodeBits:0]   sum_d;
          assign high          = gen_level[k-1].sums[2*n+1];
          assign high_negative = gen_level[k-1].negative[2*n+1];

          // a + b, or a - b as a + ~b + 1 with the 1 as the carry out of an extra low bit.
          assign subtract     = low_negative ^ high_negative;
          assign swap         = (AtRoot == 1 && k == Levels) ? low_negative & ~high_negative : 1'b0;
          assign a            = swap ? NodeBits'(high) : NodeBits'(low);
          assign b            = swap ? NodeBits'(low) : NodeBits'(high);
          assign sum_d        = {a, 1'b1} + {b ^ {NodeBits{subtract}}, subtract};
          assign unused_carry = sum_d[0];

          always_ff @(posedge clk_i) begin
            if (en_i) begin
              sums_q[n]     <= sum_d[NodeBits:1];
              negative_q[n] <= low_negative & ~swap;
            end
          end
        end
      end

      assign sums     = sums_q;
      assign negative = negative_q;
    end
  end

  if (Levels == 0) begin : gen_no_register
    logic unused_inputs;
    assign unused_inputs = ^{clk_i, en_i};
  end

  assign sum_o      = gen_level[Levels].sums[0];
  assign negative_o = gen_level[Levels].negative[0];

endmodule
