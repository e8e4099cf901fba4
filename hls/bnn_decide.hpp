// Decide: comparison bits to accept bits. Collect: NF beats of PE bits to one word of channels.
//
//   two sides: accept = (low & ~high) ^ invert, where low is `sum >= lower`, high is `sum >= upper`
//   one side:  accept = low ^ invert
//
// Shape: name, pe, nf, sides, decide_positions, out_positions.
#ifndef BNN_DECIDE_HPP
#define BNN_DECIDE_HPP

#include "bnn_tap.hpp"
#include "bnn_types.hpp"

namespace bnn {

template <class Shape>
void decide(hls::stream<ap_uint<Shape::sides * Shape::pe>>& comparisons,
            hls::stream<ap_uint<Shape::pe>>& accepted,
            const ap_uint<1> (&invert)[Shape::nf][Shape::pe]) {
#pragma HLS array_partition variable=invert dim=2 complete  // all lanes of a beat at once
    for (int position = 0; position < Shape::decide_positions; ++position) {
        for (int nf = 0; nf < Shape::nf; ++nf) {
#pragma HLS pipeline II=1  // one beat a cycle
#pragma HLS loop_flatten  // no bubble between positions
            const ap_uint<Shape::sides * Shape::pe> beat = comparisons.read();
            ap_uint<Shape::pe> accept = 0;
            for (int p = 0; p < Shape::pe; ++p) {
#pragma HLS unroll  // all lanes of a beat in one cycle
                const bool low = beat[p];
                const bool high = Shape::sides == 2 && beat[(Shape::sides - 1) * Shape::pe + p];
                accept[p] = (low && !high) != (invert[nf][p] == 1);
            }
            accepted.write(accept);
        }
    }
}

template <class Shape>
void collect(hls::stream<ap_uint<Shape::pe>>& accepted,
             hls::stream<ap_uint<Shape::pe * Shape::nf>>& words) {
    constexpr int channels = Shape::pe * Shape::nf;
    ap_uint<channels> word = 0;
    for (int position = 0; position < Shape::out_positions; ++position) {
        for (int nf = 0; nf < Shape::nf; ++nf) {
#pragma HLS pipeline II=1  // one beat a cycle
#pragma HLS loop_flatten  // no bubble between positions
            // Shifted in from the top: after NF beats the first one is lowest.
            if constexpr (Shape::nf > 1) word >>= Shape::pe;
            word.range(channels - 1, channels - Shape::pe) = accepted.read();
            if (nf == Shape::nf - 1) {
                record<Shape, tap::bits>(word);
                words.write(word);
            }
        }
    }
}

}  // namespace bnn

#endif  // BNN_DECIDE_HPP
