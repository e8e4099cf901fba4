// Types and small helpers that every cell uses.
//
// Bit order, once for all cells: bit c of a word is channel c; element e = tap * channels + c of a
// window lies in bits e * element_bits and up, and tap 0 is the oldest position. Constants wider
// than 64 bits are written as chunks of 64 bits, the lowest chunk first.
//
// A generated header that needs words wider than 1024 bits defines AP_INT_MAX_W before it includes
// this one; the Xilinx headers want it so.
#ifndef BNN_TYPES_HPP
#define BNN_TYPES_HPP

#include <ap_int.h>
#include <hls_stream.h>

#include <cstdint>

namespace bnn {

// Chunks of 64 bits that hold `bits` bits.
constexpr int chunks_for(int bits) {
    return (bits + 63) / 64;
}

// Bits of chunk `chunk` out of `bits` bits: 64, or what is left in the last one.
constexpr int bits_of_chunk(int bits, int chunk) {
    return bits - 64 * chunk < 64 ? bits - 64 * chunk : 64;
}

// Bits of the type that holds one chunk of `bits` bits: exactly `bits` where one chunk is enough.
constexpr int chunk_width(int bits) {
    return bits < 64 ? bits : 64;
}

// The bits that chunk `chunk` of a `bits` wide word uses.
constexpr std::uint64_t chunk_mask(int bits, int chunk) {
    return ~std::uint64_t{0} >> (64 - bits_of_chunk(bits, chunk));
}

// Bits of an unsigned number that holds 0 to `value`.
constexpr int unsigned_bits(int value) {
    int bits = 1;
    while (value >> bits) ++bits;
    return bits;
}

template <int Bits>
using chunk = ap_uint<chunk_width(Bits)>;

// One word from its chunks: wires only.
template <int Bits>
ap_uint<Bits> join(const chunk<Bits> (&chunks)[chunks_for(Bits)]) {
#pragma HLS inline  // a function of wires must not become a module with a handshake
    ap_uint<Bits> word = 0;
    for (int k = 0; k < chunks_for(Bits); ++k) {
#pragma HLS unroll  // every chunk has its own place in the word
        word.range(64 * k + bits_of_chunk(Bits, k) - 1, 64 * k) = chunks[k];
    }
    return word;
}

}  // namespace bnn

#endif  // BNN_TYPES_HPP
