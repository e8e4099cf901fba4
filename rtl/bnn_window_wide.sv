// Sliding window over a stream that brings Beat words at once, oldest in the low bits.
//
//   window i = padded[i * Stride +: Kernel], padded = {PadLeft x PadWord, words, PadRight x PadWord}
//   out_data_o = {newest word, ..., oldest word}, as bnn_window gives it for one word a beat
//
// Beat divides Stride, so all windows lie alike on the beats: a bnn_window over whole beats holds
// Kernel words and what is left of its oldest and newest beat, and the window is a fixed part of it.
// Left padding is rounded up to whole beats; the words that this adds are older than any window.
//
//   Beat 1 or more, a divisor of Stride and of InLength; all other parameters as bnn_window, in words
//
// Latency, cycles a fragment, reset: those of bnn_window with the lengths below, which are in beats.
// Cost: that of bnn_window with words of Beat * WordBits bits; synthesis drops the registers of words
// that are in no window.
module bnn_window_wide #(
  parameter int Beat = 2,
  parameter int WordBits = 2,
  parameter int Kernel = 3,
  parameter int Stride = 2,
  parameter int PadLeft = 1,
  parameter int PadRight = 1,
  parameter int InLength = 8,
  parameter int Positions = 4,
  parameter logic [WordBits-1:0] PadWord = '0
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       in_valid_i,
  output logic                       in_ready_o,
  input  logic [Beat*WordBits-1:0]   in_data_i,
  output logic                       out_valid_o,
  input  logic                       out_ready_i,
  output logic [Kernel*WordBits-1:0] out_data_o
);

  // A divisor of 0 must not be in the way of telling so.
  localparam int Safe = (Beat < 1) ? 1 : Beat;
  localparam int Step = (Stride < 1) ? 1 : Stride;
  if (Beat < 1 || Stride < 1 || Stride % Safe != 0 || InLength % Safe != 0) begin : gen_illegal
    bnn_error_beat_must_divide_stride_and_length u_error ();
  end
  if (WordBits < 1 || Kernel < 1 || PadLeft < 0 || PadRight < 0 || InLength < 1 ||
      InLength + PadLeft + PadRight < Kernel ||
      Positions != (InLength + PadLeft + PadRight - Kernel) / Step + 1) begin : gen_illegal_shape
    bnn_error_window_shape_is_illegal u_error ();
  end

  // Lengths in beats. Offset words of the oldest beat are older than the window.
  localparam int LeftBeats = (PadLeft + Safe - 1) / Safe;
  localparam int Offset = LeftBeats * Safe - PadLeft;
  localparam int KernelBeats = (Offset + Kernel + Safe - 1) / Safe;
  localparam int StrideBeats = Step / Safe;
  localparam int InBeats = InLength / Safe;
  localparam int Missing = (Positions - 1) * StrideBeats + KernelBeats - LeftBeats - InBeats;
  localparam int RightBeats = (Missing > 0) ? Missing : 0;
  // Words newer than the window.
  localparam int Newer = KernelBeats * Safe - Offset - Kernel;

  logic [KernelBeats*Safe*WordBits-1:0] beats;
  bnn_window #(
    .WordBits (Safe * WordBits),
    .Kernel   (KernelBeats),
    .Stride   (StrideBeats),
    .PadLeft  (LeftBeats),
    .PadRight (RightBeats),
    .InLength (InBeats),
    .Positions(Positions),
    .PadWord  ({Safe{PadWord}})
  ) u_beats (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .in_valid_i (in_valid_i),
    .in_ready_o (in_ready_o),
    .in_data_i  (in_data_i),
    .out_valid_o(out_valid_o),
    .out_ready_i(out_ready_i),
    .out_data_o (beats)
  );

  assign out_data_o = beats[Offset*WordBits+:Kernel*WordBits];

  if (Offset > 0) begin : gen_older
    logic unused_older;
    assign unused_older = ^beats[Offset*WordBits-1:0];
  end
  if (Newer > 0) begin : gen_newer
    logic unused_newer;
    assign unused_newer = ^beats[KernelBeats*Safe*WordBits-1-:Newer*WordBits];
  end

endmodule
