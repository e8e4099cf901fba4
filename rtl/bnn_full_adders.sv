// Products of one fold step whose weights come from registers, each three of a lane as a full adder.
//
//   product p * Simd + j = ~(bits_i[j] ^ word_i[p * Simd + j])
//   sum of lane p's products = popcount(its Columns ones_o) + 2 * popcount(its twos_o)
//
// The hierarchy is kept, for each output bit is one LUT6; together with its neighbours synthesis takes
// the products out again, to let late block RAM outputs pass fewer LUTs (a quarter of LUTs more).
//
//   Pe, Simd  1 or more
//
// Latency: 0. Cost: two LUT6 for three products.
(* keep_hierarchy *)
module bnn_full_adders #(
  parameter int Pe = 2,
  parameter int Simd = 4,
  // Derived, do not set.
  parameter int Columns = (Simd + 2) / 3
) (
  input  logic [Simd-1:0]       bits_i,
  input  logic [Pe*Simd-1:0]    word_i,
  output logic [Pe*Columns-1:0] ones_o,
  output logic [Pe*Columns-1:0] twos_o
);

  if (Pe < 1 || Simd < 1) begin : gen_illegal
    bnn_error_pe_and_simd_must_be_at_least_1 u_error ();
  end

  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    logic [Simd-1:0]    products;
    logic [Columns-1:0] a, b, c;
    assign products  = ~(bits_i ^ word_i[p*Simd+:Simd]);
    assign {c, b, a} = (3*Columns)'(products);
    assign ones_o[p*Columns+:Columns] = a ^ b ^ c;
    assign twos_o[p*Columns+:Columns] = (a & b) | (c & (a ^ b));
  end

endmodule
