// Products of a window with the constant weights of many lanes, each three of a lane as a full adder that
// lanes share: of the eight patterns of three weights four are the opposites of the other four.
//
//   ones, twos of lane p's column c = those of products p * Simd + 3 * c to + 2, or inverted:
//   with Invert = "the column has three products, and its first weight is 0"
//   sum of lane p's products = popcount(its Columns ones_o ^ Invert) + 2 * popcount(its twos_o ^ Invert)
//
// An inverted full adder counts the opposite weights, for three less a count of two bits is its
// complement, and what counts further inverts for nothing. A last column of one or two products has no
// opposites: it has an adder for each pattern.
//
//   Pe, Simd  1 or more
//   Weights   weight of lane p, element j in bit p * Simd + j: product = ~(bit ^ weight)
//
// Latency: 1, with en_i on. Reset: none, the user carries a valid bit beside it.
// Cost: two LUT6 and two flip-flops for every pattern in use, at most four a column of three elements.
module bnn_shared_adders #(
  parameter int Pe = 4,
  parameter int Simd = 7,
  parameter logic [Pe*Simd-1:0] Weights = '0,
  // Derived, do not set.
  parameter int Columns = (Simd + 2) / 3
) (
  input  logic                  clk_i,
  input  logic                  en_i,
  input  logic [Simd-1:0]       bits_i,
  output logic [Pe*Columns-1:0] ones_o,
  output logic [Pe*Columns-1:0] twos_o
);

  if (Pe < 1 || Simd < 1) begin : gen_illegal
    bnn_error_pe_and_simd_must_be_at_least_1 u_error ();
  end

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    // Products of the column; the last may have one or two.
    localparam int Count = (Simd - 3 * c < 3) ? Simd - 3 * c : 3;

    logic [3:0] ones_q, twos_q;
    for (genvar k = 0; k < 4; k++) begin : gen_adder
      // With three products the first weight is 1 and k says the others; else k says all.
      localparam logic [2:0] Pattern = (Count == 3) ? {2'(k), 1'b1} : 3'(k);
      logic [Count-1:0] own;
      logic [2:0]       products;
      assign own      = ~(bits_i[3*c+:Count] ^ Pattern[Count-1:0]);
      assign products = 3'(own);
      always_ff @(posedge clk_i) begin
        if (en_i) begin
          ones_q[k] <= ^products;
          twos_q[k] <= (products[0] & products[1]) | (products[2] & (products[0] ^ products[1]));
        end
      end
    end

    // Some patterns no lane may have.
    logic unused_patterns;
    assign unused_patterns = ^{ones_q, twos_q};

    for (genvar p = 0; p < Pe; p++) begin : gen_lane
      localparam logic [2:0] Own = 3'(Weights[p*Simd+3*c+:Count]);
      localparam logic [1:0] Adder = (Count == 3) ? Own[2:1] ^ {2{~Own[0]}} : Own[1:0];
      assign ones_o[p*Columns+c] = ones_q[Adder];
      assign twos_o[p*Columns+c] = twos_q[Adder];
    end
  end

endmodule
