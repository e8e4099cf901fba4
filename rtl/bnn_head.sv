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
// the largest sums, which one more turn adds after the last beat. Then the scores follow one after the other, coefficient bit by coefficient bit from the top (no multiplier):
// score = 2 * score + Positive bit * S_plus, score = score + Negative bit * S_minus, at last + Offset.
//
//   Lanes, Nf      lanes a beat and beats a position; Lanes * Nf = Classes
//   LaneBits       bits of a sum, two's complement
//   Positions      pooled positions a fragment, 1 or more
//   PeakWeight     0, or a power of two
//   AccBits        two's complement, enough for S_plus and S_minus, peak included
//   PositiveBits, NegativeBits, OffsetBits  two's complement, of one coefficient each
//   ScoreBits      two's complement, enough for every score; at most ResultBits
//   Positive, Negative, Offset  coefficient of class c at c * bits +: bits
//
// Latency: from the fragment's last beat to its last result beat Classes * (2 * CoefBits + 2) + 2
// cycles, CoefBits = max(PositiveBits, NegativeBits), and Nf more with a peak; so long no beat is taken.
// Reset: before the first beat of a fragment.
// Cost: no DSP; two adders (AccBits, ScoreBits), one comparison, 2 * Classes * AccBits bits of state;
// a peak takes Classes * LaneBits bits, and a comparison a lane.
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
      ScoreBits > ResultBits || PeakWeight < 0 || (PeakWeight & (PeakWeight - 1)) != 0) begin : gen_illegal
    bnn_error_head_shape_is_illegal u_error ();
  end

  localparam int CoefBits = (PositiveBits > NegativeBits) ? PositiveBits : NegativeBits;
  localparam int ClassBits = (Classes > 1) ? $clog2(Classes) : 1;
  localparam int LaneIndexBits = (Lanes > 1) ? $clog2(Lanes) : 1;
  localparam int PositionBits = (Positions > 1) ? $clog2(Positions) : 1;
  localparam int BeatBits = (Nf > 1) ? $clog2(Nf) : 1;
  localparam int BitBits = (CoefBits > 1) ? $clog2(CoefBits) : 1;
  localparam int AddressBits = (Classes * CoefBits > 1) ? $clog2(Classes * CoefBits) : 1;

  typedef enum logic [2:0] {
    Gather,       // beats come in
    AddPeak,      // the largest sums once more, a beat a cycle
    AddPositive,  // score = 2 * score + bit * S_plus
    AddNegative,  // score = score + bit * S_minus
    AddOffset,
    SendScore,
    SendClass
  } state_e;

  state_e state_q;
  logic   take, add_peak, sent, sent_score, used_bits;
  assign take       = in_valid_i & in_ready_o;
  assign add_peak   = (state_q == AddPeak);
  assign sent       = m_axis_tvalid & m_axis_tready;
  assign sent_score = sent & (state_q == SendScore);
  assign used_bits  = (state_q == AddNegative);

  // Accumulators.
  logic [BeatBits-1:0]     unused_beat;
  logic [PositionBits-1:0] position;
  logic                    last_beat, last_position;
  bnn_counter #(
    .Modulus(Nf)
  ) u_beat (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (take | add_peak),
    .value_o(unused_beat),
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
  logic                          turn, first_position;
  assign first_position = (position == '0) & ~add_peak;

  // Weighted largest sums of the beat whose accumulators are at hand.
  logic [Lanes-1:0][AccBits-1:0] peak;
  if (PeakWeight == 0) begin : gen_no_peak
    assign peak = '0;
  end else begin : gen_peak
    logic [Lanes-1:0][LaneBits-1:0] largest, largest_next;
    for (genvar lane = 0; lane < Lanes; lane++) begin : gen_largest
      logic signed [LaneBits-1:0] value, old;
      assign value = in_data_i[lane*LaneBits+:LaneBits];
      assign old   = largest[lane];
      assign largest_next[lane] = (first_position || value > old) ? value : old;
      assign peak[lane]         = AccBits'(old) << $clog2(PeakWeight);
    end
    bnn_delay #(
      .Width(Lanes * LaneBits),
      .Depth(Nf)
    ) u_largest (
      .clk_i (clk_i),
      .en_i  (turn),
      .data_i(largest_next),
      .data_o(largest)
    );
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

  bnn_delay #(
    .Width(2 * Lanes * AccBits),
    .Depth(Nf)
  ) u_accumulators (
    .clk_i (clk_i),
    .en_i  (turn),
    .data_i({plus_next, minus_next}),
    .data_o({plus, minus})
  );

  // Which class is scored: its lane, and after the last lane of a beat the line turns.
  logic [ClassBits-1:0]     class_index;
  logic [LaneIndexBits-1:0] lane_index;
  logic                     last_class, last_lane;
  bnn_counter #(
    .Modulus(Classes)
  ) u_class (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (sent_score),
    .value_o(class_index),
    .last_o (last_class)
  );
  bnn_counter #(
    .Modulus(Lanes)
  ) u_lane (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (sent_score),
    .value_o(lane_index),
    .last_o (last_lane)
  );
  assign turn = take | add_peak | (sent_score & last_lane);

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

  // Coefficient bits in the order of their use: class by class, from the top bit down, the shorter
  // coefficient sign-extended.
  logic [2*Classes*CoefBits-1:0] coefficient_bits;
  for (genvar c = 0; c < Classes; c++) begin : gen_class
    for (genvar b = 0; b < CoefBits; b++) begin : gen_bit
      localparam int Step = c * CoefBits + CoefBits - 1 - b;
      localparam int PositiveBit = (b < PositiveBits) ? b : PositiveBits - 1;
      localparam int NegativeBit = (b < NegativeBits) ? b : NegativeBits - 1;
      assign coefficient_bits[2*Step+:2] = {Negative[c*NegativeBits+NegativeBit],
                                            Positive[c*PositiveBits+PositiveBit]};
    end
  end

  logic [AddressBits-1:0] coefficient_step;
  logic [BitBits-1:0]     bit_index;
  logic                   unused_last_step, last_bit, positive_bit, negative_bit;
  bnn_counter #(
    .Modulus(Classes * CoefBits)
  ) u_coefficient (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (used_bits),
    .value_o(coefficient_step),
    .last_o (unused_last_step)
  );
  bnn_counter #(
    .Modulus(CoefBits)
  ) u_bit (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (used_bits),
    .value_o(bit_index),
    .last_o (last_bit)
  );
  if (Classes * CoefBits == 1) begin : gen_one_bit
    logic unused_step;
    assign unused_step = ^coefficient_step;
    assign {negative_bit, positive_bit} = coefficient_bits;
  end else begin : gen_bits
    logic [Classes*CoefBits-1:0][1:0] bit_pairs;
    assign bit_pairs = coefficient_bits;
    assign {negative_bit, positive_bit} = bit_pairs[coefficient_step];
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

  // One adder: the top bit of a coefficient weighs -1, hence the subtraction.
  logic signed [ScoreBits-1:0] score_q, base, operand;
  logic        [ScoreBits:0]   score_d;
  logic                        first_bit, subtract, unused_carry;
  assign first_bit = (bit_index == '0);

  always_comb begin
    case (state_q)
      AddPositive: begin
        base    = first_bit ? '0 : score_q << 1;
        operand = positive_bit ? ScoreBits'(plus_now) : '0;
      end
      AddNegative: begin
        base    = score_q;
        operand = negative_bit ? ScoreBits'(minus_now) : '0;
      end
      default: begin
        base    = score_q;
        operand = ScoreBits'(offset);
      end
    endcase
  end
  assign subtract = first_bit & ((state_q == AddPositive) | (state_q == AddNegative));
  assign score_d = {base, 1'b1} + {operand ^ {ScoreBits{subtract}}, subtract};
  assign unused_carry = score_d[0];

  logic signed [ScoreBits-1:0] best_q;
  logic [ClassBits-1:0]        best_class_q;

  always_ff @(posedge clk_i) begin
    if (state_q == AddPositive || state_q == AddNegative || state_q == AddOffset) begin
      score_q <= score_d[ScoreBits:1];
    end
    // A later class must be strictly better.
    if (sent_score && (class_index == '0 || score_q > best_q)) begin
      best_q       <= score_q;
      best_class_q <= class_index;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Gather;
    end else begin
      case (state_q)
        Gather:      if (take && last_beat && last_position) begin
          state_q <= (PeakWeight == 0) ? AddPositive : AddPeak;
        end
        AddPeak:     if (last_beat) state_q <= AddPositive;
        AddPositive: state_q <= AddNegative;
        AddNegative: state_q <= last_bit ? AddOffset : AddPositive;
        AddOffset:   state_q <= SendScore;
        SendScore:   if (sent) state_q <= last_class ? SendClass : AddPositive;
        default:     if (sent) state_q <= Gather;
      endcase
    end
  end

  assign in_ready_o    = (state_q == Gather);
  assign m_axis_tvalid = ((state_q == SendScore) || (state_q == SendClass)) & err_valid_i;
  assign m_axis_tdata  = (state_q == SendClass) ? ResultBits'(best_class_q) : ResultBits'(score_q);
  assign m_axis_tlast  = (state_q == SendClass);
  assign m_axis_tuser  = err_data_i;
  assign err_ready_o   = m_axis_tready & (state_q == SendClass);

endmodule
