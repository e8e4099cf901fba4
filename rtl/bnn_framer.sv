// AXI4-Stream samples to fragments of exactly Samples words, and one error bit a fragment.
//
// A beat of s_axis is a word: 16 bits a channel, channel 0 low, of one sample time or of several, the
// oldest low; tlast comes with the fragment's last word. Whatever arrives, what leaves is Samples words
// for each fragment:
//   - a short fragment (tlast too early) is filled with zero samples;
//   - a long one is cut after Samples words, and dropped up to and including its tlast;
//   - a sample outside InputBits bits is used as its low InputBits bits.
// Each of the three makes the fragment's error bit 1; the next fragment is not touched. The bit is
// offered on the error stream once the fragment's last word has left, before the next one's can.
//
//   Samples    words a fragment, 1 or more
//   Channels   samples a word, 1 or more
//   InputBits  bits of a sample, 2 to 16, two's complement
//
// Latency: 0, the words pass through. Reset: start of a fragment; the rest of a fragment that was
// cut by reset comes as a short one. Cost: some 40 LUTs.
module bnn_framer #(
  parameter int Samples = 8,
  parameter int Channels = 1,
  parameter int InputBits = 12
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,
  input  logic                          s_axis_tvalid,
  output logic                          s_axis_tready,
  input  logic [16*Channels-1:0]        s_axis_tdata,
  input  logic                          s_axis_tlast,
  output logic                          out_valid_o,
  input  logic                          out_ready_i,
  output logic [Channels*InputBits-1:0] out_data_o,
  output logic                          err_valid_o,
  input  logic                          err_ready_i,
  output logic                          err_data_o
);

  if (Samples < 1 || Channels < 1 || InputBits < 2 || InputBits > 16) begin : gen_illegal
    bnn_error_input_bits_must_be_2_to_16 u_error ();
  end

  localparam int CountBits = (Samples > 1) ? $clog2(Samples) : 1;

  typedef enum logic [1:0] {
    Pass,  // samples pass through
    Fill,  // zero samples complete a short fragment
    Drop   // the rest of a long fragment is read and forgotten
  } state_e;

  state_e state_q;
  logic   send, last_sample, outside;
  assign send = out_valid_o & out_ready_i;

  logic [CountBits-1:0] unused_sample;
  bnn_counter #(
    .Modulus(Samples)
  ) u_sample (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (send),
    .value_o(unused_sample),
    .last_o (last_sample)
  );

  // A sample is in range when all bits from its sign bit up are equal.
  logic [Channels-1:0] channel_outside;
  for (genvar c = 0; c < Channels; c++) begin : gen_channel
    logic [16-InputBits:0] signs;
    assign signs = s_axis_tdata[16*c+InputBits-1+:17-InputBits];
    assign channel_outside[c] = (signs != '0) && (signs != '1);
    assign out_data_o[c*InputBits+:InputBits] =
        (state_q == Fill) ? '0 : s_axis_tdata[16*c+:InputBits];
  end
  assign outside = |channel_outside;

  // The error bit of one fragment must be taken before the last word of the next one may leave.
  logic err_valid_q, err_data_q, broken_q, broken_d, blocked;
  assign blocked = last_sample & err_valid_q;
  assign broken_d = broken_q | (state_q == Fill) | outside | (s_axis_tlast != last_sample);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q     <= Pass;
      broken_q    <= 1'b0;
      err_valid_q <= 1'b0;
    end else begin
      if (err_ready_i) err_valid_q <= 1'b0;
      if (send) begin
        broken_q <= broken_d & ~last_sample;
        if (last_sample) begin
          err_valid_q <= 1'b1;
          err_data_q  <= broken_d;
          state_q     <= (state_q == Pass && !s_axis_tlast) ? Drop : Pass;
        end else if (state_q == Pass && s_axis_tlast) begin
          state_q <= Fill;
        end
      end else if (state_q == Drop && s_axis_tvalid && s_axis_tlast) begin
        state_q <= Pass;
      end
    end
  end

  assign s_axis_tready = (state_q == Drop) || (state_q == Pass && out_ready_i && !blocked);
  assign out_valid_o   = ((state_q == Pass && s_axis_tvalid) || state_q == Fill) && !blocked;
  assign err_valid_o   = err_valid_q;
  assign err_data_o    = err_data_q;

endmodule
