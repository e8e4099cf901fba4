// Popcount of up to seven bits with full adders: the leaf of bnn_popcount.
//
//   Width  1 to 7
//
// Latency: 0. Cost: one LUT6 an output bit up to six bits, some six with seven.
module bnn_count7 #(
  parameter int Width = 7,
  // Derived, do not set.
  parameter int CountBits = $clog2(Width + 1)
) (
  input  logic [Width-1:0]     bits_i,
  output logic [CountBits-1:0] count_o
);

  if (Width < 1 || Width > 7) begin : gen_illegal
    bnn_error_width_must_be_1_to_7 u_error ();
  end

  if (Width == 1) begin : gen_bit
    assign count_o = bits_i;
  end else if (Width <= 3) begin : gen_full_adder
    logic a, b, c;
    assign {c, b, a} = 3'(bits_i);
    assign count_o = {(a & b) | (c & (a ^ b)), a ^ b ^ c};
  end else if (Width <= 6) begin : gen_compressor
    bnn_compress #(
      .Width(Width)
    ) u_compress (
      .bits_i (bits_i),
      .ones_o (count_o[0]),
      .twos_o (count_o[1]),
      .fours_o(count_o[2])
    );
  end else if (Width == 7) begin : gen_seven
    // Four full adders: two over three bits each, one over their sums and the seventh bit, one over
    // the three carries.
    logic [2:0] sum, carry;
    assign sum   = {bits_i[6], ^bits_i[5:3], ^bits_i[2:0]};
    assign carry = {(sum[0] & sum[1]) | (sum[2] & (sum[0] ^ sum[1])),
                    (bits_i[3] & bits_i[4]) | (bits_i[5] & (bits_i[3] ^ bits_i[4])),
                    (bits_i[0] & bits_i[1]) | (bits_i[2] & (bits_i[0] ^ bits_i[1]))};
    assign count_o = {(carry[0] & carry[1]) | (carry[2] & (carry[0] ^ carry[1])), ^carry, ^sum};
  end

endmodule
