// Popcount of up to eighteen bits, some of them inverted: count_o = popcount(bits_i ^ Invert).
//
// Six bits are counted by LUTs, and up to twice six more are taken up by adders (bnn_count_add).
// Wider vectors need registers on the way: bnn_tally.
//
//   Width   1 to 18
//   Invert  bits to be inverted: constant weights
//
// Latency: 0; depth three LUT6 and two short carry chains. Cost: half a LUT6 a bit.
module bnn_popcount #(
  parameter int Width = 18,
  parameter logic [Width-1:0] Invert = '0,
  // Derived, do not set.
  parameter int CountBits = $clog2(Width + 1)
) (
  input  logic [Width-1:0]     bits_i,
  output logic [CountBits-1:0] count_o
);

  if (Width < 1 || Width > 18) begin : gen_illegal
    bnn_error_width_must_be_1_to_18 u_error ();
  end

  if (Width <= 6) begin : gen_six
    bnn_count6 #(
      .Width (Width),
      .Invert(Invert)
    ) u_count (
      .bits_i (bits_i),
      .count_o(count_o)
    );
  end else begin : gen_add
    logic [2:0] six;
    bnn_count6 #(
      .Width (6),
      .Invert(Invert[5:0])
    ) u_count (
      .bits_i (bits_i[5:0]),
      .count_o(six)
    );
    if (Width <= 12) begin : gen_twelve
      bnn_count_add #(
        .Width  (Width - 6),
        .InBits (3),
        .OutBits(CountBits),
        .Invert (Invert[Width-1:6])
      ) u_add (
        .count_i(six),
        .bits_i (bits_i[Width-1:6]),
        .count_o(count_o)
      );
    end else begin : gen_eighteen
      logic [3:0] twelve;
      bnn_count_add #(
        .Width  (6),
        .InBits (3),
        .OutBits(4),
        .Invert (Invert[11:6])
      ) u_add_six (
        .count_i(six),
        .bits_i (bits_i[11:6]),
        .count_o(twelve)
      );
      bnn_count_add #(
        .Width  (Width - 12),
        .InBits (4),
        .OutBits(CountBits),
        .Invert (Invert[Width-1:12])
      ) u_add (
        .count_i(twelve),
        .bits_i (bits_i[Width-1:12]),
        .count_o(count_o)
      );
    end
  end

endmodule
