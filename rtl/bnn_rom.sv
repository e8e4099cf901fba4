// Combinational ROM of a packed constant: data_o = Contents[address_i * Width +: Width].
//
//   Depth     words, 1 or more; an address of Depth or above reads an unspecified word
//   Width     bits of a word, 1 or more
//   Contents  all words, word 0 in the low bits
//
// It selects in two steps, within chunks of four words and then among these, so that synthesis sees
// multiplexers and not a memory: of a memory it would take in the address register, move it to the
// output, and lose the merging of the ROM with the logic behind it (half as many LUTs again).
//
// Latency: 0.
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
  end else if (Depth <= 4) begin : gen_chunk
    logic [Depth-1:0][Width-1:0] words;
    assign words  = Contents;
    assign data_o = words[address_i];
  end else begin : gen_chunks
    localparam int Chunks = (Depth + 3) / 4;
    logic [4*Chunks*Width-1:0]    words;
    logic [Chunks-1:0][Width-1:0] chunk_words;
    assign words = (4*Chunks*Width)'(Contents);
    for (genvar c = 0; c < Chunks; c++) begin : gen_chunk
      logic [3:0][Width-1:0] chunk;
      assign chunk          = words[4*c*Width+:4*Width];
      assign chunk_words[c] = chunk[address_i[1:0]];
    end
    assign data_o = chunk_words[address_i[AddressBits-1:2]];
  end

endmodule
