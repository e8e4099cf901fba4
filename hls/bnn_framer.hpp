// Framer: cuts the sample stream into fragments of exactly `samples` positions.
//
// One call takes one fragment, up to and including its `last`, gives `samples` words and one error
// bit.
//   short  (last too early):  filled up with zero samples, flagged
//   long   (last too late):   cut after `samples`, the rest read and dropped, flagged
//   a sample outside the signed range of input_bits: used as its low input_bits, flagged
// The error bit goes out before a long fragment's rest is dropped, so its result does not wait.
//
// A beat holds samples_per_beat positions, the oldest in the low bits, and so does a word; samples is
// a multiple of it, and what comes too early, too late or not at all is counted in whole beats.
//
// Shape: samples, samples_per_beat, channels, input_bits, axis_bits (16 * channels a position).
#ifndef BNN_FRAMER_HPP
#define BNN_FRAMER_HPP

#include "bnn_axis.hpp"

namespace bnn {

// Most beats of a fragment that are dropped, so that the loop has a static bound: months of samples
// at any rate of a sensor. A source that never raises `last` meets it, and then starts a new
// fragment.
constexpr int drain_limit = 1 << 30;

constexpr int axis_sample_bits = 16;

// Samples of a beat, all channels counted.
template <class Shape>
constexpr int beat_samples = Shape::channels* Shape::samples_per_beat;

template <class Shape>
void framer(sample_stream<Shape::axis_bits>& s_axis,
            hls::stream<ap_uint<beat_samples<Shape> * Shape::input_bits>>& samples,
            hls::stream<ap_uint<1>>& errors) {
    constexpr int beats = Shape::samples / Shape::samples_per_beat;
    bool ended = false;
    bool error = false;

    for (int position = 0; position < beats; ++position) {
#pragma HLS pipeline II=1  // one beat a cycle: the rate of the port
        ap_uint<Shape::axis_bits> beat_data = 0;
        if (!ended) {
            const sample_beat<Shape::axis_bits> beat = s_axis.read();
            beat_data = beat.data;
            ended = beat.last == 1;
            if (ended && position != beats - 1) error = true;
        }
        ap_uint<beat_samples<Shape> * Shape::input_bits> word = 0;
        for (int c = 0; c < beat_samples<Shape>; ++c) {
#pragma HLS unroll  // all samples of a beat arrive at once
            const int low = axis_sample_bits * c;
            const ap_int<axis_sample_bits> sample = ap_int<axis_sample_bits>(
                ap_uint<axis_sample_bits>(beat_data.range(low + axis_sample_bits - 1, low)));
            const ap_int<Shape::input_bits> narrow = sample;
            if (narrow != sample) error = true;
            word.range(Shape::input_bits * (c + 1) - 1, Shape::input_bits * c) =
                ap_uint<Shape::input_bits>(narrow);
        }
        samples.write(word);
    }
    errors.write(error || !ended);

    for (int beat = 0; beat < drain_limit && !ended; ++beat) {
#pragma HLS pipeline II=1  // rubbish must not stall the source more than data does
#pragma HLS loop_tripcount min=0 max=0 avg=0  // a fragment of the right length drops nothing
        ended = s_axis.read().last == 1;
    }
}

}  // namespace bnn

#endif  // BNN_FRAMER_HPP
