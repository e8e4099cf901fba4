// AXI4-Stream beats of the two ports.
//
// Under Vitis the type must be Xilinx' ap_axiu: only that one turns `last` and `user` into
// side-channel wires. Where its header is absent (C simulation with the free ap_int headers alone)
// a struct with the same members takes its place. TKEEP and TSTRB come with ap_axiu: all ones on
// the output, ignored on the input.
#ifndef BNN_AXIS_HPP
#define BNN_AXIS_HPP

#include "bnn_types.hpp"

#if __has_include(<ap_axi_sdata.h>)
#include <ap_axi_sdata.h>
#endif

namespace bnn {

#if __has_include(<ap_axi_sdata.h>)
template <int DataBits, int UserBits>
using axis_beat = ap_axiu<DataBits, UserBits, 0, 0>;
#else
template <int DataBits, int UserBits>
struct axis_beat {
    ap_uint<DataBits> data;
    ap_uint<(DataBits + 7) / 8> keep;
    ap_uint<(DataBits + 7) / 8> strb;
    ap_uint<UserBits> user;
    ap_uint<1> last;
};
#endif

// One sample time, or several with the oldest lowest: 16 bits a channel, channel 0 lowest; `last` at
// the end of the fragment.
// `user` is not read: it is there because a side channel of no bits is not legal in every release.
template <int AxisBits>
using sample_beat = axis_beat<AxisBits, 1>;

// A score or the class; `user` is 1 throughout a fragment that broke the contract.
template <int ResultBits>
using result_beat = axis_beat<ResultBits, 1>;

template <int ResultBits>
using result_stream = hls::stream<result_beat<ResultBits>>;

template <int AxisBits>
using sample_stream = hls::stream<sample_beat<AxisBits>>;

}  // namespace bnn

#endif  // BNN_AXIS_HPP
