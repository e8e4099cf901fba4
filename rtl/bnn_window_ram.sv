// Sliding window kept in a memory, for slow folds: words of one fragment in, the slices of its windows
// out, one a fold step.
//
//   window i = padded[i * Stride +: Kernel], padded = {PadLeft x pad, words, PadRight x pad}
//   slice f of a window = word f / Parts of it, the oldest first, bits f % Parts * SliceBits +: SliceBits
//   out: for each window, Turns times over, its slices f = 0 ... Kernel * Parts - 1, each of them in the
//   cycle after it was taken, where it stays until the next one was: the memory's own output register
//   is the one that the weights of the step have in a matrix-vector unit
//
// So the same stream as from bnn_window and the slices that a matrix-vector unit of Turns neuron folds
// cuts from a window, but no register holds a window: the padded fragment runs through a ring of Depth
// words in a memory of one write and one read port, in parts of SliceBits.
//   - The writer puts padding and words into the ring, a part a cycle, as far ahead as there is room;
//     input words that no window needs are read and dropped. A fragment starts with its first word, so
//     that windows of padding alone never leave for a fragment that does not come.
//   - The reader starts a window as soon as all its words are there, reads it Turns times and frees
//     Stride words, after a fragment's last window all Kernel.
// The ring is a FIFO as well: in_ready_o comes from registers, so none is needed before this cell.
//
//   SliceBits  bits of a slice, 1 or more
//   Parts      slices a word, 1 or more
//   InParts    slices of a word that come in at a time, the low ones first: all Parts, or 1
//   Kernel     1 or more; Stride 1 to Kernel; PadLeft, PadRight 0 or more; InLength 1 or more
//   Positions  (InLength + PadLeft + PadRight - Kernel) / Stride + 1
//   Turns      1 or more
//   Depth      words of the ring, a power of two, at least 2 * Kernel + 2
//   PadSlice   what padding reads as, in every part alike
//
// Latency: a window's first slice can be taken in the cycle after its newest word came in.
// Cycles a fragment: Positions * Turns * Kernel * Parts without a gap, if the words that no window needs
// and one window's parts can be taken within one window. Reset: start of a fragment, empty ring.
// Cost: Depth * Parts * SliceBits bits of memory, some 90 LUTs of counters, SliceBits multiplexers.
module bnn_window_ram #(
  parameter int SliceBits = 2,
  parameter int Parts = 2,
  parameter int InParts = 2,
  parameter int Kernel = 3,
  parameter int Stride = 1,
  parameter int PadLeft = 1,
  parameter int PadRight = 1,
  parameter int InLength = 8,
  parameter int Positions = 8,
  parameter int Turns = 2,
  parameter int Depth = 8,
  parameter logic [SliceBits-1:0] PadSlice = '0
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,
  input  logic                         in_valid_i,
  output logic                         in_ready_o,
  input  logic [InParts*SliceBits-1:0] in_data_i,
  output logic                         out_valid_o,
  input  logic                         out_ready_i,
  output logic [SliceBits-1:0]         out_data_o
);

  // A divisor that elaborates even where Stride is illegal, so that the refusal below is what is read.
  localparam int Step = (Stride < 1) ? 1 : Stride;

  if (SliceBits < 1 || Parts < 1 || Kernel < 1 || Stride < 1 || Stride > Kernel || PadLeft < 0 ||
      PadRight < 0 || InLength < 1 || InLength + PadLeft + PadRight < Kernel ||
      Positions != (InLength + PadLeft + PadRight - Kernel) / Step + 1) begin : gen_illegal_window
    bnn_error_window_shape_is_illegal u_error ();
  end
  if (InParts != Parts && InParts != 1) begin : gen_illegal_input
    bnn_error_words_come_whole_or_slice_by_slice u_error ();
  end
  if (Turns < 1 || Depth < 2 * Kernel + 2 || (Depth & (Depth - 1)) != 0) begin : gen_illegal_ring
    bnn_error_ring_must_be_a_power_of_two_and_hold_two_windows u_error ();
  end

  localparam int PositionBits = (Depth > 1) ? $clog2(Depth) : 1;
  localparam int LevelBits = PositionBits + 1;
  localparam int PartBits = (Parts > 1) ? $clog2(Parts) : 1;

  // Writer: one fragment is a row of steps, a word each: left padding, input, right padding, drops.
  localparam int Needed = (Positions - 1) * Stride + Kernel;
  localparam int LeadPads = (PadLeft < Needed) ? PadLeft : Needed;
  localparam int InputWords = (InLength < Needed - LeadPads) ? InLength : Needed - LeadPads;
  localparam int Drops = InLength - InputWords;
  localparam int Steps = Needed + Drops;
  localparam int StepBits = (Steps > 1) ? $clog2(Steps) : 1;
  // The steps that take input are in one piece, InputFrom ... InputTo - 1.
  localparam int InputFrom = (InputWords > 0) ? LeadPads : Needed;
  localparam int InputTo = (Drops > 0) ? Steps : LeadPads + InputWords;
  localparam int BeforeInput = (InputFrom > 0) ? InputFrom - 1 : Steps - 1;

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
  logic takes_input_q, waits_q, stores_q;

  if (InputTo - InputFrom == Steps) begin : gen_input_only
    logic unused_step;
    assign unused_step   = ^{step, last_step};
    assign takes_input_q = 1'b1;
    assign waits_q       = 1'b1;
  end else begin : gen_padding
    localparam logic AtStart = (InputFrom == 0) ? 1'b1 : 1'b0;
    // waits_q: the step waits for a word, to take it or, being a fragment's first, to begin.
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        takes_input_q <= AtStart;
        waits_q       <= 1'b1;
      end else if (advance) begin
        if (last_step) begin
          takes_input_q <= AtStart;
          waits_q       <= 1'b1;
        end else if (step == StepBits'(BeforeInput)) begin
          takes_input_q <= 1'b1;
          waits_q       <= 1'b1;
        end else if (step == StepBits'(InputTo - 1)) begin
          takes_input_q <= 1'b0;
          waits_q       <= 1'b0;
        end else begin
          waits_q       <= takes_input_q;
        end
      end
    end
  end

  if (Drops == 0) begin : gen_no_drop
    assign stores_q = 1'b1;
  end else begin : gen_drop
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        stores_q <= 1'b1;
      end else if (advance) begin
        if (last_step) begin
          stores_q <= 1'b1;
        end else if (step == StepBits'(Needed - 1)) begin
          stores_q <= 1'b0;
        end
      end
    end
  end

  // level: words in the ring, those of the window that is read included.
  logic [LevelBits-1:0] level_q;
  logic                 full, write, drop, last_write_part, whole, stored;
  logic [PartBits-1:0]  write_part;
  assign full    = level_q[LevelBits-1];
  assign write   = (in_valid_i | ~waits_q) & stores_q & ~full;
  assign drop    = in_valid_i & ~stores_q;
  // whole: what comes in now ends its word.
  assign whole   = last_write_part || InParts == Parts;
  assign stored  = write & last_write_part;
  assign advance = stored | (drop & whole);

  bnn_counter #(
    .Modulus(Parts)
  ) u_write_part (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (write | (drop && InParts != Parts)),
    .value_o(write_part),
    .last_o (last_write_part)
  );

  assign in_ready_o = takes_input_q & ((~full & (last_write_part || InParts == 1)) | ~stores_q);

  // Reader: part by part, word by word, turn by turn, window by window.
  localparam int TapBits = (Kernel > 1) ? $clog2(Kernel) : 1;
  localparam int TurnBits = (Turns > 1) ? $clog2(Turns) : 1;
  localparam int WindowBits = (Positions > 1) ? $clog2(Positions) : 1;
  logic [PartBits-1:0]   read_part;
  logic [TapBits-1:0]    unused_tap;
  logic [TurnBits-1:0]   unused_turn;
  logic [WindowBits-1:0] unused_window;
  logic                  read, last_read_part, last_tap, last_turn, last_window;
  logic                  word_read, turn_read, window_read;
  assign word_read   = read & last_read_part;
  assign turn_read   = word_read & last_tap;
  assign window_read = turn_read & last_turn;

  bnn_counter #(
    .Modulus(Parts)
  ) u_read_part (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (read),
    .value_o(read_part),
    .last_o (last_read_part)
  );
  bnn_counter #(
    .Modulus(Kernel)
  ) u_tap (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (word_read),
    .value_o(unused_tap),
    .last_o (last_tap)
  );
  bnn_counter #(
    .Modulus(Turns)
  ) u_turn (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (turn_read),
    .value_o(unused_turn),
    .last_o (last_turn)
  );
  bnn_counter #(
    .Modulus(Positions)
  ) u_window (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (window_read),
    .value_o(unused_window),
    .last_o (last_window)
  );

  // Where the next word is written and read. After a turn the reader goes back to the window's oldest
  // word, after a window to that of the next one; a new fragment begins behind the words of the old.
  logic [PositionBits-1:0] write_position_q, read_position_q, move;
  logic [LevelBits-1:0]    change;
  always_comb begin
    if (~last_tap) move = PositionBits'(1);
    else if (~last_turn) move = PositionBits'(1 - Kernel);
    else if (~last_window) move = PositionBits'(1 - Kernel + Stride);
    else move = PositionBits'(1);
  end
  always_comb begin
    if (~window_read) change = '0;
    else if (~last_window) change = LevelBits'(-Stride);
    else change = LevelBits'(-Kernel);
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_position_q <= '0;
      read_position_q  <= '0;
      level_q          <= '0;
    end else begin
      if (stored) write_position_q <= write_position_q + 1'b1;
      if (word_read) read_position_q <= read_position_q + move;
      level_q <= level_q + change + LevelBits'(stored);
    end
  end

  // The memory. What is written is never a word that is read: it lies outside the level.
  localparam int AddressBits = PositionBits + ((Parts > 1) ? PartBits : 0);
  logic [AddressBits-1:0] write_address, read_address;
  logic [SliceBits-1:0]   write_slice, slice_q;
  (* no_rw_check *)
  logic [SliceBits-1:0]   ring_q [2**AddressBits];
  if (Parts == 1) begin : gen_words
    logic unused_parts;
    assign unused_parts  = ^{write_part, read_part};
    assign write_address = write_position_q;
    assign read_address  = read_position_q;
    assign write_slice   = takes_input_q ? in_data_i : PadSlice;
  end else begin : gen_parts
    assign write_address = {write_position_q, write_part};
    assign read_address  = {read_position_q, read_part};
    if (InParts == 1) begin : gen_slices
      assign write_slice = takes_input_q ? in_data_i : PadSlice;
    end else begin : gen_words
      logic [Parts-1:0][SliceBits-1:0] parts;
      assign parts       = in_data_i;
      assign write_slice = takes_input_q ? parts[write_part] : PadSlice;
    end
  end

  always_ff @(posedge clk_i) begin
    if (write) ring_q[write_address] <= write_slice;
  end
  always_ff @(posedge clk_i) begin
    if (read) slice_q <= ring_q[read_address];
  end

  logic enough;
  assign enough      = (level_q >= LevelBits'(Kernel));
  assign read        = enough & out_ready_i;
  assign out_valid_o = enough;
  assign out_data_o  = slice_q;

endmodule
