// Weight ROM with a register behind it: the words of a fold in LUTs, in block RAM, or in both.
//
//   word_o = Contents[step_i * Width +: Width], of the last cycle in which en_i was high
//
// The low BlockBits bits of each word are read from block RAM, whose output register is the register;
// the others from bnn_rom. The hierarchy is kept, so that synthesis fills the ROM's LUTs alone and
// neither shares them with the logic around nor takes the step register through them.
//
//   Depth, Width, Contents  those of bnn_rom
//   BlockBits               0 to Width
//
// Latency: 1 cycle. Reset: none, the user carries a valid bit beside it.
// Cost: Width - BlockBits flip-flops and as many LUT6 for each 64 words; BlockBits / 36 block RAMs of
// 18 kbit up to 512 words, on iCE40 BlockBits / 16 of 4 kbit up to 256.
(* keep_hierarchy *)
module bnn_weights #(
  parameter int Depth = 40,
  parameter int Width = 8,
  parameter int BlockBits = 0,
  parameter logic [Depth*Width-1:0] Contents = '0,
  // Derived, do not set.
  parameter int StepBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic                clk_i,
  input  logic                en_i,
  input  logic [StepBits-1:0] step_i,
  output logic [Width-1:0]    word_o
);

  if (Depth < 1 || Width < 1 || BlockBits < 0 || BlockBits > Width) begin : gen_illegal
    bnn_error_block_bits_must_be_0_to_width u_error ();
  end

  if (BlockBits > 0) begin : gen_block
    // One attribute for each vendor's tools: they keep the ROM in block RAM however small it is.
    (* rom_style = "block", ram_style = "block", syn_romstyle = "EBR" *)
    logic [BlockBits-1:0] words [Depth];
    logic [BlockBits-1:0] word_q;
    // In parts, for front ends that unroll only so many turns of a loop (Yosys' read_slang 4,000).
    localparam int PartWords = 1024;
    for (genvar from = 0; from < Depth; from = from + PartWords) begin : gen_part
      localparam int To = (from + PartWords < Depth) ? from + PartWords : Depth;
      initial begin
        for (int s = from; s < To; s++) words[s] = Contents[s*Width+:BlockBits];
      end
    end
    always_ff @(posedge clk_i) begin
      if (en_i) word_q <= words[step_i];
    end
    assign word_o[BlockBits-1:0] = word_q;
  end

  if (BlockBits < Width) begin : gen_lut
    logic [Width-1:0]         word;
    logic [Width-BlockBits-1:0] word_q;
    bnn_rom #(
      .Depth   (Depth),
      .Width   (Width),
      .Contents(Contents)
    ) u_rom (
      .address_i(step_i),
      .data_o   (word)
    );
    if (BlockBits > 0) begin : gen_rest
      logic unused_word;
      assign unused_word = ^word[BlockBits-1:0];
    end
    always_ff @(posedge clk_i) begin
      if (en_i) word_q <= word[Width-1:BlockBits];
    end
    assign word_o[Width-1:BlockBits] = word_q;
  end

endmodule
