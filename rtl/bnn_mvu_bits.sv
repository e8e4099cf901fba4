// Matrix-vector unit over bits: a window in, Nf beats of Pe popcounts of XNOR out.
//
//   out lane p of beat n = popcount(~(window ^ weights of channel n * Pe + p)), 0 .. Simd * Sf
//
// One fold step a cycle, without a bubble between windows: step s = n * Sf + f works on window bits
// f * Simd +: Simd and on ROM word s, whose bit p * Simd + j belongs to lane p, window bit
// f * Simd + j. With Nf * Sf = 1 the weights are constants and vanish into the popcount.
//
//   Pe, Simd, Nf, Sf  1 or more
//   SumBits           enough for Simd * Sf; a wider one is filled with zeros
//   BlockBits         bits of a ROM word, from the lowest, that lie in block RAM: 0 to Pe * Simd; with
//                     Nf * Sf = 1 only 0
//   Streamed          0: a window stays at the input for all its steps; 1: the input brings the slice
//                     of each step in turn, Simd bits in the cycle after (bnn_window_ram)
//   FreeRunning       0: a full output stalls the pipeline; 1: nothing stalls it, so that no enable has
//                     to reach all its registers in a cycle: out_ready_i then says that all beats on
//                     their way and one more have room (bnn_fifo with Skid), and a step waits for it alone
//   Weights           ROM words, word 0 in the low bits
//
// What stands before the pipelined popcount (bnn_tally) depends on the depth of the ROM, for a LUT6
// sees six inputs: constant weights: nothing, they are inverted inputs of its LUTs, or for many lanes of
// many elements full adders of three products that the lanes share; up to 8 words: address and three
// products are one full adder; up to 32 words: address and one product are one LUT, up to 16 with Sf = 2
// the choice of the window's half included; above, and with block RAM, the ROM word and the window slice
// are registers of their own, and three products one full adder.
//
// Latency from the cycle a step starts to its sum: tally latency + 1 with registered products + 1 with a
// registered slice + 1 where full adders' ones and twos are added + 1 for Sf > 1 (docs/hardware.md).
// Reset: pipeline empty, first step. Cost: docs/hardware.md, "What a fold costs".
module bnn_mvu_bits #(
  parameter int Pe = 2,
  parameter int Simd = 7,
  parameter int Nf = 2,
  parameter int Sf = 2,
  parameter int SumBits = 4,
  parameter int BlockBits = 0,
  parameter int Streamed = 0,
  parameter int FreeRunning = 0,
  parameter logic [Nf*Sf*Pe*Simd-1:0] Weights = '0,
  // Derived, do not set.
  parameter int InSlices = (Streamed == 1) ? 1 : Sf
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     in_valid_i,
  output logic                     in_ready_o,
  input  logic [InSlices*Simd-1:0] in_data_i,
  output logic                     out_valid_o,
  input  logic                     out_ready_i,
  output logic [Pe*SumBits-1:0]    out_data_o
);

  localparam int Depth = Nf * Sf;
  localparam int AddressBits = (Depth > 1) ? $clog2(Depth) : 1;

  if (Pe < 1 || Simd < 1 || Nf < 1 || Sf < 1 || 2 ** SumBits <= Simd * Sf) begin : gen_illegal
    bnn_error_sum_bits_too_few_for_the_fan_in u_error ();
  end
  if (BlockBits < 0 || BlockBits > ((Depth > 1) ? Pe * Simd : 0)) begin : gen_illegal_block
    bnn_error_block_bits_must_be_bits_of_a_rom_word u_error ();
  end

  // Products a column: see the header.
  localparam int RegisterWords = (Depth > 32 || BlockBits > 0) ? 1 : 0;
  // Four full adders a column, shared by so many lanes, cost less than they save behind them.
  localparam int Shared = (Depth == 1 && Pe >= 16 && Simd >= 24) ? 1 : 0;
  localparam int Ways = (Shared == 1 || RegisterWords == 1 || (Depth > 1 && Depth <= 8)) ? 3 : 1;
  // Two slices are chosen between in the LUTs of the products.
  localparam int TwoSlices = (InSlices == 2 && Depth > 8 && Depth <= 16 && BlockBits == 0) ? 1 : 0;
  localparam int RegisterSlice = ((Sf > 1 && TwoSlices == 0) || RegisterWords == 1 || Streamed == 1) ? 1 : 0;
  localparam int RegisterProducts = (Depth > 1 || Shared == 1) ? 1 : 0;
  // At least 1, so that an illegal parameter is read as the refusal above.
  localparam int Columns = (Simd > 0) ? (Simd + Ways - 1) / Ways : 1;
  localparam int TallyBits = $clog2(Columns + 1);
  localparam int TallyLatency = 1 + $clog2((Columns + 19) / 19);
  // Register stages before the accumulator or, with Sf = 1, up to and with the output register.
  localparam int Stages = RegisterSlice + RegisterProducts + TallyLatency + ((Ways > 1) ? 1 : 0);

  // go: a step may start; enable: the pipeline moves.
  logic go, enable;

  // Stage 0: the fold step, and with Sf > 1 the slice of the window.
  logic [AddressBits-1:0] step;
  logic                   last_step, take;
  assign take = in_valid_i & go;

  bnn_counter #(
    .Modulus(Depth)
  ) u_step (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (take),
    .value_o(step),
    .last_o (last_step)
  );
  assign in_ready_o = go & (last_step || Streamed == 1);

  localparam int SliceBits = (TwoSlices == 1) ? 2 * Simd : Simd;
  logic [SliceBits-1:0]   slice_now, slice;
  logic [AddressBits-1:0] address;
  logic                   first_fold, last_fold;
  if (Sf == 1) begin : gen_whole_window
    assign slice_now  = in_data_i;
    assign first_fold = 1'b1;
    assign last_fold  = 1'b1;
  end else begin : gen_slices
    localparam int FoldBits = $clog2(Sf);
    logic [FoldBits-1:0] fold;
    bnn_counter #(
      .Modulus(Sf)
    ) u_fold (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .step_i (take),
      .value_o(fold),
      .last_o (last_fold)
    );
    assign first_fold = (fold == '0);
    if (TwoSlices == 1) begin : gen_both
      assign slice_now = in_data_i;
    end else if (Streamed == 1) begin : gen_streamed
      assign slice_now = in_data_i;
    end else begin : gen_one
      logic [Sf-1:0][Simd-1:0] slices;
      assign slices    = in_data_i;
      assign slice_now = slices[fold];
    end
  end

  if (RegisterSlice == 1) begin : gen_slice_register
    logic [AddressBits-1:0] address_q;
    always_ff @(posedge clk_i) begin
      if (take) address_q <= step;
    end
    assign address = address_q;
    if (Streamed == 1) begin : gen_streamed
      // The register is that of the memory the slice comes from.
      assign slice = slice_now;
    end else begin : gen_held
      logic [SliceBits-1:0] slice_q;
      always_ff @(posedge clk_i) begin
        if (take) slice_q <= slice_now;
      end
      assign slice = slice_q;
    end
  end else begin : gen_window_register
    // The window itself holds still while its steps run.
    assign slice   = slice_now;
    assign address = step;
  end

  // What the tallies count, Columns bits a lane: products, or ones and twos of full adders.
  logic [Pe*Columns-1:0] ones, twos;
  // What follows the window itself moves with its steps alone; what follows a register stands with it.
  logic                  follow;
  assign follow = (RegisterSlice == 1) ? enable : take;
  if (Shared == 1) begin : gen_shared_adders
    logic unused_address;
    assign unused_address = ^address;
    bnn_shared_adders #(
      .Pe     (Pe),
      .Simd   (Simd),
      .Weights(Weights)
    ) u_shared_adders (
      .clk_i (clk_i),
      .en_i  (follow),
      .bits_i(slice),
      .ones_o(ones),
      .twos_o(twos)
    );
  end else if (Depth == 1) begin : gen_constant_weights
    logic unused_constant;
    assign unused_constant = ^{address, follow};
    assign ones = {Pe{slice}};
    assign twos = '0;
  end else begin : gen_products
    logic [Pe*Columns-1:0] ones_d, twos_d;
    if (RegisterWords == 1) begin : gen_word_register
      // A deep ROM takes whole LUTs of its own, block RAM none, so the word gets a register.
      logic [Pe*Simd-1:0] word_q;
      logic               unused_address;
      bnn_weights #(
        .Depth    (Depth),
        .Width    (Pe * Simd),
        .BlockBits(BlockBits),
        .Contents (Weights)
      ) u_weights (
        .clk_i (clk_i),
        .en_i  (take),
        .step_i(step),
        .word_o(word_q)
      );
      assign unused_address = ^address;

      bnn_full_adders #(
        .Pe  (Pe),
        .Simd(Simd)
      ) u_full_adders (
        .bits_i(slice),
        .word_i(word_q),
        .ones_o(ones_d),
        .twos_o(twos_d)
      );
    end else begin : gen_lut_products
      bnn_products #(
        .Depth  (Depth),
        .Pe     (Pe),
        .Simd   (Simd),
        .Slices (1 + TwoSlices),
        .Ways   (Ways),
        .Weights(Weights)
      ) u_products (
        .step_i(address),
        .bits_i(slice),
        .ones_o(ones_d),
        .twos_o(twos_d)
      );
    end

    logic [Pe*Columns-1:0] ones_q;
    always_ff @(posedge clk_i) begin
      if (follow) ones_q <= ones_d;
    end
    assign ones = ones_q;
    if (Ways == 1) begin : gen_no_twos
      assign twos = twos_d;
    end else begin : gen_twos
      logic [Pe*Columns-1:0] twos_q;
      always_ff @(posedge clk_i) begin
        if (follow) twos_q <= twos_d;
      end
      assign twos = twos_q;
    end
  end

  // What travels beside the data: valid, and the first and last fold of a beat.
  logic [Stages-1:0] valid_q;
  logic              step_valid, step_first, step_last;
  if (Stages == 1) begin : gen_one_stage
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= '0;
      else if (enable) valid_q <= take;
    end
  end else begin : gen_stages
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= '0;
      else if (enable) valid_q <= {valid_q[Stages-2:0], take};
    end
  end
  assign step_valid = valid_q[Stages-1];

  if (Sf == 1) begin : gen_no_fold_flags
    logic unused_fold_flags;
    assign {step_first, step_last} = 2'b11;
    assign unused_fold_flags = ^{first_fold, last_fold, step_first, step_last};
  end else begin : gen_fold_flags
    bnn_delay #(
      .Width(2),
      .Depth(Stages)
    ) u_flags (
      .clk_i (clk_i),
      .en_i  (enable),
      .data_i({first_fold, last_fold}),
      .data_o({step_first, step_last})
    );
  end

  logic [Pe*SumBits-1:0] sums;
  // Between the steps of a held window there is no pause, unless the pipeline runs on without them.
  logic                  accumulate;
  assign accumulate = enable & (step_valid || (Streamed == 0 && FreeRunning == 0));

  // Constant weights are inverted inputs, three of a shared adder as its first one; a ROM has done it before.
  function automatic logic [Columns-1:0] inverted(int lane);
    logic [Columns-1:0] bits;
    bits = '0;
    for (int c = 0; c < Columns; c++) begin
      if (Depth == 1 && Ways * (c + 1) <= Simd) bits[c] = ~Weights[lane*Simd+Ways*c];
    end
    return bits;
  endfunction

  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    localparam logic [Columns-1:0] Invert = inverted(p);
    logic [TallyBits-1:0] ones_count;
    logic [SumBits-1:0]   count;
    bnn_tally #(
      .Width (Columns),
      .Invert(Invert)
    ) u_ones (
      .clk_i  (clk_i),
      .en_i   (enable),
      .bits_i (ones[p*Columns+:Columns]),
      .count_o(ones_count)
    );

    if (Ways == 1) begin : gen_ones
      logic unused_twos;
      assign unused_twos = ^twos[p*Columns+:Columns];
      assign count = SumBits'(ones_count);
    end else begin : gen_twos
      logic [TallyBits-1:0] twos_count;
      logic [SumBits-1:0]   count_q;
      bnn_tally #(
        .Width (Columns),
        .Invert(Invert)
      ) u_twos (
        .clk_i  (clk_i),
        .en_i   (enable),
        .bits_i (twos[p*Columns+:Columns]),
        .count_o(twos_count)
      );
      always_ff @(posedge clk_i) begin
        if (enable) count_q <= SumBits'(ones_count) + SumBits'({twos_count, 1'b0});
      end
      assign count = count_q;
    end

    if (Sf == 1) begin : gen_sum
      logic unused_accumulate;
      assign unused_accumulate = accumulate;
      assign sums[p*SumBits+:SumBits] = count;
    end else begin : gen_accumulator
      logic [SumBits-1:0] sum_q;
      always_ff @(posedge clk_i) begin
        if (accumulate) sum_q <= count + (step_first ? '0 : sum_q);
      end
      assign sums[p*SumBits+:SumBits] = sum_q;
    end
  end

  if (Sf == 1) begin : gen_direct
    assign out_valid_o = step_valid;
  end else begin : gen_accumulated
    logic sum_valid_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) sum_valid_q <= 1'b0;
      else if (enable) sum_valid_q <= step_valid & step_last;
    end
    assign out_valid_o = sum_valid_q;
  end

  if (FreeRunning == 1) begin : gen_free_running
    assign go     = out_ready_i;
    assign enable = 1'b1;
  end else begin : gen_stalled
    assign go     = ~out_valid_o | out_ready_i;
    assign enable = go;
  end
  assign out_data_o = sums;

endmodule
