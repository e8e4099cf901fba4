// Head: sums over time, class scores in fixed point, arg-max, result packet.
//
//   score[c] = positive[c] * S_plus[c] + negative[c] * S_minus[c] + offset[c]
//
// S_plus and S_minus are the sums over all positions of the positive and of the negative sums of
// channel c, in which the largest sum counts peak_weight times more. The packet has one beat a class with its score, sign-extended, then one with the class
// index and `last`; equal scores give the lowest class. `user` is the framer's error bit, on every
// beat.
//
// Shape: positions, peak_weight (0 or a power of two), pe, nf, lane_bits, acc_bits, positive_bits, negative_bits, offset_bits,
// score_bits, result_bits.
#ifndef BNN_HEAD_HPP
#define BNN_HEAD_HPP

#include "bnn_axis.hpp"

namespace bnn {

template <int ResultBits>
result_beat<ResultBits> make_result(const ap_int<ResultBits>& value, ap_uint<1> error, bool last) {
#pragma HLS inline  // wires
    result_beat<ResultBits> beat;
    beat.data = ap_uint<ResultBits>(value);
    beat.keep = -1;  // every byte counts
    beat.strb = -1;
    beat.user = error;
    beat.last = last;
    return beat;
}

template <class Shape>
void head(hls::stream<ap_uint<Shape::pe * Shape::lane_bits>>& sums, hls::stream<ap_uint<1>>& errors,
          result_stream<Shape::result_bits>& m_axis,
          const ap_int<Shape::positive_bits> (&positive)[Shape::nf * Shape::pe],
          const ap_int<Shape::negative_bits> (&negative)[Shape::nf * Shape::pe],
          const ap_int<Shape::offset_bits> (&offset)[Shape::nf * Shape::pe]) {
    ap_int<Shape::acc_bits> s_plus[Shape::nf][Shape::pe];
    ap_int<Shape::acc_bits> s_minus[Shape::nf][Shape::pe];
#pragma HLS array_partition variable=s_plus dim=0 complete  // registers, added to each cycle
#pragma HLS array_partition variable=s_minus dim=0 complete  // as above
    ap_int<Shape::lane_bits> largest[Shape::nf][Shape::pe];
#pragma HLS array_partition variable=largest dim=0 complete  // as above

    for (int position = 0; position < Shape::positions; ++position) {
        for (int nf = 0; nf < Shape::nf; ++nf) {
#pragma HLS pipeline II=1  // one beat a cycle
#pragma HLS loop_flatten  // no bubble between positions
            const ap_uint<Shape::pe * Shape::lane_bits> beat = sums.read();
            for (int p = 0; p < Shape::pe; ++p) {
#pragma HLS unroll  // all lanes of a beat in one cycle
                const int low = Shape::lane_bits * p;
                const ap_int<Shape::lane_bits> value = ap_int<Shape::lane_bits>(
                    ap_uint<Shape::lane_bits>(beat.range(low + Shape::lane_bits - 1, low)));
                const ap_int<Shape::acc_bits> plus =
                    value > 0 ? value : ap_int<Shape::lane_bits>(0);
                const ap_int<Shape::acc_bits> minus =
                    value < 0 ? value : ap_int<Shape::lane_bits>(0);
                if (position == 0 || value > largest[nf][p]) {
                    largest[nf][p] = value;
                }
                if (position == 0) {
                    s_plus[nf][p] = plus;
                    s_minus[nf][p] = minus;
                } else {
                    s_plus[nf][p] += plus;
                    s_minus[nf][p] += minus;
                }
            }
        }
    }

    const ap_uint<1> error = errors.read();
    ap_int<Shape::score_bits> best = 0;
    int best_class = 0;
    const ap_int<Shape::acc_bits> zero = 0;

    for (int nf = 0; nf < Shape::nf; ++nf) {
        for (int p = 0; p < Shape::pe; ++p) {
#pragma HLS pipeline II=1  // one class a cycle: two multipliers shared by all classes
#pragma HLS loop_flatten  // no bubble between beats
            const int c = nf * Shape::pe + p;
            // A power of two: a shift.
            const ap_int<Shape::acc_bits> peak = largest[nf][p] * Shape::peak_weight;
            const ap_int<Shape::acc_bits> plus = s_plus[nf][p] + (peak > 0 ? peak : zero);
            const ap_int<Shape::acc_bits> minus = s_minus[nf][p] + (peak < 0 ? peak : zero);
            const ap_int<Shape::score_bits> value =
                positive[c] * plus + negative[c] * minus + offset[c];
            if (c == 0 || value > best) {
                best = value;
                best_class = c;
            }
            m_axis.write(make_result<Shape::result_bits>(value, error, false));
        }
    }
    m_axis.write(make_result<Shape::result_bits>(best_class, error, true));
}

}  // namespace bnn

#endif  // BNN_HEAD_HPP
