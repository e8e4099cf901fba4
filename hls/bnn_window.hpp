// Window: the last `kernel` positions of a stream as one word, every `stride` positions.
//
// A shift register; the newest position is the highest word, the oldest the lowest. Padding left of
// the first position is preloaded (all of it that fits beside a window's newest position), padding
// right of the last one is shifted in without an input. Shifting stops at the last window;
// positions that no window needs are read and dropped after that, so that one call consumes exactly
// in_length words.
//
// Shape: word_bits, kernel, stride, pad_left, in_length, positions.
#ifndef BNN_WINDOW_HPP
#define BNN_WINDOW_HPP

#include "bnn_types.hpp"

namespace bnn {

template <class Shape>
void window(hls::stream<ap_uint<Shape::word_bits>>& words,
            hls::stream<ap_uint<Shape::kernel * Shape::word_bits>>& windows,
            const chunk<Shape::word_bits> (&padding)[chunks_for(Shape::word_bits)]) {
#pragma HLS array_partition variable=padding complete  // one constant, not a memory
    constexpr int window_bits = Shape::kernel * Shape::word_bits;
    constexpr int preloaded =
        Shape::pad_left < Shape::kernel - 1 ? Shape::pad_left : Shape::kernel - 1;
    // Shifts from the preloaded register to the last window, then to the last input.
    constexpr int needed = (Shape::positions - 1) * Shape::stride + Shape::kernel;
    constexpr int input_end = Shape::pad_left + Shape::in_length;
    constexpr int steps = (needed > input_end ? needed : input_end) - preloaded;

    const ap_uint<Shape::word_bits> pad = join<Shape::word_bits>(padding);
    ap_uint<window_bits> taps = 0;
    for (int tap = 0; tap < Shape::kernel; ++tap) {
#pragma HLS unroll  // preload in no cycle of its own
        taps.range(Shape::word_bits * (tap + 1) - 1, Shape::word_bits * tap) = pad;
    }
    // Shifts before a window is complete, counted down: no division by the stride.
    int until_window = Shape::kernel - 1 - preloaded;
    int emitted = 0;

    for (int step = 0; step < steps; ++step) {
#pragma HLS pipeline II=1  // one position a cycle
        const int place = preloaded + step;  // in the padded stream
        ap_uint<Shape::word_bits> word = pad;
        if (place >= Shape::pad_left && place < input_end) word = words.read();
        if constexpr (Shape::kernel > 1) taps >>= Shape::word_bits;
        taps.range(window_bits - 1, window_bits - Shape::word_bits) = word;
        if (until_window > 0) {
            --until_window;
        } else if (emitted < Shape::positions) {
            windows.write(taps);
            ++emitted;
            until_window = Shape::stride - 1;
        }
    }
}

}  // namespace bnn

#endif  // BNN_WINDOW_HPP
