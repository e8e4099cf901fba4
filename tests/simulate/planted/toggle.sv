// A flip-flop that turns over at each edge: something to simulate for the tests of the runner.
module toggle (
  input  logic clk_i,
  input  logic rst_ni,
  output logic value_o
);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) value_o <= 1'b0;
    else value_o <= ~value_o;
  end
endmodule
