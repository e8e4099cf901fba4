// Interrupt sources: an event stays pending until it is cleared, and asks when it is enabled.
//
//   raw_o     pending events; an event that comes in the cycle of its clearing stays pending
//   status_o  pending and enabled
//   irq_o     high while any bit of status_o was, one cycle later
//   clear_i   a high bit clears its event; drop_i clears all of them, and events of that cycle too
//
//   Sources   events, 1 or more
//
// Latency: 1 cycle from event_i to raw_o and status_o, 2 to irq_o. Reset: nothing pending.
// Cost: Sources + 1 flip-flops, about twice as many LUTs.
module bnn_axil_interrupt #(
  parameter int Sources = 3
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic [Sources-1:0] event_i,
  input  logic [Sources-1:0] enable_i,
  input  logic [Sources-1:0] clear_i,
  input  logic               drop_i,
  output logic [Sources-1:0] raw_o,
  output logic [Sources-1:0] status_o,
  output logic               irq_o
);

  if (Sources < 1) begin : gen_illegal
    bnn_error_sources_must_be_at_least_1 u_error ();
  end

  logic [Sources-1:0] raw_q;
  logic               irq_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || drop_i) begin
      raw_q <= '0;
      irq_q <= 1'b0;
    end else begin
      raw_q <= (raw_q & ~clear_i) | event_i;
      irq_q <= |status_o;
    end
  end

  assign raw_o    = raw_q;
  assign status_o = raw_q & enable_i;
  assign irq_o    = irq_q;

endmodule
