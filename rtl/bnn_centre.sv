// Popcounts to signed sums, lane by lane: y = 2 * popcount - FanIn.
//
//   Lanes    1 or more
//   SumBits  bits of a popcount
//   LaneBits two's complement, enough for -FanIn ... FanIn
//   FanIn    products a sum is made of, 1 or more
//
// Latency: 1 cycle, one beat a cycle. Reset: empty. Cost: a constant adder a lane.
module bnn_centre #(
  parameter int Lanes = 2,
  parameter int SumBits = 4,
  parameter int LaneBits = 5,
  parameter int FanIn = 14
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      in_valid_i,
  output logic                      in_ready_o,
  input  logic [Lanes*SumBits-1:0]  in_data_i,
  output logic                      out_valid_o,
  input  logic                      out_ready_i,
  output logic [Lanes*LaneBits-1:0] out_data_o
);

  if (Lanes < 1 || SumBits < 1 || FanIn < 1 || 2 ** (LaneBits - 1) <= FanIn) begin : gen_illegal
    bnn_error_lane_bits_too_few_for_the_fan_in u_error ();
  end

  logic                      valid_q;
  logic [Lanes*LaneBits-1:0] lanes_d, lanes_q;

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lane
    assign lanes_d[lane*LaneBits+:LaneBits] =
        LaneBits'({in_data_i[lane*SumBits+:SumBits], 1'b0}) - LaneBits'(FanIn);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else if (in_ready_o) begin
      valid_q <= in_valid_i;
    end
    if (in_ready_o) lanes_q <= lanes_d;
  end

  assign in_ready_o  = ~valid_q | out_ready_i;
  assign out_valid_o = valid_q;
  assign out_data_o  = lanes_q;

endmodule
