// Popcount: count_o is the number of ones in bits_i.
//
// A level of 6:3 compressors makes three vectors of a sixth of the width of each vector,
//
//   popcount(v) = popcount(ones) + 2 * popcount(twos) + 4 * popcount(fours),
//
// until they have at most seven bits. Full adders count those, and on the way back two short adders
// join each three counts.
//
//   Width  1 to 54,432
//
// Latency: 0; depth one LUT6 and two short carry chains per factor of six.
// Cost: about one LUT6 for each bit that is counted away (Width minus the width of the count).
module bnn_popcount #(
  parameter int Width = 36,
  // Derived, do not set.
  parameter int CountBits = $clog2(Width + 1)
) (
  input  logic [Width-1:0]     bits_i,
  output logic [CountBits-1:0] count_o
);

  // Not inlined, for Verilator 5.48 loses track of signals that are read from another generate block once it has
  // done so (in large designs: "Can't find definition of ... in dotted signal").
  /* verilator no_inline_module */

  if (Width < 1 || Width > 54432) begin : gen_illegal
    bnn_error_width_must_be_1_to_54432 u_error ();
  end

  localparam int Levels = (Width <= 7) ? 0 : (Width <= 42) ? 1 : (Width <= 252) ? 2 :
                          (Width <= 1512) ? 3 : (Width <= 9072) ? 4 : 5;

  // Down: level k holds 3 ** k vectors of a 6 ** k th of the width, rounded up.
  for (genvar k = 0; k <= Levels; k++) begin : gen_down
    localparam int Columns = (Width + 6 ** k - 1) / 6 ** k;
    logic [3**k-1:0][Columns-1:0] vectors;
    if (k == 0) begin : gen_input
      assign vectors = bits_i;
    end else begin : gen_compress
      localparam int WideColumns = (Width + 6 ** (k - 1) - 1) / 6 ** (k - 1);
      for (genvar v = 0; v < 3 ** (k - 1); v++) begin : gen_vector
        bnn_compress #(
          .Width(WideColumns)
        ) u_compress (
          .bits_i (gen_down[k-1].vectors[v]),
          .ones_o (vectors[3*v]),
          .twos_o (vectors[3*v+1]),
          .fours_o(vectors[3*v+2])
        );
      end
    end
  end

  // Up: each step holds the counts of the vectors of level Levels - step.
  for (genvar step = 0; step <= Levels; step++) begin : gen_up
    localparam int Level = Levels - step;
    localparam int Columns = (Width + 6 ** Level - 1) / 6 ** Level;
    localparam int PartBits = $clog2(Columns + 1);
    logic [3**Level-1:0][PartBits-1:0] counts;
    for (genvar v = 0; v < 3 ** Level; v++) begin : gen_vector
      if (step == 0) begin : gen_count
        bnn_count7 #(
          .Width(Columns)
        ) u_count (
          .bits_i (gen_down[Level].vectors[v]),
          .count_o(counts[v])
        );
      end else begin : gen_join
        localparam int NarrowBits = $clog2((Width + 6 ** (Level + 1) - 1) / 6 ** (Level + 1) + 1);
        bnn_join #(
          .PartBits (NarrowBits),
          .CountBits(PartBits)
        ) u_join (
          .ones_i (gen_up[step-1].counts[3*v]),
          .twos_i (gen_up[step-1].counts[3*v+1]),
          .fours_i(gen_up[step-1].counts[3*v+2]),
          .count_o(counts[v])
        );
      end
    end
  end

  assign count_o = gen_up[Levels].counts[0];

endmodule
