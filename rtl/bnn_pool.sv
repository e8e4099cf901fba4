// Max-pool over time on a folded stream: out position j = max over in positions
// j * Stride ... j * Stride + Size - 1, lane by lane. For one-bit lanes the maximum is an OR.
//
// Instead of Size - 1 positions it keeps the running maximum of each window that is open: a window
// opens every Stride positions, so that is about Size / Stride values a lane, and only one comparison
// stands between the input and any register. What was left by the fragment before belongs to windows
// that would close before the first one of this fragment does, and is never sent.
//
//   Lanes, LaneBits  1 or more; Signed 1 compares lanes of several bits as two's complement
//   Nf               beats a position, 1 or more
//   Size, Stride     1 or more, overlapping or not, gaps too
//   InPositions      positions a fragment, at least Size
//   OutPositions     (InPositions - Size) / Stride + 1; later positions are taken and dropped
//   Memory           1: the delay lines lie in a memory (bnn_delay_ram), Nf at least 2
//
// Latency: 1 cycle from the last position of a window, beat by beat; one beat a cycle.
// Reset: empty, first beat of a fragment.
// Cost: a delay line of Nf beats and a maximum for each open window; in a memory all lines together.
module bnn_pool #(
  parameter int Lanes = 2,
  parameter int LaneBits = 1,
  parameter int Signed = 0,
  parameter int Nf = 2,
  parameter int Size = 3,
  parameter int Stride = 2,
  parameter int InPositions = 9,
  parameter int OutPositions = 4,
  parameter int Memory = 0
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      in_valid_i,
  output logic                      in_ready_o,
  input  logic [Lanes*LaneBits-1:0] in_data_i,
  output logic                      out_valid_o,
  input  logic                      out_ready_i,
  output logic [Lanes*LaneBits-1:0] out_data_o
);

  // A divisor that elaborates even where Stride is illegal, so that the refusal below is what is read.
  localparam int Step = (Stride < 1) ? 1 : Stride;

  if (Lanes < 1 || LaneBits < 1 || Nf < 1 || Size < 1 || Stride < 1 || InPositions < Size ||
      OutPositions != (InPositions - Size) / Step + 1) begin : gen_illegal
    bnn_error_pool_shape_is_illegal u_error ();
  end
  if (Memory < 0 || Memory > 1 || (Memory == 1 && Nf < 2)) begin : gen_illegal_memory
    bnn_error_pool_in_memory_needs_two_beats u_error ();
  end

  // With the sign bit turned over two's complement compares as unsigned, in one carry chain.
  localparam logic [LaneBits-1:0] SignBit = (Signed == 1) ? ~('1 >> 1) : '0;
  localparam int BeatData = Lanes * LaneBits;
  // A window closes ClosePhase positions after the opening of the newest one.
  localparam int ClosePhase = (Size - 1) % Step;
  // Windows to remember from one position to the next.
  localparam int Open = (Size - 1) / Step + ((ClosePhase > 0) ? 1 : 0);
  localparam int PositionBits = (InPositions > 1) ? $clog2(InPositions) : 1;
  localparam int PhaseBits = (Stride > 1) ? $clog2(Stride) : 1;
  localparam int BeatBits = (Nf > 1) ? $clog2(Nf) : 1;

  logic take, emits;
  assign take = in_valid_i & in_ready_o;

  logic [BeatBits-1:0]     beat;
  logic [PositionBits-1:0] position;
  logic                    last_beat, last_position, unused_beat;
  assign unused_beat = ^beat;
  bnn_counter #(
    .Modulus(Nf)
  ) u_beat (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (take),
    .value_o(beat),
    .last_o (last_beat)
  );
  bnn_counter #(
    .Modulus(InPositions)
  ) u_position (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (take & last_beat),
    .value_o(position),
    .last_o (last_position)
  );

  // Position modulo Stride.
  logic opens, closes;
  if (Stride == 1) begin : gen_every_position
    logic unused_last_position;
    assign unused_last_position = last_position;
    assign opens  = 1'b1;
    assign closes = 1'b1;
  end else begin : gen_phase
    logic [PhaseBits-1:0] phase_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        phase_q <= '0;
      end else if (take & last_beat) begin
        phase_q <= (last_position || phase_q == PhaseBits'(Stride - 1)) ? '0 : phase_q + 1'b1;
      end
    end
    assign opens  = (phase_q == '0);
    assign closes = (phase_q == PhaseBits'(ClosePhase));
  end
  if (Size == 1) begin : gen_every_window_full
    logic [PositionBits-1:0] unused_position;
    assign unused_position = position;
    assign emits = closes;
  end else begin : gen_first_windows_short
    assign emits = closes && (position >= PositionBits'(Size - 1));
  end

  // running[j]: maximum, up to the position before, of the window opened j openings ago.
  logic [BeatData-1:0] closed;

  if (Open == 0) begin : gen_decimate
    logic unused_opens;
    assign unused_opens = opens;
    assign closed = in_data_i;
  end else begin : gen_windows
    logic [Open-1:0][BeatData-1:0] running, maximum, next;

    for (genvar j = 0; j < Open; j++) begin : gen_window
      for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
        logic [LaneBits-1:0] now, past;
        assign now    = in_data_i[lane*LaneBits+:LaneBits];
        assign past = running[j][lane*LaneBits+:LaneBits];
        if (LaneBits == 1) begin : gen_or
          assign maximum[j][lane] = now | past;
        end else begin : gen_larger
          assign maximum[j][lane*LaneBits+:LaneBits] =
              ((now ^ SignBit) > (past ^ SignBit)) ? now : past;
        end
      end

      if (j == 0) begin : gen_newest
        assign next[0] = opens ? in_data_i : maximum[0];
      end else begin : gen_older
        assign next[j] = opens ? maximum[j-1] : maximum[j];
      end
      if (Memory == 0) begin : gen_line
        bnn_delay #(
          .Width(BeatData),
          .Depth(Nf)
        ) u_running (
          .clk_i (clk_i),
          .en_i  (take),
          .data_i(next[j]),
          .data_o(running[j])
        );
      end
    end
    if (Memory == 1) begin : gen_memory
      bnn_delay_ram #(
        .Width(Open * BeatData),
        .Depth(Nf)
      ) u_running (
        .clk_i  (clk_i),
        .en_i   (take),
        .entry_i(beat),
        .last_i (last_beat),
        .data_i (next),
        .data_o (running)
      );
    end
    assign closed = maximum[Open-1];
  end

  logic                valid_q;
  logic [BeatData-1:0] closed_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else if (in_ready_o) begin
      valid_q <= in_valid_i & emits;
    end
    if (take) closed_q <= closed;
  end

  assign in_ready_o  = ~valid_q | out_ready_i;
  assign out_valid_o = valid_q;
  assign out_data_o  = closed_q;

endmodule
