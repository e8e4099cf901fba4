// AXI-Stream results to bytes of a SLIP line (RFC 1055): a packet of the stream is a packet of the line.
//
//   Bytes  bytes of a beat, low byte first, 1 or more
//
// Behind the last beat comes one byte with tuser in bit 0, then END. Reset: start of a packet.
module bnn_slip_tx #(
  parameter int Bytes = 4
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               s_axis_tvalid,
  output logic               s_axis_tready,
  input  logic [8*Bytes-1:0] s_axis_tdata,
  input  logic               s_axis_tlast,
  input  logic               s_axis_tuser,
  output logic               valid_o,
  input  logic               ready_i,
  output logic [7:0]         data_o
);

  if (Bytes < 1) begin : gen_illegal
    bnn_error_bytes_must_be_at_least_1 u_error ();
  end

  localparam logic [7:0] End = 8'hC0;
  localparam logic [7:0] Escape = 8'hDB;
  localparam int ByteBits = (Bytes > 1) ? $clog2(Bytes) : 1;

  typedef enum logic [1:0] {
    Idle,    // a beat can be taken
    Data,    // its bytes go out
    Status,  // tuser of the packet
    Close    // END
  } state_e;

  state_e              state_q;
  logic [8*Bytes-1:0]  word_q;  // the present byte is the lowest
  logic [ByteBits-1:0] byte_q;
  logic                last_q, user_q, escaped_q;

  // The escape goes before its byte, which stays where it is for one more turn.
  logic [7:0] plain;
  logic       special, sent, last_byte;
  assign plain     = word_q[7:0];
  assign special   = (state_q != Close) & (plain == End || plain == Escape);
  assign sent      = valid_o & ready_i & (~special | escaped_q);
  assign last_byte = (byte_q == ByteBits'(Bytes - 1));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= Idle;
      escaped_q <= 1'b0;
    end else begin
      if (valid_o && ready_i) escaped_q <= special & ~escaped_q;
      unique case (state_q)
        Idle:    if (s_axis_tvalid) state_q <= Data;
        Data:    if (sent && last_byte) state_q <= last_q ? Status : Idle;
        Status:  if (sent) state_q <= Close;
        default: if (sent) state_q <= Idle;
      endcase
    end
    if (state_q == Idle) begin
      word_q <= s_axis_tdata;
      byte_q <= '0;
      last_q <= s_axis_tlast;
      user_q <= s_axis_tuser;
    end else if (sent) begin
      word_q <= word_q >> 8;
      byte_q <= byte_q + 1'b1;
      if (last_byte) word_q[7:0] <= {7'b0, user_q};
    end
  end

  assign s_axis_tready = (state_q == Idle);
  assign valid_o       = (state_q != Idle);
  always_comb begin
    data_o = plain;
    if (state_q == Close) data_o = End;
    else if (special && !escaped_q) data_o = Escape;
    else if (special) data_o = (plain == End) ? 8'hDC : 8'hDD;
  end

endmodule
