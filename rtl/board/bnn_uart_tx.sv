// Serial transmitter, 8 data bits, no parity, 1 stop bit.
//
//   ClocksPerBit  clock cycles a bit, 2 or more
//
// Latency: the start bit follows the byte's cycle. Reset: idle, the line is high.
module bnn_uart_tx #(
  parameter int ClocksPerBit = 12
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       valid_i,
  output logic       ready_o,
  input  logic [7:0] data_i,
  output logic       tx_o
);

  if (ClocksPerBit < 2) begin : gen_illegal
    bnn_error_clocks_per_bit_must_be_at_least_2 u_error ();
  end

  localparam int CountBits = $clog2(ClocksPerBit);

  logic                 busy_q, line_q;
  logic [CountBits-1:0] clocks_q;  // until the end of the present bit
  logic [3:0]           bits_q;    // data and stop bit that are still to come
  logic [7:0]           data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      line_q <= 1'b1;
    end else if (!busy_q) begin
      busy_q   <= valid_i;
      line_q   <= ~valid_i;
      clocks_q <= CountBits'(ClocksPerBit - 1);
      bits_q   <= 4'd9;
      data_q   <= data_i;
    end else if (clocks_q != '0) begin
      clocks_q <= clocks_q - 1'b1;
    end else begin
      // The stop bit comes in behind the data, as does the idle line behind the stop bit.
      busy_q   <= (bits_q != '0);
      line_q   <= data_q[0];
      clocks_q <= CountBits'(ClocksPerBit - 1);
      bits_q   <= bits_q - 1'b1;
      data_q   <= {1'b1, data_q[7:1]};
    end
  end

  assign ready_o = ~busy_q;
  assign tx_o    = line_q;

endmodule
