// Adds up to six more bits to a count: count_o = count_i + popcount(bits_i ^ Invert).
//
// A bit of an adder on a carry chain is a LUT6 that sees one bit of count_i; its other five inputs
// see five of the new bits, so that their popcount costs no LUT of its own. The sixth is the carry in.
// The hierarchy is kept, or synthesis shares that popcount as logic before the adder.
//
//   Width   1 to 6
//   InBits  bits of count_i, 3 or more
//   OutBits bits of count_o, InBits or more; the caller knows that the count fits
//   Invert  bits to be inverted: constant weights
//
// Latency: 0; depth a LUT6 and a carry chain. Cost: three LUT6 for five or six bits.
(* keep_hierarchy *)
module bnn_count_add #(
  parameter int Width = 6,
  parameter int InBits = 3,
  parameter int OutBits = 4,
  parameter logic [Width-1:0] Invert = '0
) (
  input  logic [InBits-1:0]  count_i,
  input  logic [Width-1:0]   bits_i,
  output logic [OutBits-1:0] count_o
);

  if (Width < 1 || Width > 6 || InBits < 3 || OutBits < InBits) begin : gen_illegal
    bnn_error_width_must_be_1_to_6_and_in_bits_3_or_more u_error ();
  end

  logic a, b, c, d, e, carry_in;
  if (Width == 1) begin : gen_carry_only
    assign carry_in        = bits_i ^ Invert;
    assign {e, d, c, b, a} = '0;
  end else begin : gen_bits
    assign carry_in        = bits_i[Width-1] ^ Invert[Width-1];
    assign {e, d, c, b, a} = 5'(bits_i[Width-2:0] ^ Invert[Width-2:0]);
  end

  // A full adder of three bits, a half adder of two, and their sums and carries.
  logic sum_low, sum_high, carry_low, carry_high, carry_sum;
  assign sum_low    = a ^ b ^ c;
  assign sum_high   = d ^ e;
  assign carry_low  = (a & b) | (c & (a ^ b));
  assign carry_high = d & e;
  assign carry_sum  = sum_low & sum_high;

  logic [2:0] more;
  assign more = {(carry_low & carry_high) | (carry_sum & (carry_low ^ carry_high)),
                 carry_low ^ carry_high ^ carry_sum,
                 sum_low ^ sum_high};

  // count_i + more + carry_in, written as a difference: synthesis may swap the operands of a sum, and
  // then the LUTs of more could not lie in the chain. The extra low bit brings the carry in.
  logic [OutBits-1:0] from, minus;
  logic               unused_low;
  assign from  = OutBits'(count_i);
  assign minus = ~OutBits'(more);
  assign {count_o, unused_low} = {from, carry_in} - {minus, 1'b1};

endmodule
