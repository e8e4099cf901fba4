// 6:3 compressors side by side: Width bits become three vectors with the same weighted count,
//
//   popcount(bits_i) = popcount(ones_o) + 2 * popcount(twos_o) + 4 * popcount(fours_o).
//
// Column g adds the six bits g, g + Columns, ..., g + 5 * Columns. The equations are full adders
// over whole vectors: a LUT6 target maps each output bit to one LUT, and a simulator computes a
// machine word of columns at once.
//
//   Width    1 or more; bits missing to a multiple of six count as 0
//
// Latency: 0. Cost: one LUT6 an output bit, that is Width / 2, for Width / 2 bits fewer.
module bnn_compress #(
  parameter int Width = 14,
  // Derived, do not set.
  parameter int Columns = (Width + 5) / 6
) (
  input  logic [Width-1:0]   bits_i,
  output logic [Columns-1:0] ones_o,
  output logic [Columns-1:0] twos_o,
  output logic [Columns-1:0] fours_o
);

  if (Width < 1) begin : gen_illegal
    bnn_error_width_must_be_at_least_1 u_error ();
  end

  logic [6*Columns-1:0] filled;
  assign filled = (6*Columns)'(bits_i);

  logic [Columns-1:0] a, b, c, d, e, f;
  assign {f, e, d, c, b, a} = filled;

  // Two full adders, then the sums and the three carries.
  logic [Columns-1:0] sum_low, sum_high, carry_low, carry_high, carry_sum;
  assign sum_low    = a ^ b ^ c;
  assign sum_high   = d ^ e ^ f;
  assign carry_low  = (a & b) | (c & (a ^ b));
  assign carry_high = (d & e) | (f & (d ^ e));
  assign carry_sum  = sum_low & sum_high;

  assign ones_o  = sum_low ^ sum_high;
  assign twos_o  = carry_low ^ carry_high ^ carry_sum;
  assign fours_o = (carry_low & carry_high) | (carry_sum & (carry_low ^ carry_high));

endmodule
