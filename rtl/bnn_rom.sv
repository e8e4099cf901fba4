// Combinational ROM of a packed constant: data_o = Contents[address_i * Width +: Width].
//
//   Depth     words, 1 or more; an address of Depth or above reads an unspecified word
//   Width     bits of a word, 1 or more
//   Contents  all words, word 0 in the low bits
//
// Latency: 0. The address register belongs to the user: this boundary keeps a fold counter apart
// from the ROM, and the ROM free to merge with the logic behind it.
// Cost: Width LUT6 up to 64 words alone; up to 32 words an XNOR behind each bit comes for nothing.
module bnn_rom #(
  parameter int Depth = 4,
  parameter int Width = 8,
  parameter logic [Depth*Width-1:0] Contents = '0,
  // Derived, do not set.
  parameter int AddressBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic [AddressBits-1:0] address_i,
  output logic [Width-1:0]       data_o
);

  if (Depth < 1 || Width < 1) begin : gen_illegal
    bnn_error_depth_and_width_must_be_at_least_1 u_error ();
  end

  if (Depth == 1) begin : gen_constant
    logic unused_address;
    assign unused_address = ^address_i;
    assign data_o = Contents;
  end else begin : gen_words
    logic [Depth-1:0][Width-1:0] words;
    assign words  = Contents;
    assign data_o = words[address_i];
  end

endmodule
