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
//   Weights           ROM words, word 0 in the low bits
//
// How far one register stage goes depends on the depth of the ROM, for a LUT6 sees six inputs:
// constant weights: six products are one 6:3 compressor; up to 8 words: address and three products
// are one full adder; up to 32 words: address and one product are one LUT; above, the ROM word and
// the window slice are registers of their own. Behind it stand pipelined tallies.
//
// Latency from the cycle a step starts to its sum: 2 + tally latency + 1 with a first-stage sum +
// 1 each for Sf > 1 and a registered slice (see docs/hardware.md). A full output stalls the pipeline.
// Reset: pipeline empty, first step. Cost: docs/hardware.md, "What a fold costs".
module bnn_mvu_bits #(
  parameter int Pe = 2,
  parameter int Simd = 7,
  parameter int Nf = 2,
  parameter int Sf = 2,
  parameter int SumBits = 4,
  parameter logic [Nf*Sf*Pe*Simd-1:0] Weights = '0
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  in_valid_i,
  output logic                  in_ready_o,
  input  logic [Sf*Simd-1:0]    in_data_i,
  output logic                  out_valid_o,
  input  logic                  out_ready_i,
  output logic [Pe*SumBits-1:0] out_data_o
);

  localparam int Depth = Nf * Sf;
  localparam int AddressBits = (Depth > 1) ? $clog2(Depth) : 1;

  if (Pe < 1 || Simd < 1 || Nf < 1 || Sf < 1 || 2 ** SumBits <= Simd * Sf) begin : gen_illegal
    bnn_error_sum_bits_too_few_for_the_fan_in u_error ();
  end

  // Products a column of the first compression: see the header.
  localparam int Ways = (Depth == 1) ? 6 : ((Depth <= 8 || Depth > 32) ? 3 : 1);
  localparam int RegisterWords = (Depth > 32) ? 1 : 0;
  localparam int RegisterSlice = (Sf > 1 || Depth > 32) ? 1 : 0;
  localparam int Columns = (Simd + Ways - 1) / Ways;
  localparam int TallyBits = $clog2(Columns + 1);
  localparam int TallyLatency = (Columns <= 18) ? 1 : (Columns <= 108) ? 3 :
                                (Columns <= 648) ? 5 : (Columns <= 3888) ? 7 :
                                (Columns <= 23328) ? 9 : (Columns <= 139968) ? 11 : 13;
  // Register stages before the accumulator or, with Sf = 1, up to and with the output register.
  localparam int Stages = RegisterSlice + 1 + TallyLatency + ((Ways > 1) ? 1 : 0);

  logic enable;

  // Stage 0: the fold step, and with Sf > 1 the slice of the window.
  logic [AddressBits-1:0] step;
  logic                   last_step, take;
  assign take = in_valid_i & enable;

  bnn_counter #(
    .Modulus(Depth)
  ) u_step (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (take),
    .value_o(step),
    .last_o (last_step)
  );
  assign in_ready_o = enable & last_step;

  logic [Simd-1:0]        slice_now, slice;
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
    logic [Sf-1:0][Simd-1:0] slices;
    assign slices     = in_data_i;
    assign slice_now  = slices[fold];
    assign first_fold = (fold == '0);
  end

  if (RegisterSlice == 1) begin : gen_slice_register
    logic [Simd-1:0]        slice_q;
    logic [AddressBits-1:0] address_q;
    always_ff @(posedge clk_i) begin
      if (enable) begin
        slice_q   <= slice_now;
        address_q <= step;
      end
    end
    assign slice   = slice_q;
    assign address = address_q;
  end else begin : gen_window_register
    // The window itself holds still while its steps run.
    assign slice   = slice_now;
    assign address = step;
  end

  // First compression of the products of all lanes: ones and twos (and fours), Columns bits a lane.
  logic [Pe*Columns-1:0] ones_d, twos_d, fours_d;
  if (RegisterWords == 1) begin : gen_word_register
    // A deep ROM takes whole LUTs of its own, so its word gets a register.
    logic [Pe*Simd-1:0] word_now, word_q;
    logic               unused_address;
    bnn_weights #(
      .Depth   (Depth),
      .Width   (Pe * Simd),
      .Contents(Weights)
    ) u_weights (
      .step_i(step),
      .word_o(word_now)
    );
    always_ff @(posedge clk_i) begin
      if (enable) word_q <= word_now;
    end
    assign unused_address = ^address;

    for (genvar p = 0; p < Pe; p++) begin : gen_lane
      logic [Simd-1:0]    products;
      logic [Columns-1:0] a, b, c;
      assign products  = ~(slice ^ word_q[p*Simd+:Simd]);
      assign {c, b, a} = (3*Columns)'(products);
      assign ones_d[p*Columns+:Columns] = a ^ b ^ c;
      assign twos_d[p*Columns+:Columns] = (a & b) | (c & (a ^ b));
    end
    assign fours_d = '0;
  end else if (Depth == 1) begin : gen_constant_weights
    logic unused_address;
    assign unused_address = ^address;
    for (genvar p = 0; p < Pe; p++) begin : gen_lane
      bnn_compress #(
        .Width(Simd)
      ) u_compress (
        .bits_i (~(slice ^ Weights[p*Simd+:Simd])),
        .ones_o (ones_d[p*Columns+:Columns]),
        .twos_o (twos_d[p*Columns+:Columns]),
        .fours_o(fours_d[p*Columns+:Columns])
      );
    end
  end else begin : gen_products
    bnn_products #(
      .Depth  (Depth),
      .Pe     (Pe),
      .Simd   (Simd),
      .Ways   (Ways),
      .Weights(Weights)
    ) u_products (
      .step_i(address),
      .bits_i(slice),
      .ones_o(ones_d),
      .twos_o(twos_d)
    );
    assign fours_d = '0;
  end

  // What travels beside the data: valid, and the first and last fold of a beat.
  logic [Stages-1:0] valid_q;
  logic              step_valid, step_first, step_last;
  if (Stages == 1) begin : gen_one_stage
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= '0;
      else if (enable) valid_q <= in_valid_i;
    end
  end else begin : gen_stages
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= '0;
      else if (enable) valid_q <= {valid_q[Stages-2:0], in_valid_i};
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

  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    logic [Columns-1:0]   ones_q;
    logic [TallyBits-1:0] ones;
    logic [SumBits-1:0]   count;
    always_ff @(posedge clk_i) begin
      if (enable) ones_q <= ones_d[p*Columns+:Columns];
    end
    bnn_tally #(
      .Width(Columns)
    ) u_ones (
      .clk_i  (clk_i),
      .en_i   (enable),
      .bits_i (ones_q),
      .count_o(ones)
    );

    if (Ways == 1) begin : gen_ones
      logic unused_twos;
      assign unused_twos = ^{twos_d[p*Columns+:Columns], fours_d[p*Columns+:Columns]};
      assign count = SumBits'(ones);
    end else begin : gen_twos
      logic [Columns-1:0]   twos_q;
      logic [TallyBits-1:0] twos;
      logic [SumBits-1:0]   count_d, count_q;
      always_ff @(posedge clk_i) begin
        if (enable) begin
          twos_q  <= twos_d[p*Columns+:Columns];
          count_q <= count_d;
        end
      end
      bnn_tally #(
        .Width(Columns)
      ) u_twos (
        .clk_i  (clk_i),
        .en_i   (enable),
        .bits_i (twos_q),
        .count_o(twos)
      );
      assign count = count_q;

      if (Ways == 3) begin : gen_no_fours
        logic unused_fours;
        assign unused_fours = ^fours_d[p*Columns+:Columns];
        assign count_d = SumBits'(ones) + SumBits'({twos, 1'b0});
      end else begin : gen_fours
        logic [Columns-1:0]   fours_q;
        logic [TallyBits-1:0] fours;
        always_ff @(posedge clk_i) begin
          if (enable) fours_q <= fours_d[p*Columns+:Columns];
        end
        bnn_tally #(
          .Width(Columns)
        ) u_fours (
          .clk_i  (clk_i),
          .en_i   (enable),
          .bits_i (fours_q),
          .count_o(fours)
        );
        bnn_join #(
          .PartBits (TallyBits),
          .CountBits(SumBits)
        ) u_join (
          .ones_i (ones),
          .twos_i (twos),
          .fours_i(fours),
          .count_o(count_d)
        );
      end
    end

    if (Sf == 1) begin : gen_sum
      assign sums[p*SumBits+:SumBits] = count;
    end else begin : gen_accumulator
      logic [SumBits-1:0] sum_q;
      always_ff @(posedge clk_i) begin
        if (enable) sum_q <= count + (step_first ? '0 : sum_q);
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

  assign enable     = ~out_valid_o | out_ready_i;
  assign out_data_o = sums;

endmodule
