// Node of bnn_signed_tree: adds two numbers whose signs are carried beside them.
//
//   (negative_o ? -sum_o : sum_o) = (low_negative_i ? -low_i : low_i)
//                                 + (high_negative_i ? -high_i : high_i)
//
// It forms low + high or low - high, whichever the two signs leave, and takes the sign of low. With
// Swap 1 it forms high - low where only low is negative: meant for constant signs, where it costs
// nothing and spares a negation.
//
//   Bits  of an operand, two's complement, 1 or more
//   Swap  0 or 1
//
// Latency: 1 cycle in which en_i is high. Reset: none, the user carries a valid bit beside it.
// Cost: with constant signs an adder, otherwise an adder-subtractor; a register.
module bnn_signed_add #(
  parameter int Bits = 6,
  parameter int Swap = 0
) (
  input  logic                   clk_i,
  input  logic                   en_i,
  input  logic signed [Bits-1:0] low_i,
  input  logic                   low_negative_i,
  input  logic signed [Bits-1:0] high_i,
  input  logic                   high_negative_i,
  output logic signed [Bits:0]   sum_o,
  output logic                   negative_o
);

  if (Bits < 1) begin : gen_illegal
    bnn_error_bits_must_be_at_least_1 u_error ();
  end

  logic                 swap, subtract, negative_q, unused_carry;
  logic signed [Bits:0] a, b, sum_q;
  logic [Bits+1:0]      sum_d;
  assign swap     = (Swap == 1) ? low_negative_i & ~high_negative_i : 1'b0;
  assign subtract = low_negative_i ^ high_negative_i;
  assign a        = swap ? (Bits + 1)'(high_i) : (Bits + 1)'(low_i);
  assign b        = swap ? (Bits + 1)'(low_i) : (Bits + 1)'(high_i);

  // a - b is a + ~b + 1, the 1 being the carry out of an extra low bit.
  assign sum_d        = {a, 1'b1} + {b ^ {(Bits + 1) {subtract}}, subtract};
  assign unused_carry = sum_d[0];

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      sum_q      <= sum_d[Bits+1:1];
      negative_q <= low_negative_i & ~swap;
    end
  end

  assign sum_o      = sum_q;
  assign negative_o = negative_q;

endmodule
