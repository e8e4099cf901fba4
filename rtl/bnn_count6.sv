// Popcount of up to six bits, some of them inverted: count_o = popcount(bits_i ^ Invert).
//
// The hierarchy is kept, for each output bit is one LUT6; flattened, synthesis takes it apart again
// and spreads it over the adders behind.
//
//   Width   1 to 6
//   Invert  bits to be inverted: constant weights come for nothing
//
// Latency: 0. Cost: one LUT6 an output bit.
(* keep_hierarchy *)
module bnn_count6 #(
  parameter int Width = 6,
  parameter logic [Width-1:0] Invert = '0,
  // Derived, do not set.
  parameter int CountBits = $clog2(Width + 1)
) (
  input  logic [Width-1:0]     bits_i,
  output logic [CountBits-1:0] count_o
);

  if (Width < 1 || Width > 6) begin : gen_illegal
    bnn_error_width_must_be_1_to_6 u_error ();
  end

  logic a, b, c, d, e, f;
  assign {f, e, d, c, b, a} = 6'(bits_i ^ Invert);

  // Two full adders, then the sums and the three carries. (Written as a table it takes more LUTs.)
  logic sum_low, sum_high, carry_low, carry_high, carry_sum;
  assign sum_low    = a ^ b ^ c;
  assign sum_high   = d ^ e ^ f;
  assign carry_low  = (a & b) | (c & (a ^ b));
  assign carry_high = (d & e) | (f & (d ^ e));
  assign carry_sum  = sum_low & sum_high;

  assign count_o = CountBits'({(carry_low & carry_high) | (carry_sum & (carry_low ^ carry_high)),
                               carry_low ^ carry_high ^ carry_sum,
                               sum_low ^ sum_high});

endmodule
