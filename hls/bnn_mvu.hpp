// Matrix-vector unit: folded sums of products of a window with PE weight rows at a time.
//
// Step s = nf * SF + sf takes window elements sf * SIMD to sf * SIMD + SIMD - 1 and weight word s.
// Lane p of that word holds the weights of output channel nf * PE + p; bit j of a lane belongs to
// element sf * SIMD + j. After SF steps a beat of PE sums leaves; NF beats make a position.
//
//   bits:     a sum is the popcount of XNOR(element, weight), unsigned; the number it stands for is
//             2 * popcount - K for K window elements
//   integers: a sum is the sum of the elements with the sign of their weights, signed
//
// mvtu() compares the sums with their thresholds and gives comparison bits; mvu() gives the sums
// themselves as signed numbers (the last layer).
//
// Shape: name, element_bits (1: bits, more: signed integers), window_bits, positions, pe, simd, nf,
// sf, sides, sum_bits, lane_bits.
#ifndef BNN_MVU_HPP
#define BNN_MVU_HPP

#include <cstdint>
#include <type_traits>

#include "bnn_popcount.hpp"
#include "bnn_tap.hpp"
#include "bnn_types.hpp"

namespace bnn {

template <class Shape>
constexpr bool takes_integers = Shape::element_bits > 1;

// Bits enter the XNOR in chunks, as the weights do; integers one by one.
template <class Shape>
using operand =
    std::conditional_t<takes_integers<Shape>, ap_int<Shape::element_bits>, std::uint64_t>;

template <class Shape>
constexpr int operands = takes_integers<Shape> ? Shape::simd : chunks_for(Shape::simd);

template <class Shape>
using sum =
    std::conditional_t<takes_integers<Shape>, ap_int<Shape::sum_bits>, ap_uint<Shape::sum_bits>>;

// One ROM word: PE lanes of SIMD weights, each in chunks.
template <class Shape>
using weight_word = chunk<Shape::simd>[Shape::pe * chunks_for(Shape::simd)];

template <class Shape>
using weight_rom = chunk<Shape::simd>[Shape::nf * Shape::sf][Shape::pe * chunks_for(Shape::simd)];

template <class Shape>
using threshold_rom = sum<Shape>[Shape::sides][Shape::nf][Shape::pe];

// The window cut into SF slices of SIMD elements. Each step works on slice 0 and then turns the
// ring by one, so that a slice is reached by a shift and not through a multiplexer over all of
// them; after SF steps the ring is back where it was, for the next beat.
template <class Shape>
using slice_ring = operand<Shape>[Shape::sf][operands<Shape>];

template <class Shape>
void load_slices(const ap_uint<Shape::window_bits>& window, slice_ring<Shape>& slices) {
#pragma HLS inline  // wires into the ring's registers
    constexpr int slice_bits = Shape::simd * Shape::element_bits;
    constexpr int step = takes_integers<Shape> ? Shape::element_bits : 64;
    for (int sf = 0; sf < Shape::sf; ++sf) {
#pragma HLS unroll  // the ring is loaded at once
        for (int k = 0; k < operands<Shape>; ++k) {
#pragma HLS unroll  // as above
            const int low = sf * slice_bits + k * step;
            const int end = low + step < (sf + 1) * slice_bits ? low + step : (sf + 1) * slice_bits;
            if constexpr (takes_integers<Shape>) {
                slices[sf][k] = ap_int<Shape::element_bits>(
                    ap_uint<Shape::element_bits>(window.range(end - 1, low)));
            } else {
                slices[sf][k] = window.range(end - 1, low).to_uint64();
            }
        }
    }
}

template <class Shape>
void turn_slices(slice_ring<Shape>& slices) {
#pragma HLS inline  // register to register
    if constexpr (Shape::sf > 1) {
        for (int k = 0; k < operands<Shape>; ++k) {
#pragma HLS unroll  // all registers of the ring move together
            const operand<Shape> first = slices[0][k];
            for (int sf = 0; sf + 1 < Shape::sf; ++sf) {
#pragma HLS unroll  // as above
                slices[sf][k] = slices[sf + 1][k];
            }
            slices[Shape::sf - 1][k] = first;
        }
    }
}

// What lane `p` of a weight word adds to its sum in one step.
template <class Shape>
sum<Shape> dot(const operand<Shape> (&slice)[operands<Shape>], const weight_word<Shape>& word,
               int p) {
#pragma HLS inline  // part of one pipelined step
    constexpr int chunks = chunks_for(Shape::simd);
    sum<Shape> total = 0;
    if constexpr (takes_integers<Shape>) {
        for (int j = 0; j < Shape::simd; ++j) {
#pragma HLS unroll  // SIMD elements a cycle
            const bool plus = (word[p * chunks + j / 64].to_uint64() >> (j % 64)) & 1U;
            const sum<Shape> element = slice[j];
            if (plus) {
                total += element;
            } else {
                total -= element;
            }
        }
    } else {
        for (int k = 0; k < chunks; ++k) {
#pragma HLS unroll  // SIMD bits a cycle
            const std::uint64_t equal = ~(slice[k] ^ word[p * chunks + k].to_uint64());
            total += popcount<chunk_width(Shape::simd)>(equal & chunk_mask(Shape::simd, k));
        }
    }
    return total;
}

// One fold step of all PE lanes.
template <class Shape>
void fold_step(const operand<Shape> (&slice)[operands<Shape>], const weight_word<Shape>& word,
               bool first, sum<Shape> (&sums)[Shape::pe]) {
#pragma HLS inline  // part of one pipelined step
    for (int p = 0; p < Shape::pe; ++p) {
#pragma HLS unroll  // PE output channels a cycle
        const sum<Shape> before = first ? sum<Shape>(0) : sums[p];
        sums[p] = before + dot<Shape>(slice, word, p);
    }
}

// The only place where a sum meets its threshold. Bit side * PE + p of the beat is lane p.
template <class Shape>
ap_uint<Shape::sides * Shape::pe> compare(const sum<Shape> (&sums)[Shape::pe],
                                          const threshold_rom<Shape>& thresholds, int nf) {
#pragma HLS inline  // part of one pipelined step
    ap_uint<Shape::sides * Shape::pe> beat = 0;
    for (int side = 0; side < Shape::sides; ++side) {
#pragma HLS unroll  // both comparisons at once
        for (int p = 0; p < Shape::pe; ++p) {
#pragma HLS unroll  // PE output channels a cycle
            beat[side * Shape::pe + p] = sums[p] >= thresholds[side][nf][p];
        }
    }
    return beat;
}

// Sums as the signed numbers they stand for, lane_bits a lane, lane 0 lowest.
template <class Shape>
ap_uint<Shape::pe * Shape::lane_bits> centre(const sum<Shape> (&sums)[Shape::pe]) {
#pragma HLS inline  // part of one pipelined step
    constexpr int fan_in = Shape::simd * Shape::sf;
    ap_uint<Shape::pe * Shape::lane_bits> beat = 0;
    for (int p = 0; p < Shape::pe; ++p) {
#pragma HLS unroll  // PE output channels a cycle
        ap_int<Shape::lane_bits> value = 0;
        if constexpr (takes_integers<Shape>) {
            value = sums[p];
        } else {
            value = 2 * sums[p] - fan_in;
        }
        beat.range(Shape::lane_bits * (p + 1) - 1, Shape::lane_bits * p) =
            ap_uint<Shape::lane_bits>(value);
    }
    return beat;
}

// Window in, comparison beats out.
template <class Shape>
void mvtu(hls::stream<ap_uint<Shape::window_bits>>& windows,
          hls::stream<ap_uint<Shape::sides * Shape::pe>>& comparisons,
          const weight_rom<Shape>& weights, const threshold_rom<Shape>& thresholds) {
#pragma HLS array_reshape variable=weights dim=2 complete  // a step reads one whole word
#pragma HLS array_partition variable=thresholds dim=1 complete  // both sides of a lane at once
#pragma HLS array_partition variable=thresholds dim=3 complete  // all lanes of a beat at once
    slice_ring<Shape> slices;
    sum<Shape> sums[Shape::pe];
#pragma HLS array_partition variable=slices dim=0 complete  // registers, not memory
#pragma HLS array_partition variable=sums complete  // PE accumulators
    for (int position = 0; position < Shape::positions; ++position) {
        for (int nf = 0; nf < Shape::nf; ++nf) {
            for (int sf = 0; sf < Shape::sf; ++sf) {
#pragma HLS pipeline II=1  // one fold step a cycle
#pragma HLS loop_flatten  // no bubble between beats and positions
                if (nf == 0 && sf == 0) load_slices<Shape>(windows.read(), slices);
                fold_step<Shape>(slices[0], weights[nf * Shape::sf + sf], sf == 0, sums);
                turn_slices<Shape>(slices);
                if (sf == Shape::sf - 1) {
                    const ap_uint<Shape::sides * Shape::pe> beat =
                        compare<Shape>(sums, thresholds, nf);
                    record<Shape, tap::comparisons>(beat);
                    comparisons.write(beat);
                }
            }
        }
    }
}

// Window in, beats of signed sums out.
template <class Shape>
void mvu(hls::stream<ap_uint<Shape::window_bits>>& windows,
         hls::stream<ap_uint<Shape::pe * Shape::lane_bits>>& sums_out,
         const weight_rom<Shape>& weights) {
#pragma HLS array_reshape variable=weights dim=2 complete  // a step reads one whole word
    slice_ring<Shape> slices;
    sum<Shape> sums[Shape::pe];
#pragma HLS array_partition variable=slices dim=0 complete  // registers, not memory
#pragma HLS array_partition variable=sums complete  // PE accumulators
    for (int position = 0; position < Shape::positions; ++position) {
        for (int nf = 0; nf < Shape::nf; ++nf) {
            for (int sf = 0; sf < Shape::sf; ++sf) {
#pragma HLS pipeline II=1  // one fold step a cycle
#pragma HLS loop_flatten  // no bubble between beats and positions
                if (nf == 0 && sf == 0) load_slices<Shape>(windows.read(), slices);
                fold_step<Shape>(slices[0], weights[nf * Shape::sf + sf], sf == 0, sums);
                turn_slices<Shape>(slices);
                if (sf == Shape::sf - 1) {
                    const ap_uint<Shape::pe * Shape::lane_bits> beat = centre<Shape>(sums);
                    record<Shape, tap::sums>(beat);
                    sums_out.write(beat);
                }
            }
        }
    }
}

// mvtu() and mvu() with the weights bound to what the folding chose for the RTL: block RAM or LUTs.
// Pragmas take no template parameters, hence a process for each.
template <class Shape>
void mvtu_block(hls::stream<ap_uint<Shape::window_bits>>& windows,
                hls::stream<ap_uint<Shape::sides * Shape::pe>>& comparisons,
                const weight_rom<Shape>& weights, const threshold_rom<Shape>& thresholds) {
#pragma HLS bind_storage variable=weights type=rom_1p impl=bram  // the folding's choice
    mvtu<Shape>(windows, comparisons, weights, thresholds);
}

template <class Shape>
void mvu_block(hls::stream<ap_uint<Shape::window_bits>>& windows,
               hls::stream<ap_uint<Shape::pe * Shape::lane_bits>>& sums_out,
               const weight_rom<Shape>& weights) {
#pragma HLS bind_storage variable=weights type=rom_1p impl=bram  // the folding's choice
    mvu<Shape>(windows, sums_out, weights);
}

template <class Shape>
void mvtu_lut(hls::stream<ap_uint<Shape::window_bits>>& windows,
              hls::stream<ap_uint<Shape::sides * Shape::pe>>& comparisons,
              const weight_rom<Shape>& weights, const threshold_rom<Shape>& thresholds) {
#pragma HLS bind_storage variable=weights type=rom_1p impl=lutram  // the folding's choice
    mvtu<Shape>(windows, comparisons, weights, thresholds);
}

template <class Shape>
void mvu_lut(hls::stream<ap_uint<Shape::window_bits>>& windows,
             hls::stream<ap_uint<Shape::pe * Shape::lane_bits>>& sums_out,
             const weight_rom<Shape>& weights) {
#pragma HLS bind_storage variable=weights type=rom_1p impl=lutram  // the folding's choice
    mvu<Shape>(windows, sums_out, weights);
}

}  // namespace bnn

#endif  // BNN_MVU_HPP
