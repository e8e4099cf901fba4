// One wide beat to Factor narrow ones, low lanes first.
//
//   out beat k of an input beat = in_data_i[k * Width / Factor +: Width / Factor]
//
// A folded beat of Pe lanes so becomes Factor beats of Pe / Factor lanes with the channels in the
// same order: it lets a slow stage share what comes behind it among its lanes.
//
//   Width   bits of the wide beat, 1 or more
//   Factor  1 or more, divides Width; with 1 the stream passes through
//
// Latency: 1 cycle (0 with Factor 1); a wide beat every Factor cycles. Reset: empty.
// Cost: Width flip-flops and a Factor:1 multiplexer an output bit.
module bnn_narrow #(
  parameter int Width = 6,
  parameter int Factor = 3
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    in_valid_i,
  output logic                    in_ready_o,
  input  logic [Width-1:0]        in_data_i,
  output logic                    out_valid_o,
  input  logic                    out_ready_i,
  output logic [Width/Factor-1:0] out_data_o
);

  if (Width < 1 || Factor < 1 || Width % Factor != 0) begin : gen_illegal
    bnn_error_factor_must_divide_width u_error ();
  end

  if (Factor == 1) begin : gen_pass
    logic unused_inputs;
    assign unused_inputs = ^{clk_i, rst_ni};
    assign in_ready_o  = out_ready_i;
    assign out_valid_o = in_valid_i;
    assign out_data_o  = in_data_i;
  end else begin : gen_narrow
    localparam int PartBits = $clog2(Factor);
    logic [PartBits-1:0] part;
    logic                last_part, pop;
    assign pop = out_valid_o & out_ready_i;

    bnn_counter #(
      .Modulus(Factor)
    ) u_part (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .step_i (pop),
      .value_o(part),
      .last_o (last_part)
    );

    logic                                full_q;
    logic [Factor-1:0][Width/Factor-1:0] parts_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        full_q <= 1'b0;
      end else if (in_ready_o) begin
        full_q <= in_valid_i;
      end
      if (in_valid_i & in_ready_o) parts_q <= in_data_i;
    end

    assign in_ready_o  = ~full_q | (out_ready_i & last_part);
    assign out_valid_o = full_q;
    assign out_data_o  = parts_q[part];
  end

endmodule
