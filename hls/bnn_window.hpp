// Window: the last `kernel` positions of a stream as one word, every `stride` positions.
//
// A shift register; the newest position is the highest word, the oldest the lowest. Padding left of
// the first position is preloaded (all of it that fits beside a window's newest position), padding
// right of the last one is shifted in without an input. Shifting stops at the last window;
// positions that no window needs are read and dropped after that, so that one call consumes exactly
// in_length words.
//
// The stream may bring `beat` positions at once, the oldest in the low bits; stride and in_length are
// then multiples of it. The register holds whole beats, left padding rounded up to them, and the
// window is a fixed part of it.
//
// Shape: beat, word_bits, kernel, stride, pad_left, in_length, positions.
#ifndef BNN_WINDOW_HPP
#define BNN_WINDOW_HPP

#include "bnn_types.hpp"

namespace bnn {

template <class Shape>
void window(hls::stream<ap_uint<Shape::beat * Shape::word_bits>>& words,
            hls::stream<ap_uint<Shape::kernel * Shape::word_bits>>& windows,
            const chunk<Shape::word_bits> (&padding)[chunks_for(Shape::word_bits)]) {
#pragma HLS array_partition variable=padding complete  // one constant, not a memory
    constexpr int window_bits = Shape::kernel * Shape::word_bits;
    // From here on in beats; `offset` positions of the register are older than the window.
    constexpr int beat_bits = Shape::beat * Shape::word_bits;
    constexpr int pad_left = (Shape::pad_left + Shape::beat - 1) / Shape::beat;
    constexpr int offset = pad_left * Shape::beat - Shape::pad_left;
    constexpr int kernel = (offset + Shape::kernel + Shape::beat - 1) / Shape::beat;
    constexpr int stride = Shape::stride / Shape::beat;
    constexpr int low = offset * Shape::word_bits;
    constexpr int preloaded = pad_left < kernel - 1 ? pad_left : kernel - 1;
    // Shifts from the preloaded register to the last window, then to the last input.
    constexpr int needed = (Shape::positions - 1) * stride + kernel;
    constexpr int input_end = pad_left + Shape::in_length / Shape::beat;
    constexpr int steps = (needed > input_end ? needed : input_end) - preloaded;

    const ap_uint<Shape::word_bits> pad_word = join<Shape::word_bits>(padding);
    ap_uint<beat_bits> pad = 0;
    for (int position = 0; position < Shape::beat; ++position) {
#pragma HLS unroll  // wires
        pad.range(Shape::word_bits * (position + 1) - 1, Shape::word_bits * position) = pad_word;
    }
    ap_uint<kernel * beat_bits> taps = 0;
    for (int tap = 0; tap < kernel; ++tap) {
#pragma HLS unroll  // preload in no cycle of its own
        taps.range(beat_bits * (tap + 1) - 1, beat_bits * tap) = pad;
    }
    // Shifts before a window is complete, counted down: no division by the stride.
    int until_window = kernel - 1 - preloaded;
    int emitted = 0;

    for (int step = 0; step < steps; ++step) {
#pragma HLS pipeline II=1  // one beat a cycle
        const int place = preloaded + step;  // in the padded stream
        ap_uint<beat_bits> word = pad;
        if (place >= pad_left && place < input_end) word = words.read();
        if constexpr (kernel > 1) taps >>= beat_bits;
        taps.range(kernel * beat_bits - 1, (kernel - 1) * beat_bits) = word;
        if (until_window > 0) {
            --until_window;
        } else if (emitted < Shape::positions) {
            windows.write(ap_uint<window_bits>(taps.range(low + window_bits - 1, low)));
            ++emitted;
            until_window = stride - 1;
        }
    }
}

}  // namespace bnn

#endif  // BNN_WINDOW_HPP
