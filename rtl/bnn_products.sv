// Products of one fold step: every lane's weights, read from a ROM, times the same Simd bits.
//
//   product p * Simd + j = ~(bits_i[f * Simd + j] ^ Weights[(step_i * Pe + p) * Simd + j])
//
// f is 0, or step_i modulo 2 where the bits are two slices of a window that take turns.
//
// With Ways 1 ones_o are the products, Simd a lane, and twos_o is 0. With Ways 3 each three products
// of a lane are already one full adder, Columns = ceil(Simd / 3) of them a lane:
//
//   sum of a lane's products = popcount(its ones_o) + 2 * popcount(its twos_o)
//
// The hierarchy is kept, for all that stands between step, bits and outputs is one LUT6 an output bit,
// as long as the address and the products of a column are at most six inputs; flattened, synthesis
// shares parts of the ROM among outputs and no longer merges it with what follows (half as many
// LUTs again), or takes the step register into the ROM.
//
//   Depth     fold steps, 1 or more; a step of Depth or above gives unspecified products
//   Pe, Simd  1 or more
//   Slices    1, or 2 (meant for up to 16 steps)
//   Ways      1, or 3 (meant for up to 8 steps)
//   Weights   word s in bits s * Pe * Simd +: Pe * Simd
//
// Latency: 0. Cost: one LUT6 a product for Ways 1 and up to 32 steps, 0.67 for Ways 3 and up to 8;
// with two slices one for up to 16.
(* keep_hierarchy *)
module bnn_products #(
  parameter int Depth = 6,
  parameter int Pe = 2,
  parameter int Simd = 4,
  parameter int Slices = 1,
  parameter int Ways = 3,
  parameter logic [Depth*Pe*Simd-1:0] Weights = '0,
  // Derived, do not set.
  parameter int StepBits = (Depth > 1) ? $clog2(Depth) : 1,
  parameter int Columns = (Simd + Ways - 1) / Ways
) (
  input  logic [StepBits-1:0]   step_i,
  input  logic [Slices*Simd-1:0] bits_i,
  output logic [Pe*Columns-1:0] ones_o,
  output logic [Pe*Columns-1:0] twos_o
);

  if (Depth < 1 || Pe < 1 || Simd < 1 || Slices < 1 || Slices > 2 ||
      (Ways != 1 && Ways != 3)) begin : gen_illegal
    bnn_error_ways_must_be_1_or_3 u_error ();
  end

  logic [Pe*Simd-1:0] word;
  bnn_rom #(
    .Depth   (Depth),
    .Width   (Pe * Simd),
    .Contents(Weights)
  ) u_rom (
    .address_i(step_i),
    .data_o   (word)
  );

  logic [Simd-1:0] bits;
  if (Slices == 1) begin : gen_one_slice
    assign bits = bits_i;
  end else begin : gen_two_slices
    assign bits = step_i[0] ? bits_i[Simd+:Simd] : bits_i[0+:Simd];
  end

  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    logic [Simd-1:0] products;
    assign products = ~(bits ^ word[p*Simd+:Simd]);

    if (Ways == 1) begin : gen_products
      assign ones_o[p*Columns+:Columns] = products;
      assign twos_o[p*Columns+:Columns] = '0;
    end else begin : gen_full_adders
      logic [Columns-1:0] a, b, c;
      assign {c, b, a} = (3*Columns)'(products);
      assign ones_o[p*Columns+:Columns] = a ^ b ^ c;
      assign twos_o[p*Columns+:Columns] = (a & b) | (c & (a ^ b));
    end
  end

endmodule
