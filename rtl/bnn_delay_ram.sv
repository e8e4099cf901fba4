// Delay line in a memory: data_o is what data_i was Depth enabled cycles ago.
//
//   Width  bits of one entry, 1 or more
//   Depth  entries, 2 or more
//
// As bnn_delay, for long lines on targets that have no shift-register LUTs: a ring with one write and
// one read port, the next entry read ahead into the memory's output register.
//
// Latency: Depth cycles in which en_i is high. Reset: of the two pointers; what lies in the line is not
// reset, the users overwrite it. Cost: Width * 2^ceil(log2(Depth)) bits of memory, two counters.
module bnn_delay_ram #(
  parameter int Width = 4,
  parameter int Depth = 20
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             en_i,
  input  logic [Width-1:0] data_i,
  output logic [Width-1:0] data_o
);

  if (Width < 1 || Depth < 2) begin : gen_illegal
    bnn_error_width_must_be_at_least_1_and_depth_2 u_error ();
  end

  localparam int AddressBits = (Depth > 2) ? $clog2(Depth) : 1;

  // The entry of the next enabled cycle was written Depth - 1 entries before the one of this cycle.
  logic [AddressBits-1:0] write_q, read_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= AddressBits'(1 - Depth);
    end else if (en_i) begin
      write_q <= write_q + 1'b1;
      read_q  <= read_q + 1'b1;
    end
  end

  // The two pointers never meet, so it does not matter what a read of the written entry would give.
  (* no_rw_check *)
  logic [Width-1:0] line_q [2**AddressBits];
  logic [Width-1:0] data_q;
  always_ff @(posedge clk_i) begin
    if (en_i) line_q[write_q] <= data_i;
  end
  always_ff @(posedge clk_i) begin
    if (en_i) data_q <= line_q[read_q];
  end

  assign data_o = data_q;

endmodule
