// Head: pooled sums of one fragment in, class scores and their arg-max out.
//
//   S_plus(c)  = sum over time of max(y, 0), S_minus(c) = sum over time of min(y, 0), y of channel c,
//                the largest y of each channel counted PeakWeight times more
//   score(c)   = Positive(c) * S_plus(c) + Negative(c) * S_minus(c) + Offset(c)
//   class      = lowest c with the highest score
//
// The fragment's result is one packet on m_axis: beats 0 to Classes - 1 are the scores, sign-extended
// to ResultBits, beat Classes is the class with tlast; tuser on every beat is the error bit of the
// framer, which is taken from the error stream with the last beat.
//
// While beats come in, the accumulators turn round in a delay line, Lanes of them at a time, and so do
// the largest sums, which one more turn adds after the last beat. Then the scores follow one after the
// other, a pair of coefficient bits a cycle from the top, or two pairs, without a multiplier:
//
//   term  = 2 * (Positive bit * S_plus + Negative bit * S_minus) + the same of the next lower bits
//   score = 4 * score + term, or 16 * score + 4 * term + next term, at last + Offset
//
// in two register stages, or three, so that a class follows the other without a gap; the top bit of a
// coefficient weighs -1. A score waits in a register of its own until it is taken; the next one is formed
// meanwhile, but for its offset. A class has so many steps that this costs nothing where a score is taken
// at once.
//
//   Lanes, Nf      lanes a beat and beats a position; Lanes * Nf = Classes
//   LaneBits       bits of a sum, two's complement
//   Positions      pooled positions a fragment, 1 or more
//   PeakWeight     0, or a power of two
//   AccBits        two's complement, enough for S_plus and S_minus, peak included
//   PositiveBits, NegativeBits, OffsetBits  two's complement, of one coefficient each
//   ScoreBits      two's complement, enough for every score; at most ResultBits
//   StepPairs      pairs of coefficient bits a cycle, 1 or 2
//   Positive, Negative, Offset  coefficient of class c at c * bits +: bits
//   Memory         1: sums and largest sums turn round in a memory (bnn_delay_ram), Nf at least 2
//
// Latency: from the fragment's last beat to its last result beat Classes * (Steps + 1) + StepPairs + 2
// cycles, Steps = ceil(max(PositiveBits, NegativeBits) / (2 * StepPairs)) or, if more, StepPairs + 1, and
// Nf more with a peak; so long no beat is taken.
// Reset: before the first beat of a fragment.
// Cost: no DSP; three adders of AccBits and one of ScoreBits, two comparisons, 2 * Classes * AccBits bits
// of state; two pairs a step take two adders more; a peak takes Classes * LaneBits bits, and a comparison
// a lane.
module bnn_head #(
  parameter int Lanes = 1,
  parameter int Nf = 3,
  parameter int LaneBits = 5,
  parameter int Positions = 4,
  parameter int PeakWeight = 0,
  parameter int Classes = 3,
  parameter int AccBits = 7,
  parameter int PositiveBits = 4,
  parameter int NegativeBits = 4,
  parameter int OffsetBits = 6,
  parameter int ScoreBits = 12,
  parameter int ResultBits = 32,
  parameter int StepPairs = 1,
  parameter int Memory = 0,
  parameter logic [Classes*PositiveBits-1:0] Positive = '0,
  parameter logic [Classes*NegativeBits-1:0] Negative = '0,
  parameter logic [Classes*OffsetBits-1:0] Offset = '0
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      in_valid_i,
  output logic                      in_ready_o,
  input  logic [Lanes*LaneBits-1:0] in_data_i,
  input  logic                      err_valid_i,
  output logic                      err_ready_o,
  input  logic                      err_data_i,
  output logic                      m_axis_tvalid,
  input  logic                      m_axis_tready,
  output logic [ResultBits-1:0]     m_axis_tdata,
  output logic                      m_axis_tlast,
  output logic                      m_axis_tuser
);

  if (Lanes < 1 || Nf < 1 || Lanes * Nf != Classes || Positions < 1 || LaneBits > AccBits ||
      ScoreBits > ResultBits || StepPairs < 1 || StepPairs > 2 || PeakWeight < 0 || (PeakWeight & (PeakWeight - 1)) != 0) begin : gen_illegal
    bnn_error_head_shape_is_illegal u_error ();
  end
  if (Memory < 0 || Memory > 1 || (Memory == 1 && Nf < 2)) begin : gen_illegal_memory
    bnn_error_head_in_memory_needs_two_beats u_error ();
  end

  localparam int CoefBits = (PositiveBits > NegativeBits) ? PositiveBits : NegativeBits;
  localparam int ClassBits = (Classes > 1) ? $clog2(Classes) : 1;
  localparam int LaneIndexBits = (Lanes > 1) ? $clog2(Lanes) : 1;
  localparam int PositionBits = (Positions > 1) ? $clog2(Positions) : 1;
  localparam int BeatBits = (Nf > 1) ? $clog2(Nf) : 1;
  // At least 1, so that an illegal parameter is read as the refusal above.
  localparam int Pairs = (StepPairs < 1) ? 1 : StepPairs;
  // At least so many that a score has left when the next one is to get its offset.
  localparam int NeededSteps = (CoefBits + 2 * Pairs - 1) / (2 * Pairs);
  localparam int Steps = (NeededSteps > Pairs) ? NeededSteps : Pairs + 1;
  localparam int StepBits = (Steps > 1) ? $clog2(Steps) : 1;
  localparam int AddressBits = (Classes * Steps > 1) ? $clog2(Classes * Steps) : 1;
  localparam int PairBits = AccBits + 3;
  // What a score is added up of: no wider than the score, for all is modulo its width.
  localparam int StepTermBits = PairBits + 2 * Pairs - 2;
  localparam int WideBits = (StepTermBits > OffsetBits) ? StepTermBits : OffsetBits;
  localparam int TermBits = (WideBits < ScoreBits) ? WideBits : ScoreBits;

  typedef enum logic [2:0] {
    Gather,   // beats come in
    AddPeak,  // the largest sums once more, a beat a cycle
    Score,    // coefficient bits and offset, class by class
    Send,     // the last scores leave
    SendClass
  } state_e;

  state_e state_q;
  logic   take, add_peak, sent, sent_score, scoring, next_class;
  // room_q: no score is on its way that has not been taken yet.
  logic   at_offset_q, room_q;
  assign take       = in_valid_i & in_ready_o;
  assign add_peak   = (state_q == AddPeak);
  assign sent       = m_axis_tvalid & m_axis_tready;
  assign sent_score = sent & (state_q != SendClass);
  assign scoring    = (state_q == Score) & (~at_offset_q | room_q);
  assign next_class = scoring & at_offset_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      room_q <= 1'b1;
    end else begin
      room_q <= sent_score | (room_q & ~next_class);
    end
  end

  // Accumulators.
  logic [BeatBits-1:0]     beat;
  logic [PositionBits-1:0] position;
  logic                    turn, last_beat, last_position, unused_beat;
  assign unused_beat = ^beat;
  bnn_counter #(
    .Modulus(Nf)
  ) u_beat (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    // A memory counts its entries while scores are formed as well, one whole turn.
    .step_i ((Memory == 1) ? turn : take | add_peak),
    .value_o(beat),
    .last_o (last_beat)
  );
  bnn_counter #(
    .Modulus(Positions)
  ) u_position (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (take & last_beat),
    .value_o(position),
    .last_o (last_position)
  );

  logic [Lanes-1:0][AccBits-1:0] plus, minus, plus_next, minus_next;
  logic                          first_position;
  // What turns round: S_plus and S_minus of each channel, below them its largest sum.
  localparam int PeakBits = (PeakWeight > 0) ? Lanes * LaneBits : 0;
  localparam int LineBits = 2 * Lanes * AccBits + PeakBits;
  logic [LineBits-1:0] line, line_next;
  assign {plus, minus}                  = line[LineBits-1:PeakBits];
  assign line_next[LineBits-1:PeakBits] = {plus_next, minus_next};
  assign first_position = (position == '0) & ~add_peak;

  // Weighted largest sums of the beat whose accumulators are at hand.
  logic [Lanes-1:0][AccBits-1:0] peak;
  if (PeakWeight == 0) begin : gen_no_peak
    assign peak = '0;
  end else begin : gen_peak
    // With the sign bit turned over two's complement compares as unsigned, in one carry chain.
    localparam logic [LaneBits-1:0] SignBit = ~('1 >> 1);
    logic [Lanes-1:0][LaneBits-1:0] largest, largest_next;
    for (genvar lane = 0; lane < Lanes; lane++) begin : gen_largest
      logic signed [LaneBits-1:0] value, old;
      assign value = in_data_i[lane*LaneBits+:LaneBits];
      assign old   = largest[lane];
      assign largest_next[lane] =
          (first_position || (value ^ SignBit) > (old ^ SignBit)) ? value : old;
      assign peak[lane]         = AccBits'(old) << $clog2(PeakWeight);
    end
    assign largest                 = line[PeakBits-1:0];
    assign line_next[PeakBits-1:0] = largest_next;
  end

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
    logic signed [LaneBits-1:0] value;
    logic        [AccBits-1:0]  old_plus, old_minus, addend, sum;
    assign value     = in_data_i[lane*LaneBits+:LaneBits];
    assign old_plus  = first_position ? '0 : plus[lane];
    assign old_minus = first_position ? '0 : minus[lane];
    assign addend    = add_peak ? peak[lane] : AccBits'(value);
    assign sum       = addend + (addend[AccBits-1] ? old_minus : old_plus);
    assign plus_next[lane]  = addend[AccBits-1] ? old_plus : sum;
    assign minus_next[lane] = addend[AccBits-1] ? sum : old_minus;
  end

  if (Memory == 1) begin : gen_memory
    bnn_delay_ram #(
      .Width(LineBits),
      .Depth(Nf)
    ) u_line (
      .clk_i  (clk_i),
      .en_i   (turn),
      .entry_i(beat),
      .last_i (last_beat),
      .data_i (line_next),
      .data_o (line)
    );
  end else begin : gen_line
    bnn_delay #(
      .Width(LineBits),
      .Depth(Nf)
    ) u_line (
      .clk_i (clk_i),
      .en_i  (turn),
      .data_i(line_next),
      .data_o(line)
    );
  end

  // Which class is scored: its lane, and after the last lane of a beat the line turns.
  logic [ClassBits-1:0]     class_index;
  logic [LaneIndexBits-1:0] lane_index;
  logic                     last_class, last_lane;
  bnn_counter #(
    .Modulus(Classes)
  ) u_class (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (next_class),
    .value_o(class_index),
    .last_o (last_class)
  );
  bnn_counter #(
    .Modulus(Lanes)
  ) u_lane (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (next_class),
    .value_o(lane_index),
    .last_o (last_lane)
  );
  assign turn = take | add_peak | (next_class & last_lane);

  logic signed [AccBits-1:0] plus_now, minus_now;
  if (Lanes == 1) begin : gen_one_lane
    logic unused_lane_index;
    assign unused_lane_index = ^lane_index;
    assign plus_now  = plus[0];
    assign minus_now = minus[0];
  end else begin : gen_lanes
    assign plus_now  = plus[lane_index];
    assign minus_now = minus[lane_index];
  end

  // Coefficient bits in the order of their use: class by class, from the top step down, the shorter
  // coefficient sign-extended, and both to full steps; in a step the low pair in the low bits.
  logic [4*Classes*Steps*Pairs-1:0] coefficient_bits;
  for (genvar c = 0; c < Classes; c++) begin : gen_class
    for (genvar b = 0; b < 2 * Steps * Pairs; b++) begin : gen_bit
      localparam int FromTop = Steps - 1 - b / (2 * Pairs);
      localparam int Place = 4 * (Pairs * (c * Steps + FromTop) + b / 2 % Pairs) + 2 * (b % 2);
      localparam int PositiveBit = (b < PositiveBits) ? b : PositiveBits - 1;
      localparam int NegativeBit = (b < NegativeBits) ? b : NegativeBits - 1;
      assign coefficient_bits[Place+:2] = {Negative[c*NegativeBits+NegativeBit],
                                           Positive[c*PositiveBits+PositiveBit]};
    end
  end

  // A class takes Steps steps with coefficients and one with the offset.
  logic [AddressBits-1:0] coefficient_step;
  logic [StepBits-1:0]    step_index;
  logic                   unused_last_coefficient, last_step, step, first_step;
  logic [4*Pairs-1:0]     step_bits;
  bnn_counter #(
    .Modulus(Classes * Steps)
  ) u_coefficient (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (step),
    .value_o(coefficient_step),
    .last_o (unused_last_coefficient)
  );
  bnn_counter #(
    .Modulus(Steps)
  ) u_step (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (step),
    .value_o(step_index),
    .last_o (last_step)
  );
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      at_offset_q <= 1'b0;
    end else if (scoring) begin
      at_offset_q <= ~at_offset_q & last_step;
    end
  end
  assign step       = (state_q == Score) & ~at_offset_q;
  assign first_step = (step_index == '0);

  if (Classes * Steps == 1) begin : gen_one_step
    logic unused_step;
    assign unused_step = ^coefficient_step;
    assign step_bits   = coefficient_bits;
  end else begin : gen_steps
    logic [Classes*Steps-1:0][4*Pairs-1:0] steps;
    assign steps     = coefficient_bits;
    assign step_bits = steps[coefficient_step];
  end

  logic signed [OffsetBits-1:0] offset;
  bnn_rom #(
    .Depth   (Classes),
    .Width   (OffsetBits),
    .Contents(Offset)
  ) u_offset (
    .address_i(class_index),
    .data_o   (offset)
  );

  // First register stage: the term of two bits, or the offset. Bits choose among 0, S_plus, S_minus and
  // their sum; the high one is subtracted at the top, as its complement and a carry.
  logic signed [AccBits:0]        both;
  logic [Pairs-1:0][PairBits-1:0] pair_terms;
  assign both = (AccBits + 1)'(plus_now) + (AccBits + 1)'(minus_now);
  for (genvar k = 0; k < Pairs; k++) begin : gen_pair
    logic signed [AccBits:0]   high, low;
    logic signed [AccBits+2:0] twice;
    logic        [AccBits+3:0] term;
    logic                      subtract, unused_term;
    logic [1:0]                high_bits, low_bits;
    assign {high_bits, low_bits} = step_bits[4*k+:4];
    always_comb begin
      case (high_bits)
        2'b00:   high = '0;
        2'b01:   high = (AccBits + 1)'(plus_now);
        2'b10:   high = (AccBits + 1)'(minus_now);
        default: high = both;
      endcase
      case (low_bits)
        2'b00:   low = '0;
        2'b01:   low = (AccBits + 1)'(plus_now);
        2'b10:   low = (AccBits + 1)'(minus_now);
        default: low = both;
      endcase
    end
    // high + high is an even number: its lowest bit and the one below bring the carry of -x = ~x + 1.
    assign subtract      = (k == Pairs - 1) ? first_step : 1'b0;
    assign twice         = {high[AccBits], high ^ {(AccBits + 1) {subtract}}, subtract} ^
                           {subtract, (AccBits + 2)'(0)};
    assign term          = {twice, subtract} + {(AccBits + 3)'(low), subtract};
    assign unused_term   = ^term;
    assign pair_terms[k] = term[AccBits+3:1];
  end

  logic signed [TermBits-1:0] term_q;
  logic                       term_valid_q, term_first_q, term_offset_q;
  if (Pairs == 1) begin : gen_one_pair
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        term_valid_q <= 1'b0;
      end else begin
        term_valid_q <= scoring;
      end
      if (scoring) begin
        term_q        <= at_offset_q ? TermBits'(offset) : TermBits'($signed(pair_terms[0]));
        term_first_q  <= first_step;
        term_offset_q <= at_offset_q;
      end
    end
  end else begin : gen_two_pairs
    // A register stage more, behind which the two pairs, or the offset and nothing, are added.
    logic signed [PairBits-1:0] high_q;
    logic signed [TermBits-1:0] low_q;
    logic                       pairs_valid_q, pairs_first_q, pairs_offset_q;
    // A narrow score takes only the low bits of a pair.
    logic                       unused_high;
    assign unused_high = ^high_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        pairs_valid_q <= 1'b0;
        term_valid_q  <= 1'b0;
      end else begin
        pairs_valid_q <= scoring;
        term_valid_q  <= pairs_valid_q;
      end
      if (scoring) begin
        high_q         <= at_offset_q ? '0 : pair_terms[1];
        low_q          <= at_offset_q ? TermBits'(offset) : TermBits'($signed(pair_terms[0]));
        pairs_first_q  <= first_step;
        pairs_offset_q <= at_offset_q;
      end
      if (pairs_valid_q) begin
        term_q        <= (TermBits'(high_q) <<< 2) + low_q;
        term_first_q  <= pairs_first_q;
        term_offset_q <= pairs_offset_q;
      end
    end
  end

  // Last register stage: the score, and once it has its offset, where it waits to be taken.
  logic signed [ScoreBits-1:0] score_q, base, score_d, result_q;
  logic                        result_valid_q;
  always_comb begin
    if (term_offset_q) base = score_q;
    else if (term_first_q) base = '0;
    else base = ScoreBits'({score_q, (2 * Pairs)'(0)});
  end
  assign score_d = ScoreBits'(term_q) + base;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      result_valid_q <= 1'b0;
    end else begin
      result_valid_q <= (term_valid_q & term_offset_q) | (result_valid_q & ~sent_score);
    end
    if (term_valid_q) begin
      score_q <= score_d;
      if (term_offset_q) result_q <= score_d;
    end
  end

  // The arg-max follows what is sent; a later class must be strictly better.
  logic signed [ScoreBits-1:0] best_q;
  localparam logic [ScoreBits-1:0] ScoreSign = ~('1 >> 1);
  logic [ClassBits-1:0]        sent_index, best_class_q;
  logic                        last_sent;
  bnn_counter #(
    .Modulus(Classes)
  ) u_sent (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (sent_score),
    .value_o(sent_index),
    .last_o (last_sent)
  );
  always_ff @(posedge clk_i) begin
    if (sent_score && (sent_index == '0 || (result_q ^ ScoreSign) > (best_q ^ ScoreSign))) begin
      best_q       <= result_q;
      best_class_q <= sent_index;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Gather;
    end else begin
      case (state_q)
        Gather:      if (take && last_beat && last_position) begin
          state_q <= (PeakWeight == 0) ? Score : AddPeak;
        end
        AddPeak:     if (last_beat) state_q <= Score;
        Score:       if (next_class && last_class) state_q <= Send;
        Send:        if (sent_score && last_sent) state_q <= SendClass;
        default:     if (sent) state_q <= Gather;
      endcase
    end
  end

  assign in_ready_o    = (state_q == Gather);
  assign m_axis_tvalid = (result_valid_q | (state_q == SendClass)) & err_valid_i;
  assign m_axis_tdata  = (state_q == SendClass) ? ResultBits'(best_class_q) : ResultBits'(result_q);
  assign m_axis_tlast  = (state_q == SendClass);
  assign m_axis_tuser  = err_data_i;
  assign err_ready_o   = m_axis_tready & (state_q == SendClass);

endmodule
