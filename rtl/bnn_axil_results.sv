// What a result packet leaves behind for registers: class, flag, scores, counters.
//
// Watches the beats of m_axis as they are handed over (beat_i) and never holds one up. A packet is
// Classes scores, then the class with last_i; error_i is the flag of that last beat. Scores collect
// in one of two banks; with the last beat the banks change roles and class, flag and number of the
// result change with them, so that all outputs belong to one result at any time.
//
//   hold_i       keeps the result as it is; packets that end meanwhile are counted, not kept
//   clear_i      counters to 0 and no result; a packet that ends in that very cycle is not counted
//   unread_i     the result before has not been looked at
//   score_word_i which word of the scores score_data_o shows: class 0 first, low word first
//   ended_o      a packet ended one cycle ago; flagged_o: with error_i; overrun_o: while hold_i or
//                unread_i was high
//
//   Classes     1 to 65,536
//   ResultBits  32 or 64
//
// Latency: 1 cycle from the last beat to the outputs; score_data_o is combinational in score_word_i.
// Reset: no result, counters 0, the rest of a packet that reset cut would count as one. Before the
// first result the scores read 0. Cost: 2 * Classes * ResultBits bits of RAM (LUT RAM where the
// target has it), some 120 flip-flops and 45 LUTs.
module bnn_axil_results #(
  parameter int Classes = 3,
  parameter int ResultBits = 32,
  // Derived, do not set.
  parameter int WordIndexBits = (Classes * ResultBits / 32 > 1) ? $clog2(Classes * ResultBits / 32) : 1
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     beat_i,
  input  logic [ResultBits-1:0]    data_i,
  input  logic                     last_i,
  input  logic                     error_i,
  input  logic                     hold_i,
  input  logic                     clear_i,
  input  logic                     unread_i,
  input  logic [WordIndexBits-1:0] score_word_i,
  output logic [31:0]              score_data_o,
  output logic                     valid_o,
  output logic [15:0]              class_o,
  output logic                     error_o,
  output logic [31:0]              fragment_o,
  output logic [31:0]              fragments_o,
  output logic [31:0]              errors_o,
  output logic                     ended_o,
  output logic                     flagged_o,
  output logic                     overrun_o
);

  if (Classes < 1 || Classes > 65536 || (ResultBits != 32 && ResultBits != 64)) begin : gen_illegal
    bnn_error_classes_or_result_bits_are_illegal u_error ();
  end

  localparam int ClassBits = (Classes > 1) ? $clog2(Classes) : 1;

  logic ends, keep;
  assign ends = beat_i & last_i;
  assign keep = ends & ~hold_i;

  // Scores of this packet go to the bank that is not shown.
  logic [ResultBits-1:0] scores_q [2 << ClassBits];
  logic [ClassBits-1:0]  index_q, shown_class;
  logic                  shown_bank_q;
  logic [ResultBits-1:0] shown_score;
  logic [31:0]           shown_word;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_q      <= '0;
      shown_bank_q <= 1'b0;
    end else begin
      if (beat_i) index_q <= last_i ? '0 : index_q + 1'b1;
      if (keep) shown_bank_q <= ~shown_bank_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (beat_i && !last_i) scores_q[{~shown_bank_q, index_q}] <= data_i;
  end
  assign shown_score = scores_q[{shown_bank_q, shown_class}];

  if (ResultBits == 32) begin : gen_one_word
    assign shown_class = ClassBits'(score_word_i);
    assign shown_word  = shown_score;
  end else begin : gen_two_words
    assign shown_class = ClassBits'(score_word_i >> 1);
    assign shown_word  = score_word_i[0] ? shown_score[ResultBits-1-:32] : shown_score[31:0];
  end
  assign score_data_o = valid_o ? shown_word : '0;

  // Counters, and the result beside its scores.
  logic        valid_q, error_q, ended_q, flagged_q, overrun_q;
  logic [15:0] class_q;
  logic [31:0] fragment_q, fragments_q, errors_q, next_fragments;
  assign next_fragments = fragments_q + 32'd1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      valid_q     <= 1'b0;
      error_q     <= 1'b0;
      class_q     <= '0;
      fragment_q  <= '0;
      fragments_q <= '0;
      errors_q    <= '0;
      ended_q     <= 1'b0;
      flagged_q   <= 1'b0;
      overrun_q   <= 1'b0;
    end else begin
      ended_q   <= ends;
      flagged_q <= ends & error_i;
      overrun_q <= ends & (hold_i | unread_i);
      if (ends) begin
        fragments_q <= next_fragments;
        errors_q    <= errors_q + 32'(error_i);
      end
      if (keep) begin
        valid_q    <= 1'b1;
        error_q    <= error_i;
        class_q    <= data_i[15:0];
        fragment_q <= next_fragments;
      end
    end
  end

  assign valid_o     = valid_q;
  assign class_o     = class_q;
  assign error_o     = error_q;
  assign fragment_o  = fragment_q;
  assign fragments_o = fragments_q;
  assign errors_o    = errors_q;
  assign ended_o     = ended_q;
  assign flagged_o   = flagged_q;
  assign overrun_o   = overrun_q;

endmodule
