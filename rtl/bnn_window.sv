// Sliding window: words of one fragment in, Positions windows of Kernel words out.
//
//   window i = padded[i * Stride +: Kernel], padded = {PadLeft x PadWord, words, PadRight x PadWord}
//   out_data_o = {newest word, ..., oldest word}: the oldest lies in the low bits
//
// Every word of the padded fragment that is not already there is one step, one cycle each:
//   - the first step of a fragment also sets all other words to PadWord, so up to Kernel - 1 words
//     of left padding cost nothing, and no word of the fragment before can be seen;
//   - left padding beyond that and right padding are steps without input;
//   - after the last window, input words that no window needs are read and dropped.
// With Stride above 1 the words between two windows gather beside the window, which then moves on by
// Stride words at once. A window is held until it is taken; meanwhile the words between it and the
// next one come in, and on the edge that takes it the last of them moves the window on: a window can
// leave every max(Stride, cycles it is held) cycles. Fragments follow each other without a gap.
//
//   WordBits 1 or more, Kernel 1 or more (longer than InLength is fine), Stride 1 or more,
//   PadLeft and PadRight 0 or more (longer than Kernel is fine), InLength 1 or more,
//   Positions = (InLength + PadLeft + PadRight - Kernel) / Stride + 1
//
// Latency: a window is valid in the cycle after its newest word came in.
// Cycles a fragment, for windows held H cycles: (Positions - 1) * max(Stride, H) + max(H, dropped
// words + first group) + shifts from there to the first window. Reset: start of a fragment, no window.
// Cost: (Kernel + min(Stride, Kernel) - 1) * WordBits flip-flops, most with set or reset, some 30 LUTs
// of control.
module bnn_window #(
  parameter int WordBits = 2,
  parameter int Kernel = 3,
  parameter int Stride = 1,
  parameter int PadLeft = 1,
  parameter int PadRight = 1,
  parameter int InLength = 8,
  parameter int Positions = 8,
  parameter logic [WordBits-1:0] PadWord = '0
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       in_valid_i,
  output logic                       in_ready_o,
  input  logic [WordBits-1:0]        in_data_i,
  output logic                       out_valid_o,
  input  logic                       out_ready_i,
  output logic [Kernel*WordBits-1:0] out_data_o
);

  if (WordBits < 1 || Kernel < 1 || Stride < 1 || PadLeft < 0 || PadRight < 0 || InLength < 1 ||
      InLength + PadLeft + PadRight < Kernel ||
      Positions != (InLength + PadLeft + PadRight - Kernel) / Stride + 1) begin : gen_illegal
    bnn_error_window_shape_is_illegal u_error ();
  end

  // One fragment is a row of steps: shifts of left padding, of input, of right padding, then drops.
  localparam int Preset = (PadLeft < Kernel - 1) ? PadLeft : Kernel - 1;
  localparam int LeadShifts = PadLeft - Preset;
  localparam int Shifts = (Positions - 1) * Stride + Kernel - Preset;
  localparam int AfterLead = (Shifts > LeadShifts) ? Shifts - LeadShifts : 0;
  localparam int InputShifts = (AfterLead < InLength) ? AfterLead : InLength;
  localparam int Drops = InLength - InputShifts;
  localparam int Steps = Shifts + Drops;
  localparam int StepBits = (Steps > 1) ? $clog2(Steps) : 1;
  // The steps that take input are in one piece, InputFrom ... InputTo - 1.
  localparam int InputFrom = (InputShifts > 0) ? LeadShifts : Shifts;
  localparam int InputTo = (Drops > 0) ? Steps : LeadShifts + InputShifts;
  localparam int BeforeInput = (InputFrom > 0) ? InputFrom - 1 : Steps - 1;
  // Shifts up to the first window; the window moves on at the last of them and Stride words apart.
  localparam int FirstGap = Kernel - Preset;
  localparam int Group = (Stride < 1) ? 1 : Stride;
  localparam int FirstGroup = (FirstGap - 1) % Group + 1;
  localparam int GapBits = (Group > 1) ? $clog2(Group) : 1;
  // Words that gather beside the window, and words that stay in it when it moves on.
  localparam int Beside = (Group < Kernel) ? Group - 1 : Kernel - 1;
  localparam int Stay = Kernel - Beside - 1;

  logic [StepBits-1:0] step;
  logic                last_step, advance;
  bnn_counter #(
    .Modulus(Steps)
  ) u_step (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (advance),
    .value_o(step),
    .last_o (last_step)
  );

  // What kind of step it is, in registers of their own, for they open the handshakes.
  logic first_q, takes_input_q, shifts_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      first_q <= 1'b1;
    end else if (advance) begin
      first_q <= last_step;
    end
  end

  if (InputTo - InputFrom == Steps) begin : gen_input_only
    logic unused_step;
    assign unused_step   = ^step;
    assign takes_input_q = 1'b1;
  end else begin : gen_padding
    localparam logic AtStart = (InputFrom == 0) ? 1'b1 : 1'b0;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        takes_input_q <= AtStart;
      end else if (advance) begin
        if (last_step) begin
          takes_input_q <= AtStart;
        end else if (step == StepBits'(BeforeInput)) begin
          takes_input_q <= 1'b1;
        end else if (step == StepBits'(InputTo - 1)) begin
          takes_input_q <= 1'b0;
        end
      end
    end
  end

  if (Drops == 0) begin : gen_no_drop
    assign shifts_q = 1'b1;
  end else begin : gen_drop
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        shifts_q <= 1'b1;
      end else if (advance) begin
        if (last_step) begin
          shifts_q <= 1'b1;
        end else if (step == StepBits'(Shifts - 1)) begin
          shifts_q <= 1'b0;
        end
      end
    end
  end

  // moves: this step completes a group, the window moves on. The gap counts the words before that.
  logic moves;
  if (Stride == 1) begin : gen_every_word
    assign moves = shifts_q;
  end else begin : gen_groups
    logic [GapBits-1:0] gap_q;
    logic               group_end_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        gap_q       <= GapBits'(FirstGroup - 1);
        group_end_q <= (FirstGroup == 1);
      end else if (advance) begin
        if (last_step) begin
          gap_q       <= GapBits'(FirstGroup - 1);
          group_end_q <= (FirstGroup == 1);
        end else begin
          gap_q       <= group_end_q ? GapBits'(Stride - 1) : gap_q - 1'b1;
          group_end_q <= (gap_q == GapBits'(1));
        end
      end
    end
    assign moves = shifts_q & group_end_q;
  end

  // complete_q: the window holds Kernel words once it has moved on.
  logic complete_q;
  if (FirstGap == FirstGroup) begin : gen_complete
    assign complete_q = 1'b1;
  end else begin : gen_filling
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        complete_q <= 1'b0;
      end else if (advance) begin
        if (last_step) begin
          complete_q <= 1'b0;
        end else if (step == StepBits'(FirstGap - 2)) begin
          complete_q <= 1'b1;
        end
      end
    end
  end

  logic valid_q, free;
  assign free    = ~valid_q | out_ready_i;
  // The first step waits for the fragment's first word even where it takes none, so that windows of
  // padding alone never leave for a fragment that does not come.
  assign advance = (free | ~moves) & (in_valid_i | ~(takes_input_q | first_q));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else if (free) begin
      valid_q <= advance & moves & complete_q;
    end
  end

  logic [WordBits-1:0]              newest;
  logic [(Beside+1)*WordBits-1:0]   group;
  logic [Kernel*WordBits-1:0]       window_q;
  assign newest = takes_input_q ? in_data_i : PadWord;

  // fresh: the window still holds words of the fragment before.
  logic fresh;
  if (FirstGroup == 1) begin : gen_first_word
    assign fresh = first_q;
  end else begin : gen_first_group
    logic fresh_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        fresh_q <= 1'b1;
      end else if (advance) begin
        fresh_q <= last_step | (fresh_q & ~moves);
      end
    end
    assign fresh = fresh_q;
  end

  if (Beside == 0) begin : gen_no_group
    logic unused_first;
    assign unused_first = first_q;
    assign group = newest;
  end else begin : gen_group
    // The words since the last move, the newest on top.
    logic [Beside*WordBits-1:0]     beside_q;
    logic [(Beside+1)*WordBits-1:0] shifted;
    assign shifted = {newest, beside_q};
    if (FirstGroup == 1) begin : gen_padding_at_once
      always_ff @(posedge clk_i) begin
        if (advance & shifts_q) beside_q <= shifted[(Beside+1)*WordBits-1:WordBits];
      end
      assign group = first_q ? {newest, {Beside{PadWord}}} : shifted;
    end else if (Beside == 1) begin : gen_one_beside
      always_ff @(posedge clk_i) begin
        if (advance & shifts_q) beside_q <= newest;
      end
      assign group = shifted;
    end else begin : gen_padding_before
      always_ff @(posedge clk_i) begin
        if (advance & shifts_q) begin
          beside_q[Beside*WordBits-1-:WordBits] <= newest;
          if (first_q) begin
            beside_q[(Beside-1)*WordBits-1:0] <= {(Beside - 1) {PadWord}};
          end else begin
            beside_q[(Beside-1)*WordBits-1:0] <= beside_q[Beside*WordBits-1:WordBits];
          end
        end
      end
      assign group = shifted;
    end
  end

  if (Stay == 0) begin : gen_group_only
    logic unused_fresh;
    assign unused_fresh = fresh;
    always_ff @(posedge clk_i) begin
      if (advance & moves) window_q <= group;
    end
  end else begin : gen_words
    always_ff @(posedge clk_i) begin
      if (advance & moves) begin
        window_q[Kernel*WordBits-1:Stay*WordBits] <= group;
        if (fresh) begin
          window_q[Stay*WordBits-1:0] <= {Stay{PadWord}};
        end else begin
          window_q[Stay*WordBits-1:0] <= window_q[Kernel*WordBits-1-:Stay*WordBits];
        end
      end
    end
  end

  assign in_ready_o  = takes_input_q & (free | ~moves);
  assign out_valid_o = valid_q;
  assign out_data_o  = window_q;

endmodule
