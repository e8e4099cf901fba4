// Popcount of up to 42 bits: count_o is the number of ones in bits_i.
//
// 6:3 compressors make three vectors of a sixth of the width,
//
//   popcount(v) = popcount(ones) + 2 * popcount(twos) + 4 * popcount(fours),
//
// full adders count those, at most seven bits each, and two short adders join the counts. Wider
// vectors need registers on the way: bnn_tally.
//
//   Width  1 to 42
//
// Latency: 0; depth up to three LUT6 and two carry chains of four bits.
// Cost: about one LUT6 for each bit that is counted away (Width minus the width of the count).
module bnn_popcount #(
  parameter int Width = 36,
  // Derived, do not set.
  parameter int CountBits = $clog2(Width + 1)
) (
  input  logic [Width-1:0]     bits_i,
  output logic [CountBits-1:0] count_o
);

  if (Width < 1 || Width > 42) begin : gen_illegal
    bnn_error_width_must_be_1_to_42 u_error ();
  end

  if (Width <= 7) begin : gen_count
    bnn_count7 #(
      .Width(Width)
    ) u_count (
      .bits_i (bits_i),
      .count_o(count_o)
    );
  end else begin : gen_compress
    localparam int Columns = (Width + 5) / 6;
    localparam int PartBits = $clog2(Columns + 1);

    logic [Columns-1:0]  ones, twos, fours;
    logic [PartBits-1:0] ones_count, twos_count, fours_count;

    bnn_compress #(
      .Width(Width)
    ) u_compress (
      .bits_i (bits_i),
      .ones_o (ones),
      .twos_o (twos),
      .fours_o(fours)
    );
    bnn_count7 #(
      .Width(Columns)
    ) u_ones (
      .bits_i (ones),
      .count_o(ones_count)
    );
    bnn_count7 #(
      .Width(Columns)
    ) u_twos (
      .bits_i (twos),
      .count_o(twos_count)
    );
    bnn_count7 #(
      .Width(Columns)
    ) u_fours (
      .bits_i (fours),
      .count_o(fours_count)
    );
    bnn_join #(
      .PartBits (PartBits),
      .CountBits(CountBits)
    ) u_join (
      .ones_i (ones_count),
      .twos_i (twos_count),
      .fours_i(fours_count),
      .count_o(count_o)
    );
  end

endmodule
