// Serial receiver, 8 data bits, no parity, 1 stop bit: one pulse a byte.
//
//   ClocksPerBit  clock cycles a bit, 4 or more
//
// The line is taken through two registers, and each bit in its middle, counted from the start bit's
// falling edge; a spike is no start bit. A byte whose stop bit is low is dropped. Nothing can hold the line back: a byte that is
// not taken in its cycle is lost. Reset: idle.
module bnn_uart_rx #(
  parameter int ClocksPerBit = 12
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       rx_i,
  output logic       valid_o,
  output logic [7:0] data_o
);

  if (ClocksPerBit < 4) begin : gen_illegal
    bnn_error_clocks_per_bit_must_be_at_least_4 u_error ();
  end

  localparam int CountBits = $clog2(ClocksPerBit);

  logic [1:0] line_q;
  always_ff @(posedge clk_i) line_q <= {rx_i, line_q[1]};

  localparam logic [3:0] Start = 4'd0;
  localparam logic [3:0] Stop = 4'd9;
  localparam logic [3:0] Broken = 4'd10;  // after a low stop bit, until the line is idle again

  logic                 busy_q, valid_q;
  logic [CountBits-1:0] clocks_q;  // until the middle of the next bit
  logic [3:0]           bit_q;     // Start, 1 to 8 for data, Stop or Broken
  logic [7:0]           data_q;

  always_ff @(posedge clk_i) begin
    valid_q <= 1'b0;
    if (!rst_ni) begin
      busy_q <= 1'b0;
    end else if (!busy_q) begin
      busy_q   <= ~line_q[0];
      clocks_q <= CountBits'(ClocksPerBit / 2 - 1);
      bit_q    <= Start;
    end else if (bit_q == Broken) begin
      busy_q <= ~line_q[0];
    end else if (clocks_q != '0) begin
      clocks_q <= clocks_q - 1'b1;
    end else begin
      clocks_q <= CountBits'(ClocksPerBit - 1);
      bit_q    <= bit_q + 1'b1;
      if (bit_q == Start || bit_q == Stop) busy_q <= ~line_q[0];
      if (bit_q == Stop) valid_q <= line_q[0];
      else data_q <= {line_q[0], data_q[7:1]};
    end
  end

  assign valid_o = valid_q;
  assign data_o  = data_q;

endmodule
