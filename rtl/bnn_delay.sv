// Delay line: data_o is what data_i was Depth enabled cycles ago.
//
//   Width  bits of one entry, 1 or more
//   Depth  entries, 1 or more
//
// Latency: Depth cycles in which en_i is high. Reset: none, the users overwrite what was left, so
// that the line can become shift-register LUTs where the target has them.
// Cost: Width * Depth flip-flops, or Width shift-register LUTs per 16 or 32 entries.
module bnn_delay #(
  parameter int Width = 4,
  parameter int Depth = 3
) (
  input  logic             clk_i,
  input  logic             en_i,
  input  logic [Width-1:0] data_i,
  output logic [Width-1:0] data_o
);

  if (Width < 1 || Depth < 1) begin : gen_illegal
    bnn_error_width_and_depth_must_be_at_least_1 u_error ();
  end

  // The oldest entry lies in the low bits.
  logic [Depth*Width-1:0] line_q;

  if (Depth == 1) begin : gen_register
    always_ff @(posedge clk_i) begin
      if (en_i) line_q <= data_i;
    end
  end else begin : gen_line
    always_ff @(posedge clk_i) begin
      if (en_i) line_q <= {data_i, line_q[Depth*Width-1:Width]};
    end
  end

  assign data_o = line_q[Width-1:0];

endmodule
