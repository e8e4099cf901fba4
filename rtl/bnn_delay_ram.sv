// Delay line in a memory: data_o is what data_i was Depth enabled cycles ago.
//
//   Width  bits of one entry, 1 or more
//   Depth  entries, 2 or more
//
// As bnn_delay, for long lines on targets that have no shift-register LUTs: a ring with one write and
// one read port, the next entry read ahead into the memory's output register. The user counts the
// entries (bnn_counter), as it mostly does anyway: entry_i is 0, 1, ..., Depth - 1, 0, ... in enabled
// cycles, last_i high with Depth - 1.
//
// Latency: Depth cycles in which en_i is high. Reset: none, the users overwrite what was left; the count
// may start anew at any time. Cost: Width * 2^ceil(log2(Depth)) bits of block RAM, an adder of the count.
module bnn_delay_ram #(
  parameter int Width = 4,
  parameter int Depth = 20,
  // Derived, do not set.
  parameter int EntryBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic                 clk_i,
  input  logic                 en_i,
  input  logic [EntryBits-1:0] entry_i,
  input  logic                 last_i,
  input  logic [Width-1:0]     data_i,
  output logic [Width-1:0]     data_o
);

  if (Width < 1 || Depth < 2) begin : gen_illegal
    bnn_error_width_must_be_at_least_1_and_depth_2 u_error ();
  end

  logic [EntryBits-1:0] next_entry;
  assign next_entry = last_i ? '0 : entry_i + 1'b1;

  // Never is an entry read while it is written, so it does not matter what that would give. Block RAM,
  // as the user asked for a memory: synthesis takes registers where it holds few bits.
  (* no_rw_check, ram_style = "block", syn_ramstyle = "block_ram" *)
  logic [Width-1:0] line_q [2**EntryBits];
  logic [Width-1:0] data_q;
  always_ff @(posedge clk_i) begin
    if (en_i) line_q[entry_i] <= data_i;
  end
  always_ff @(posedge clk_i) begin
    if (en_i) data_q <= line_q[next_entry];
  end

  assign data_o = data_q;

endmodule
