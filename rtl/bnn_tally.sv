// Pipelined popcount: the number of ones in bits_i, Latency enabled cycles later.
//
// Up to 18 bits it is bnn_popcount and a register. Above, 6:3 compressors and a register leave three
// vectors of a sixth of the width, each has a tally of its own, and the joining adders with a
// register make one count of the three. So no path is longer than the popcount of 18 bits.
//
//   Width  1 to 839,808
//
// Latency: 1 up to 18 bits, 3 up to 108, 5 up to 648, and two more for each further factor of six;
// one count a cycle; en_i low holds every register. Reset: none, the user carries a valid bit beside it.
// Cost: as bnn_popcount, and about 0.9 flip-flops a bit.
module bnn_tally #(
  parameter int Width = 18,
  // Derived, do not set.
  parameter int CountBits = $clog2(Width + 1)
) (
  input  logic                 clk_i,
  input  logic                 en_i,
  input  logic [Width-1:0]     bits_i,
  output logic [CountBits-1:0] count_o
);

  if (Width < 1 || Width > 839808) begin : gen_illegal
    bnn_error_width_must_be_1_to_839808 u_error ();
  end

  logic [CountBits-1:0] count_d, count_q;

  if (Width <= 18) begin : gen_popcount
    bnn_popcount #(
      .Width(Width)
    ) u_popcount (
      .bits_i (bits_i),
      .count_o(count_d)
    );
  end else begin : gen_compress
    localparam int Columns = (Width + 5) / 6;
    localparam int PartBits = $clog2(Columns + 1);

    logic [Columns-1:0]  ones_d, twos_d, fours_d, ones_q, twos_q, fours_q;
    logic [PartBits-1:0] ones_count, twos_count, fours_count;

    bnn_compress #(
      .Width(Width)
    ) u_compress (
      .bits_i (bits_i),
      .ones_o (ones_d),
      .twos_o (twos_d),
      .fours_o(fours_d)
    );
    always_ff @(posedge clk_i) begin
      if (en_i) begin
        ones_q  <= ones_d;
        twos_q  <= twos_d;
        fours_q <= fours_d;
      end
    end
    bnn_tally #(
      .Width(Columns)
    ) u_ones (
      .clk_i  (clk_i),
      .en_i   (en_i),
      .bits_i (ones_q),
      .count_o(ones_count)
    );
    bnn_tally #(
      .Width(Columns)
    ) u_twos (
      .clk_i  (clk_i),
      .en_i   (en_i),
      .bits_i (twos_q),
      .count_o(twos_count)
    );
    bnn_tally #(
      .Width(Columns)
    ) u_fours (
      .clk_i  (clk_i),
      .en_i   (en_i),
      .bits_i (fours_q),
      .count_o(fours_count)
    );
    bnn_join #(
      .PartBits (PartBits),
      .CountBits(CountBits)
    ) u_join (
      .ones_i (ones_count),
      .twos_i (twos_count),
      .fours_i(fours_count),
      .count_o(count_d)
    );
  end

  always_ff @(posedge clk_i) begin
    if (en_i) count_q <= count_d;
  end

  assign count_o = count_q;

endmodule
