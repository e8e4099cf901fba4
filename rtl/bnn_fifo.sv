// Small FIFO between two streams: what goes in comes out, in order.
//
//   Width  bits of a word, 1 or more
//   Depth  words, 1 or more; from 2 on a word passes every cycle, with 1 every other cycle
//   Skid   0, or for a pipeline that nothing stalls (the FreeRunning units) the words that may be on
//          their way in it, at most Depth - 1: ready then says that Skid + 1 words have room, of which
//          those that come after it fell are taken without it
//
// Both handshakes come from registers: neither valid nor ready passes through combinationally, so a
// FIFO also cuts a long ready path. Latency: 1 cycle. Reset: empty.
// Cost: up to 2 words flip-flops and a LUT a bit; deeper ones may become LUT RAM.
module bnn_fifo #(
  parameter int Width = 8,
  parameter int Depth = 2,
  parameter int Skid = 0
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [Width-1:0] in_data_i,
  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Width-1:0] out_data_o
);

  if (Width < 1 || Depth < 1) begin : gen_illegal
    bnn_error_width_and_depth_must_be_at_least_1 u_error ();
  end
  if (Skid < 0 || Skid >= Depth) begin : gen_illegal_skid
    bnn_error_skid_must_be_less_than_depth u_error ();
  end

  logic push, pop;
  assign push = in_valid_i & (in_ready_o || Skid > 0);
  assign pop  = out_valid_o & out_ready_i;

  if (Depth == 1) begin : gen_register
    logic             full_q;
    logic [Width-1:0] data_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        full_q <= 1'b0;
      end else begin
        full_q <= push | (full_q & ~pop);
      end
      if (push) data_q <= in_data_i;
    end

    assign in_ready_o  = ~full_q;
    assign out_valid_o = full_q;
    assign out_data_o  = data_q;
  end else begin : gen_ring
    localparam int PointerBits = $clog2(Depth);
    localparam int CountBits = $clog2(Depth + 1);

    logic [Width-1:0]       words_q [Depth];
    logic [PointerBits-1:0] write_pointer, read_pointer;
    logic [CountBits-1:0]   count_q;
    logic                   ready_q, valid_q;
    logic                   unused_write_last, unused_read_last;

    bnn_counter #(
      .Modulus(Depth)
    ) u_write_pointer (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .step_i (push),
      .value_o(write_pointer),
      .last_o (unused_write_last)
    );
    bnn_counter #(
      .Modulus(Depth)
    ) u_read_pointer (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .step_i (pop),
      .value_o(read_pointer),
      .last_o (unused_read_last)
    );

    // Both handshakes have registers of their own, and a pop, which may come late in a cycle, passes
    // one LUT before them. Without Skid a full FIFO takes no push, so a pop always leaves room.
    logic almost_empty, ready_d;
    assign almost_empty = (count_q == CountBits'(1));
    if (Skid == 0) begin : gen_ready
      logic almost_full;
      assign almost_full = (count_q == CountBits'(Depth - 1));
      assign ready_d     = pop | (ready_q & ~(push & almost_full));
    end else begin : gen_room
      // Words there may be while Skid and one more have room.
      localparam int Most = Depth - Skid - 1;
      logic below, at, above;
      assign below   = (count_q < CountBits'(Most));
      assign at      = (count_q == CountBits'(Most));
      assign above   = (count_q == CountBits'(Most + 1));
      assign ready_d = below | (at & (pop | ~push)) | (above & pop & ~push);
    end
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q <= '0;
        ready_q <= 1'b1;
        valid_q <= 1'b0;
      end else begin
        if (push != pop) count_q <= push ? count_q + 1'b1 : count_q - 1'b1;
        ready_q <= ready_d;
        valid_q <= push | (valid_q & ~(pop & almost_empty));
      end
    end

    always_ff @(posedge clk_i) begin
      if (push) words_q[write_pointer] <= in_data_i;
    end

    assign in_ready_o  = ready_q;
    assign out_valid_o = valid_q;
    assign out_data_o  = words_q[read_pointer];
  end

endmodule
