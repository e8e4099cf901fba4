// Adder of two numbers that come digit by digit, the lowest first.
//
//   sum = a + b, or a - b with Subtract 1, digit by digit; first_i is high with the lowest digit
//
//   Bits      bits of a digit, 1 or more; numbers are two's complement over all of their digits, and
//             the caller knows that the sum fits
//   Subtract  0 or 1
//
// Latency: 1 cycle in which en_i is high. Reset: none, the first digit of a number clears the carry.
// Cost: Bits + 1 LUT6, Bits + 1 flip-flops.
module bnn_digit_add #(
  parameter int Bits = 4,
  parameter int Subtract = 0
) (
  input  logic            clk_i,
  input  logic            en_i,
  input  logic            first_i,
  input  logic [Bits-1:0] a_i,
  input  logic [Bits-1:0] b_i,
  output logic [Bits-1:0] sum_o
);

  if (Bits < 1 || Subtract < 0 || Subtract > 1) begin : gen_illegal
    bnn_error_bits_must_be_at_least_1 u_error ();
  end

  localparam logic Minus = (Subtract == 1) ? 1'b1 : 1'b0;

  logic            carry_d, carry_q, carry_in, unused_low;
  logic [Bits-1:0] sum_d, sum_q;
  // a - b is a + ~b + 1; the extra low bit brings the carry in.
  assign carry_in = first_i ? Minus : carry_q;
  assign {carry_d, sum_d, unused_low} =
      {1'b0, a_i, 1'b1} + {1'b0, b_i ^ {Bits{Minus}}, carry_in};

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      carry_q <= carry_d;
      sum_q   <= sum_d;
    end
  end

  assign sum_o = sum_q;

endmodule
