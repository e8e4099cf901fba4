// Bytes of a SLIP line (RFC 1055) to AXI-Stream: a packet is a fragment, its last beat has tlast.
//
//   Bytes  bytes of a beat, low byte first, 1 or more
//   Beats  beats of a whole fragment, 1 or more
//
// A serial line loses bytes, and a lost byte must never go unseen. So the beat that an odd byte begins
// is sent as a beat of its own when the packet ends, or dropped where it would make the number of beats
// right: either way the packet is not Beats long and the framer flags its result. The same holds for a
// beat that comes while the one before still waits: it is dropped. An END without bytes before it
// means nothing, so a sender may begin with one to get into step.
// A beat is held until it is known whether it is the last. Reset: start of a packet.
module bnn_slip_rx #(
  parameter int Bytes = 2,
  parameter int Beats = 8
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               valid_i,
  input  logic [7:0]         data_i,
  output logic               m_axis_tvalid,
  input  logic               m_axis_tready,
  output logic [8*Bytes-1:0] m_axis_tdata,
  output logic               m_axis_tlast
);

  if (Bytes < 1 || Beats < 1) begin : gen_illegal
    bnn_error_bytes_and_beats_must_be_at_least_1 u_error ();
  end

  localparam logic [7:0] End = 8'hC0;
  localparam logic [7:0] Escape = 8'hDB;
  localparam int ByteBits = $clog2(Bytes + 1);
  localparam int BeatBits = $clog2(Beats + 1);

  // Escaped bytes; after an escape only two are legal, any other is as good as lost.
  logic       escaped_q, is_end, is_byte;
  logic [7:0] plain;
  always_comb begin
    plain   = data_i;
    is_end  = valid_i & (data_i == End);
    is_byte = valid_i & (data_i != End) & (data_i != Escape);
    if (escaped_q) begin
      plain   = (data_i == 8'hDC) ? End : Escape;
      is_byte = valid_i & (data_i == 8'hDC || data_i == 8'hDD);
    end
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) escaped_q <= 1'b0;
    else if (valid_i) escaped_q <= (data_i == Escape);
  end

  // The beat that is being put together.
  logic [8*Bytes-1:0]  word_q, word;
  logic [ByteBits-1:0] bytes_q;
  logic                part, whole, odd, take;
  assign part  = (bytes_q != '0);
  assign whole = is_byte & (bytes_q == ByteBits'(Bytes - 1));
  always_comb begin
    word = word_q;
    for (int i = 0; i < Bytes; i++) begin
      if (is_byte && bytes_q == ByteBits'(i)) word[8*i+:8] = plain;
    end
  end

  // Beats of this packet so far, and one too many.
  logic [BeatBits-1:0] beats_q;
  logic                over_q, makes_whole;
  assign makes_whole = (beats_q == BeatBits'(Beats - 1)) & ~over_q;
  assign odd         = is_end & part & ~makes_whole;

  logic held_valid_q, held_last_q, out_valid_q, out_last_q, move;
  logic [8*Bytes-1:0] held_q, out_q;
  assign move = held_valid_q & (~out_valid_q | m_axis_tready) & (held_last_q | whole | odd);
  assign take = (whole | odd) & (~held_valid_q | move);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bytes_q      <= '0;
      beats_q      <= '0;
      over_q       <= 1'b0;
      held_valid_q <= 1'b0;
      held_last_q  <= 1'b0;
      out_valid_q  <= 1'b0;
    end else begin
      if (whole || is_end) bytes_q <= '0;
      else if (is_byte) bytes_q <= bytes_q + 1'b1;
      if (is_end) begin
        beats_q <= '0;
        over_q  <= 1'b0;
      end else if (take) begin
        if (beats_q == BeatBits'(Beats)) over_q <= 1'b1;
        else beats_q <= beats_q + 1'b1;
      end
      if (take) held_valid_q <= 1'b1;
      else if (move) held_valid_q <= 1'b0;
      if (is_end) held_last_q <= (held_valid_q & ~move) | odd;
      else if (move) held_last_q <= 1'b0;
      if (move) out_valid_q <= 1'b1;
      else if (m_axis_tready) out_valid_q <= 1'b0;
    end
    if (whole || is_end) word_q <= '0;
    else word_q <= word;
    if (take) held_q <= word;
    if (move) begin
      out_q      <= held_q;
      out_last_q <= held_last_q;
    end
  end

  assign m_axis_tvalid = out_valid_q;
  assign m_axis_tdata  = out_q;
  assign m_axis_tlast  = out_last_q;

endmodule
