// Matrix-vector unit over signed integers: a window in, Nf beats of Pe signed sums out.
//
//   out lane p of beat n = sum over elements e of (weight(n * Pe + p, e) ? +element e : -element e)
//
// One fold step a cycle, without a bubble between windows; fold order and ROM words are those of
// bnn_mvu_bits: step s = n * Sf + f works on elements f * Simd +: Simd and on ROM word s, whose bit
// p * Simd + j belongs to lane p, element f * Simd + j; a weight bit 1 is +1, a 0 is -1.
//
//   Pe, Simd, Nf, Sf  1 or more
//   ElementBits       bits of an element, two's complement, 1 or more
//   SumBits           two's complement, enough for every sum; the caller knows the reach
//   BlockBits         bits of a ROM word, from the lowest, that lie in block RAM: 0 to Pe * Simd; with
//                     Nf * Sf = 1 only 0
//   Streamed          0: a window stays at the input for all its steps; 1: the input brings the slice
//                     of each step in turn, Simd elements in the cycle after (bnn_window_ram); then
//                     Nf * Sf is above 1
//   FreeRunning       0: a full output stalls the pipeline; 1: nothing stalls it, so that no enable has to
//                     reach all its registers in a cycle: out_ready_i then says that all beats on their way
//                     and one more have room (bnn_fifo with Skid), and a step waits for it alone
//   Weights           ROM words, word 0 in the low bits
//
// Latency from the cycle a step starts to its sum: ceil(log2(Simd)) + 1, and 1 more with a ROM.
// Reset: pipeline empty, first step.
// Cost: one adder an element and lane, as wide as its sums; with constant weights fewer, since lanes
// share the sums and differences they have in common.
module bnn_mvu_int #(
  parameter int Pe = 2,
  parameter int Simd = 3,
  parameter int Nf = 2,
  parameter int Sf = 2,
  parameter int ElementBits = 4,
  parameter int SumBits = 7,
  parameter int BlockBits = 0,
  parameter int Streamed = 0,
  parameter int FreeRunning = 0,
  parameter logic [Nf*Sf*Pe*Simd-1:0] Weights = '0,
  // Derived, do not set.
  parameter int InSlices = (Streamed == 1) ? 1 : Sf
) (
  input  logic                                 clk_i,
  input  logic                                 rst_ni,
  input  logic                                 in_valid_i,
  output logic                                 in_ready_o,
  input  logic [InSlices*Simd*ElementBits-1:0] in_data_i,
  output logic                                 out_valid_o,
  input  logic                                 out_ready_i,
  output logic [Pe*SumBits-1:0]                out_data_o
);

  if (Pe < 1 || Simd < 1 || Nf < 1 || Sf < 1 || ElementBits < 1 || SumBits < 1) begin : gen_illegal
    bnn_error_folds_and_widths_must_be_at_least_1 u_error ();
  end

  localparam int Depth = Nf * Sf;
  if (BlockBits < 0 || BlockBits > ((Depth > 1) ? Pe * Simd : 0)) begin : gen_illegal_block
    bnn_error_block_bits_must_be_bits_of_a_rom_word u_error ();
  end
  if (Streamed == 1 && Depth == 1) begin : gen_illegal_stream
    bnn_error_slices_need_a_rom u_error ();
  end

  localparam int AddressBits = (Depth > 1) ? $clog2(Depth) : 1;
  localparam int SliceBits = Simd * ElementBits;
  localparam int TreeBits = ElementBits + $clog2(Simd);
  localparam int HasRom = (Depth > 1) ? 1 : 0;
  // Register stages before the one that holds the sums.
  localparam int Stages = HasRom + $clog2(Simd);

  // go: a step may start; enable: the pipeline moves.
  logic go, enable;

  // Stage 0: the fold step, the slice of the window and its weights.
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

  logic [SliceBits-1:0] slice_now, slice;
  logic                 first_fold, last_fold;
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
    if (Streamed == 1) begin : gen_streamed
      assign slice_now = in_data_i;
    end else begin : gen_held
      logic [Sf-1:0][SliceBits-1:0] slices;
      assign slices    = in_data_i;
      assign slice_now = slices[fold];
    end
    assign first_fold = (fold == '0);
  end

  logic [Pe*Simd-1:0] word;
  if (HasRom == 1) begin : gen_rom
    bnn_weights #(
      .Depth    (Depth),
      .Width    (Pe * Simd),
      .BlockBits(BlockBits),
      .Contents (Weights)
    ) u_weights (
      .clk_i (clk_i),
      .en_i  (take),
      .step_i(step),
      .word_o(word)
    );
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
  end else begin : gen_constant_word
    logic unused_step;
    assign unused_step = ^step;
    assign word  = Weights;
    assign slice = slice_now;
  end

  // What travels beside the data: valid, and the first and last fold of a beat.
  logic step_valid, step_first, step_last;
  if (Stages == 0) begin : gen_no_stage
    assign step_valid = take;
    assign step_first = first_fold;
    assign step_last  = last_fold;
  end else begin : gen_stages
    logic [Stages-1:0] valid_q;
    if (Stages == 1) begin : gen_one_stage
      always_ff @(posedge clk_i) begin
        if (!rst_ni) valid_q <= '0;
        else if (enable) valid_q <= take;
      end
    end else begin : gen_more_stages
      always_ff @(posedge clk_i) begin
        if (!rst_ni) valid_q <= '0;
        else if (enable) valid_q <= {valid_q[Stages-2:0], take};
      end
    end
    assign step_valid = valid_q[Stages-1];

    if (Sf == 1) begin : gen_no_fold_flags
      logic unused_fold_flags;
      assign {step_first, step_last} = 2'b11;
      assign unused_fold_flags = ^{first_fold, last_fold};
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
  end

  logic [Pe*SumBits-1:0] sums_q;
  logic                  sums_valid_q;
  // Between the steps of a held window there is no pause, unless the pipeline runs on without them.
  logic                  accumulate;
  assign accumulate = enable & (step_valid || (Streamed == 0 && FreeRunning == 0));

  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    logic signed [TreeBits-1:0] tree;
    logic                       negative;
    logic        [SumBits-1:0]  term;
    logic        [SumBits:0]    sum_d;
    logic                       unused_carry;

    bnn_signed_tree #(
      .Count (Simd),
      .Bits  (ElementBits),
      .Swap  (1 - HasRom)
    ) u_tree (
      .clk_i     (clk_i),
      .en_i      (enable),
      .elements_i(slice),
      .negate_i  (~word[p*Simd+:Simd]),
      .sum_o     (tree),
      .negative_o(negative)
    );

    // SumBits holds every sum of these weights; the tree is made for any weights and may be wider.
    if (TreeBits > SumBits) begin : gen_wide_tree
      logic unused_tree;
      assign unused_tree = ^tree[TreeBits-1:SumBits];
    end

    // sum = (first ? 0 : sum) + term or - term, the latter as + ~term + 1 from an extra low bit.
    assign term = SumBits'(tree) ^ {SumBits{negative}};
    assign sum_d = {term, 1'b1} +
                   {step_first ? '0 : sums_q[p*SumBits+:SumBits], negative};
    assign unused_carry = sum_d[0];

    always_ff @(posedge clk_i) begin
      if (accumulate) sums_q[p*SumBits+:SumBits] <= sum_d[SumBits:1];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) sums_valid_q <= 1'b0;
    else if (enable) sums_valid_q <= step_valid & step_last;
  end

  if (FreeRunning == 1) begin : gen_free_running
    assign go     = out_ready_i;
    assign enable = 1'b1;
  end else begin : gen_stalled
    assign go     = ~out_valid_o | out_ready_i;
    assign enable = go;
  end
  assign out_valid_o = sums_valid_q;
  assign out_data_o  = sums_q;

endmodule
