// Joins three counts of one width: count_o = ones_i + 2 * twos_i + 4 * fours_i.
//
// Two adders in a row, each without the bits that can't carry. (One expression of three operands
// would become a carry-save adder first, which takes twice the LUTs on a target with carry chains.)
//
//   PartBits   1 or more
//   CountBits  1 or more; the caller knows that the count fits
//
// Latency: 0. Cost: about 2 * PartBits LUTs.
module bnn_join #(
  parameter int PartBits = 3,
  parameter int CountBits = 6
) (
  input  logic [PartBits-1:0]  ones_i,
  input  logic [PartBits-1:0]  twos_i,
  input  logic [PartBits-1:0]  fours_i,
  output logic [CountBits-1:0] count_o
);

  if (PartBits < 1 || CountBits < 1) begin : gen_illegal
    bnn_error_part_and_count_bits_must_be_at_least_1 u_error ();
  end

  if (PartBits == 1) begin : gen_bits
    assign count_o = CountBits'({fours_i, twos_i, ones_i});
  end else begin : gen_adders
    logic [PartBits:0] middle, high;
    assign middle  = (PartBits + 1)'(twos_i) + (PartBits + 1)'(ones_i[PartBits-1:1]);
    assign high    = (PartBits + 1)'(fours_i) + (PartBits + 1)'(middle[PartBits:1]);
    assign count_o = CountBits'({high, middle[0], ones_i[0]});
  end

endmodule
