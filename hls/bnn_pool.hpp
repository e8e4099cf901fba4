// Max-pool over `size` positions every `stride`, lane by lane, on a folded stream of NF beats a
// position.
//
// Lanes of one bit are unsigned, their maximum is an OR: the pool over comparison and accept bits.
// Wider lanes are signed: the pool over the sums of the last layer. History is a shift register of
// the last (size - 1) * NF beats, read at every NF-th; what it holds at a fragment's start is
// shifted out before the first maximum leaves.
//
// Shape: name, tap, lanes, lane_bits, nf, size, stride, in_positions, out_positions.
#ifndef BNN_POOL_HPP
#define BNN_POOL_HPP

#include "bnn_tap.hpp"
#include "bnn_types.hpp"

namespace bnn {

template <class Shape>
using pool_beat = ap_uint<Shape::lanes * Shape::lane_bits>;

template <class Shape>
pool_beat<Shape> larger(const pool_beat<Shape>& a, const pool_beat<Shape>& b) {
#pragma HLS inline  // one comparator a lane, part of a tree
    if constexpr (Shape::lane_bits == 1) {
        return a | b;
    } else {
        pool_beat<Shape> best = a;
        for (int lane = 0; lane < Shape::lanes; ++lane) {
#pragma HLS unroll  // all lanes of a beat in one cycle
            const int low = Shape::lane_bits * lane;
            const int high = low + Shape::lane_bits - 1;
            const ap_int<Shape::lane_bits> lane_a =
                ap_int<Shape::lane_bits>(ap_uint<Shape::lane_bits>(a.range(high, low)));
            const ap_int<Shape::lane_bits> lane_b =
                ap_int<Shape::lane_bits>(ap_uint<Shape::lane_bits>(b.range(high, low)));
            if (lane_b > lane_a) best.range(high, low) = ap_uint<Shape::lane_bits>(lane_b);
        }
        return best;
    }
}

template <class Shape>
void pool(hls::stream<pool_beat<Shape>>& beats, hls::stream<pool_beat<Shape>>& maxima) {
    constexpr int depth = (Shape::size - 1) * Shape::nf;
    pool_beat<Shape> history[depth > 0 ? depth : 1];
#pragma HLS array_partition variable=history complete  // a shift register with a tap every NF beats
    // Positions before a window is complete, counted down: no division by the stride.
    int until_maximum = Shape::size - 1;
    int emitted = 0;

    for (int position = 0; position < Shape::in_positions; ++position) {
        for (int nf = 0; nf < Shape::nf; ++nf) {
#pragma HLS pipeline II=1  // one beat a cycle
#pragma HLS loop_flatten  // no bubble between positions
            const pool_beat<Shape> newest = beats.read();
            pool_beat<Shape> best = newest;
            for (int age = 1; age < Shape::size; ++age) {
#pragma HLS unroll  // the whole window in one cycle
                best = larger<Shape>(best, history[age * Shape::nf - 1]);
            }
            for (int i = depth - 1; i > 0; --i) {
#pragma HLS unroll  // all registers move together
                history[i] = history[i - 1];
            }
            if (depth > 0) history[0] = newest;
            if (until_maximum == 0 && emitted < Shape::out_positions) {
                record<Shape, Shape::tap>(best);
                maxima.write(best);
            }
            if (nf == Shape::nf - 1) {
                if (until_maximum > 0) {
                    --until_maximum;
                } else {
                    ++emitted;
                    until_maximum = Shape::stride - 1;
                }
            }
        }
    }
}

}  // namespace bnn

#endif  // BNN_POOL_HPP
