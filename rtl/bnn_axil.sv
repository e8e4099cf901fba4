// AXI4-Lite slave in front of registers: one write and one read at a time, each channel on its own.
//
// A write waits until its address and its data are both there, in whatever order they come; then
// write_o is high for one cycle with the word's number, its data and its byte strobes. A read shows
// its word's number on read_word_o and takes read_data_i one cycle later. write_error_i and
// read_error_i say in the same cycle that no register stands there: the answer is then SLVERR, else
// OKAY. Both are combinational functions of the word's number. Addresses are bytes; the lowest two
// bits, and the protection bits, are ignored.
//
//   AddressBits  bits of a byte address, 3 or more
//
// Latency: 2 cycles from the last of address and data to BVALID, 2 from the address to RVALID.
// Reset: nothing is pending. Cost: 2 * AddressBits + 71 flip-flops, some 10 LUTs.
module bnn_axil #(
  parameter int AddressBits = 12
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   s_axil_awvalid,
  output logic                   s_axil_awready,
  input  logic [AddressBits-1:0] s_axil_awaddr,
  input  logic [2:0]             s_axil_awprot,
  input  logic                   s_axil_wvalid,
  output logic                   s_axil_wready,
  input  logic [31:0]            s_axil_wdata,
  input  logic [3:0]             s_axil_wstrb,
  output logic                   s_axil_bvalid,
  input  logic                   s_axil_bready,
  output logic [1:0]             s_axil_bresp,
  input  logic                   s_axil_arvalid,
  output logic                   s_axil_arready,
  input  logic [AddressBits-1:0] s_axil_araddr,
  input  logic [2:0]             s_axil_arprot,
  output logic                   s_axil_rvalid,
  input  logic                   s_axil_rready,
  output logic [31:0]            s_axil_rdata,
  output logic [1:0]             s_axil_rresp,
  output logic                   write_o,
  output logic [AddressBits-3:0] write_word_o,
  output logic [31:0]            write_data_o,
  output logic [3:0]             write_strobe_o,
  input  logic                   write_error_i,
  output logic [AddressBits-3:0] read_word_o,
  input  logic [31:0]            read_data_i,
  input  logic                   read_error_i
);

  if (AddressBits < 3) begin : gen_illegal
    bnn_error_address_bits_must_be_at_least_3 u_error ();
  end

  logic unused_inputs;
  assign unused_inputs = ^{s_axil_awprot, s_axil_arprot, s_axil_awaddr[1:0], s_axil_araddr[1:0]};

  // Write: address and data each wait in a register of their own for the other one.
  logic                   address_full_q, data_full_q, answer_valid_q, answer_error_q;
  logic [AddressBits-3:0] write_word_q;
  logic [31:0]            write_data_q;
  logic [3:0]             write_strobe_q;
  assign write_o = address_full_q & data_full_q & ~answer_valid_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      address_full_q <= 1'b0;
      data_full_q    <= 1'b0;
      answer_valid_q <= 1'b0;
    end else begin
      address_full_q <= (address_full_q | s_axil_awvalid) & ~write_o;
      data_full_q    <= (data_full_q | s_axil_wvalid) & ~write_o;
      answer_valid_q <= write_o | (answer_valid_q & ~s_axil_bready);
    end
    if (s_axil_awready) write_word_q <= s_axil_awaddr[AddressBits-1:2];
    if (s_axil_wready) begin
      write_data_q   <= s_axil_wdata;
      write_strobe_q <= s_axil_wstrb;
    end
    if (write_o) answer_error_q <= write_error_i;
  end

  assign s_axil_awready = ~address_full_q;
  assign s_axil_wready  = ~data_full_q;
  assign s_axil_bvalid  = answer_valid_q;
  assign s_axil_bresp   = {answer_error_q, 1'b0};
  assign write_word_o   = write_word_q;
  assign write_data_o   = write_data_q;
  assign write_strobe_o = write_strobe_q;

  // Read.
  logic                   read, asked_q, data_valid_q, data_error_q;
  logic [AddressBits-3:0] read_word_q;
  logic [31:0]            read_data_q;
  assign read = asked_q & ~data_valid_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      asked_q      <= 1'b0;
      data_valid_q <= 1'b0;
    end else begin
      asked_q      <= (asked_q | s_axil_arvalid) & ~read;
      data_valid_q <= read | (data_valid_q & ~s_axil_rready);
    end
    if (s_axil_arready) read_word_q <= s_axil_araddr[AddressBits-1:2];
    if (read) begin
      read_data_q  <= read_data_i;
      data_error_q <= read_error_i;
    end
  end

  assign s_axil_arready = ~asked_q;
  assign s_axil_rvalid  = data_valid_q;
  assign s_axil_rdata   = read_data_q;
  assign s_axil_rresp   = {data_error_q, 1'b0};
  assign read_word_o    = read_word_q;

endmodule
