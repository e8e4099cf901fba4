// Pipelined popcount: the number of ones in bits_i, Latency enabled cycles later.
//
// The steps of bnn_popcount with registers between them: levels of 6:3 compressors down to 42 bits,
// a register behind each, then popcounts and a register, then the joining adders, again a register
// behind each level. So no path is longer than the popcount of 42 bits.
//
//   Width  1 to 54,432
//
// Latency: 1 up to 42 bits, 3 up to 252, 5 up to 1,512, 7 up to 9,072, 9 above; one count a cycle;
// en_i low holds every register. Reset: none, the user carries a valid bit beside it.
// Cost: as bnn_popcount, and about 0.8 flip-flops a bit.
module bnn_tally #(
  parameter int Width = 50,
  // Derived, do not set.
  parameter int CountBits = $clog2(Width + 1)
) (
  input  logic                 clk_i,
  input  logic                 en_i,
  input  logic [Width-1:0]     bits_i,
  output logic [CountBits-1:0] count_o
);

  // Not inlined, for Verilator 5.48 loses track of signals that are read from another generate block once it has
  // done so (in large designs: "Can't find definition of ... in dotted signal").
  /* verilator no_inline_module */

  if (Width < 1 || Width > 54432) begin : gen_illegal
    bnn_error_width_must_be_1_to_54432 u_error ();
  end

  localparam int Levels = (Width <= 42) ? 0 : (Width <= 252) ? 1 : (Width <= 1512) ? 2 :
                          (Width <= 9072) ? 3 : 4;

  // Down: level k holds 3 ** k vectors of a 6 ** k th of the width, rounded up.
  for (genvar k = 0; k <= Levels; k++) begin : gen_down
    localparam int Columns = (Width + 6 ** k - 1) / 6 ** k;
    logic [3**k-1:0][Columns-1:0] vectors;
    if (k == 0) begin : gen_input
      assign vectors = bits_i;
    end else begin : gen_compress
      localparam int WideColumns = (Width + 6 ** (k - 1) - 1) / 6 ** (k - 1);
      logic [3**k-1:0][Columns-1:0] vectors_d, vectors_q;
      for (genvar v = 0; v < 3 ** (k - 1); v++) begin : gen_vector
        bnn_compress #(
          .Width(WideColumns)
        ) u_compress (
          .bits_i (gen_down[k-1].vectors[v]),
          .ones_o (vectors_d[3*v]),
          .twos_o (vectors_d[3*v+1]),
          .fours_o(vectors_d[3*v+2])
        );
      end
      always_ff @(posedge clk_i) begin
        if (en_i) vectors_q <= vectors_d;
      end
      assign vectors = vectors_q;
    end
  end

  // Up: each step holds the counts of the vectors of level Levels - step.
  for (genvar step = 0; step <= Levels; step++) begin : gen_up
    localparam int Level = Levels - step;
    localparam int Columns = (Width + 6 ** Level - 1) / 6 ** Level;
    localparam int PartBits = $clog2(Columns + 1);
    logic [3**Level-1:0][PartBits-1:0] counts_d, counts_q;
    for (genvar v = 0; v < 3 ** Level; v++) begin : gen_vector
      if (step == 0) begin : gen_count
        bnn_popcount #(
          .Width(Columns)
        ) u_popcount (
          .bits_i (gen_down[Level].vectors[v]),
          .count_o(counts_d[v])
        );
      end else begin : gen_join
        localparam int NarrowBits = $clog2((Width + 6 ** (Level + 1) - 1) / 6 ** (Level + 1) + 1);
        bnn_join #(
          .PartBits (NarrowBits),
          .CountBits(PartBits)
        ) u_join (
          .ones_i (gen_up[step-1].counts_q[3*v]),
          .twos_i (gen_up[step-1].counts_q[3*v+1]),
          .fours_i(gen_up[step-1].counts_q[3*v+2]),
          .count_o(counts_d[v])
        );
      end
    end
    always_ff @(posedge clk_i) begin
      if (en_i) counts_q <= counts_d;
    end
  end

  assign count_o = gen_up[Levels].counts_q[0];

endmodule
