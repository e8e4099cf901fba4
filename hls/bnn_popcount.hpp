// Popcount: how many of the low `Bits` bits of a chunk are 1.
#ifndef BNN_POPCOUNT_HPP
#define BNN_POPCOUNT_HPP

#include <cstdint>

#include "bnn_types.hpp"

namespace bnn {

template <int Bits>
ap_uint<unsigned_bits(Bits)> popcount(std::uint64_t bits) {
#pragma HLS inline  // so that the adders of all chunks balance into one tree
    static_assert(Bits >= 1 && Bits <= 64, "a chunk has 1 to 64 bits");
    unsigned count = 0;
    for (int i = 0; i < Bits; ++i) {
#pragma HLS unroll  // a chain of 1-bit adds, which expression balancing turns into a tree
        count += static_cast<unsigned>(bits >> i) & 1U;
    }
    return count;
}

}  // namespace bnn

#endif  // BNN_POPCOUNT_HPP
