// Sums of elements with constant weights, digit by digit, lane by lane; what lanes have in common is
// there once.
//
//   sum of lane p = sum over elements e of (weight(p, e) == weight(p, 0) ? +element e : -element e)
//
// A tree: on level l the elements of a lane are cut into spans of 2^l, and the sum of a span is that of
// its two halves, or their difference. Its sign is that of the span's first element, so that lanes
// whose weights over a span are equal or opposite share its sum.
//
//   Lanes, Count  lanes and elements of each, 1 or more
//   Bits          bits of a digit, 1 or more
//   Weights       weight of lane p, element e in bit p * Count + e: 1 is +1, 0 is -1
//
// first_i and first_o are high with the lowest digit. Latency: ceil(log2(Count)) cycles in which en_i
// is high. Reset: none. Cost: a bnn_digit_add for each sum that differs.
module bnn_digit_tree #(
  parameter int Lanes = 3,
  parameter int Count = 5,
  parameter int Bits = 4,
  parameter logic [Lanes*Count-1:0] Weights = '0
) (
  input  logic                  clk_i,
  input  logic                  en_i,
  input  logic                  first_i,
  input  logic [Count*Bits-1:0] elements_i,
  output logic                  first_o,
  output logic [Lanes*Bits-1:0] sums_o
);

  if (Lanes < 1 || Count < 1 || Bits < 1) begin : gen_illegal
    bnn_error_lanes_and_count_must_be_at_least_1 u_error ();
  end

  localparam int Levels = (Count > 1) ? $clog2(Count) : 0;

  // The first lane whose weights over `span` elements from `start` are equal or opposite to those of
  // lane `lane`.
  function automatic int like(input int lane, input int start, input int span);
    int found, other, element;
    logic differs;
    found = lane;
    for (other = lane - 1; other >= 0; other = other - 1) begin
      differs = 1'b0;
      for (element = start; element < start + span && element < Count; element = element + 1) begin
        if ((Weights[other*Count+element] ^ Weights[other*Count+start]) !=
            (Weights[lane*Count+element] ^ Weights[lane*Count+start])) begin
          differs = 1'b1;
        end
      end
      if (!differs) found = other;
    end
    like = found;
  endfunction

  for (genvar level = 0; level <= Levels; level++) begin : gen_level
    localparam int Span = 2 ** level;
    localparam int Spans = (Count > Span) ? (Count + Span - 1) / Span : 1;
    logic first;
    if (level == 0) begin : gen_now
      assign first = first_i;
    end else begin : gen_later
      logic first_q;
      always_ff @(posedge clk_i) begin
        if (en_i) first_q <= gen_level[level-1].first;
      end
      assign first = first_q;
    end

    for (genvar s = 0; s < Spans; s++) begin : gen_span
      for (genvar p = 0; p < Lanes; p++) begin : gen_lane
        localparam int Like = like(p, s * Span, Span);
        localparam int Start = p * Count + s * Span;
        logic [Bits-1:0] sum;
        logic            unused_sum;
        assign unused_sum = ^sum;
        if (Like != p) begin : gen_shared
          assign sum = gen_level[level].gen_span[s].gen_lane[Like].sum;
        end else if (level == 0) begin : gen_element
          assign sum = elements_i[s*Bits+:Bits];
        end else if (s * Span + Span / 2 >= Count) begin : gen_wait
          logic [Bits-1:0] wait_q;
          always_ff @(posedge clk_i) begin
            if (en_i) wait_q <= gen_level[level-1].gen_span[2*s].gen_lane[p].sum;
          end
          assign sum = wait_q;
        end else begin : gen_add
          bnn_digit_add #(
            .Bits    (Bits),
            .Subtract((Weights[Start] == Weights[Start+Span/2]) ? 0 : 1)
          ) u_add (
            .clk_i  (clk_i),
            .en_i   (en_i),
            .first_i(gen_level[level-1].first),
            .a_i    (gen_level[level-1].gen_span[2*s].gen_lane[p].sum),
            .b_i    (gen_level[level-1].gen_span[2*s+1].gen_lane[p].sum),
            .sum_o  (sum)
          );
        end
      end
    end
  end

  assign first_o = gen_level[Levels].first;
  for (genvar p = 0; p < Lanes; p++) begin : gen_out
    assign sums_o[p*Bits+:Bits] = gen_level[Levels].gen_span[0].gen_lane[p].sum;
  end

endmodule
