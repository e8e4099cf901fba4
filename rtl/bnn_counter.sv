// Modulo counter: 0, 1, ..., Modulus - 1, 0, ... one step a cycle in which step_i is high.
//
//   value_o  the count; last_o is high while it is Modulus - 1
//   Modulus  1 or more; with 1 the count is the constant 0 and last_o the constant 1
//
// Latency: value_o follows step_i by one cycle. Reset: back to 0.
// Cost: ceil(log2(Modulus)) + 1 flip-flops, about as many LUTs.
module bnn_counter #(
  parameter int Modulus = 5,
  // Derived, do not set.
  parameter int Bits = (Modulus > 1) ? $clog2(Modulus) : 1
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic            step_i,
  output logic [Bits-1:0] value_o,
  output logic            last_o
);

  if (Modulus < 1) begin : gen_illegal
    bnn_error_modulus_must_be_at_least_1 u_error ();
  end

  if (Modulus == 1) begin : gen_constant
    logic unused_inputs;
    assign unused_inputs = ^{clk_i, rst_ni, step_i};
    assign value_o = '0;
    assign last_o  = 1'b1;
  end else begin : gen_counter
    // last_o has a register of its own: it opens many a handshake.
    logic [Bits-1:0] value_q;
    logic            last_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        value_q <= '0;
        last_q  <= 1'b0;
      end else if (step_i) begin
        value_q <= last_q ? '0 : value_q + 1'b1;
        last_q  <= (value_q == Bits'(Modulus - 2));
      end
    end

    assign value_o = value_q;
    assign last_o  = last_q;
  end

endmodule
