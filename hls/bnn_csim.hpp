// C-simulation driver: sends fragments through the top function and prints what comes out.
//
//   <program> SAMPLES FRAGMENTS [--lengths FILE] [--taps DIR]
//   <program> --axis FILE [--taps DIR]
//
//   SAMPLES    int16, little-endian, one sample time after the other, channel by channel; a last beat
//              that they do not fill is filled with zeros
//   FRAGMENTS  how many fragments to send
//   --lengths  text, one number a fragment: its sample times (default: the network's)
//   --axis     text, one beat a line: tlast, a blank, tdata in hex (vectors/s_axis.txt of a build)
//   --taps     an existing folder that takes the streams inside: <layer>.<kind>.bin and result.bin
//
// Prints one line a fragment: class, tuser, then the scores. Exit status: 0 done, 1 the hardware
// would hang or left data behind (a read of an empty stream, a stream that is not empty after a
// fragment, a packet of the wrong length), 2 wrong use or a file that can't be read or written.
//
// Test code: not synthesised.
#ifndef BNN_CSIM_HPP
#define BNN_CSIM_HPP

#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bnn_axis.hpp"
#include "bnn_tap.hpp"

namespace bnn::csim {

// The simulation itself is at fault, not its input.
struct stream_fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct options {
    std::string samples;
    long fragments = 0;
    std::string lengths;
    std::string axis;
    std::string taps;
};

inline options parse_options(int count, char** values) {
    options given;
    std::vector<std::string> plain;
    for (int i = 1; i < count; ++i) {
        const std::string word = values[i];
        std::string* into = word == "--lengths" ? &given.lengths
                            : word == "--axis"  ? &given.axis
                            : word == "--taps"  ? &given.taps
                                                : nullptr;
        if (into == nullptr) {
            plain.push_back(word);
        } else if (++i < count) {
            *into = values[i];
        } else {
            throw std::invalid_argument(word + " needs a value");
        }
    }
    if (given.axis.empty()) {
        if (plain.size() != 2) {
            throw std::invalid_argument("give SAMPLES and FRAGMENTS, or --axis FILE");
        }
        given.samples = plain[0];
        given.fragments = std::stol(plain[1]);
        if (given.fragments < 1) throw std::invalid_argument("FRAGMENTS must be at least 1");
    } else if (!plain.empty() || !given.lengths.empty()) {
        throw std::invalid_argument("--axis takes neither SAMPLES nor --lengths");
    }
    return given;
}

// Fragments one after the other; the end of each is marked by `last`, as on the wire.
template <class Interface>
class source {
   public:
    explicit source(const options& given) {
        const std::string& path = given.axis.empty() ? given.samples : given.axis;
        file_.open(path, std::ios::binary);
        if (!file_) throw std::invalid_argument("cannot open " + path);
        as_text_ = !given.axis.empty();
        remaining_ = as_text_ ? 0 : given.fragments;
        if (!given.lengths.empty()) {
            lengths_.open(given.lengths);
            if (!lengths_) throw std::invalid_argument("cannot open " + given.lengths);
        }
    }

    // Puts the next fragment into `s_axis`; false when there is none.
    bool send(sample_stream<Interface::axis_bits>& s_axis) {
        return as_text_ ? send_text(s_axis) : send_binary(s_axis);
    }

   private:
    bool send_text(sample_stream<Interface::axis_bits>& s_axis) {
        int last = 0;
        std::string digits;
        while (file_ >> last >> digits) {
            put(s_axis, ap_uint<Interface::axis_bits>(digits.c_str(), 16), last != 0);
            if (last != 0) return true;
        }
        if (!s_axis.empty()) throw std::invalid_argument("the last beat of --axis has no tlast");
        return false;
    }

    bool send_binary(sample_stream<Interface::axis_bits>& s_axis) {
        if (remaining_-- == 0) return false;
        long length = Interface::samples;
        if (lengths_.is_open() && (!(lengths_ >> length) || length < 1)) {
            throw std::invalid_argument("--lengths: one number of at least 1 a fragment");
        }
        constexpr long lanes = Interface::channels * Interface::samples_per_beat;
        const long count = length * Interface::channels;
        for (long sent = 0; sent < count; sent += lanes) {
            ap_uint<Interface::axis_bits> data = 0;
            for (int lane = 0; lane < lanes && sent + lane < count; ++lane) {
                const int low = file_.get();
                const int high = file_.get();
                if (!file_) throw std::invalid_argument("SAMPLES ends within a fragment");
                data.range(16 * lane + 15, 16 * lane) = low | high << 8;
            }
            put(s_axis, data, sent + lanes >= count);
        }
        return true;
    }

    static void put(sample_stream<Interface::axis_bits>& s_axis,
                    const ap_uint<Interface::axis_bits>& data, bool last) {
        sample_beat<Interface::axis_bits> beat;
        beat.data = data;
        beat.keep = -1;
        beat.strb = -1;
        beat.user = 0;
        beat.last = last;
        s_axis.write(beat);
    }

    std::ifstream file_;
    std::ifstream lengths_;
    bool as_text_ = false;
    long remaining_ = 0;
};

// What hls::stream prints (a read while empty, data left over) is only a warning there: here it is
// caught while the top function runs, and makes the simulation fail.
class complaints {
   public:
    complaints() : out_(std::cout.rdbuf(text_.rdbuf())), err_(std::cerr.rdbuf(text_.rdbuf())) {}
    ~complaints() {
        std::cout.rdbuf(out_);
        std::cerr.rdbuf(err_);
    }
    complaints(const complaints&) = delete;
    complaints& operator=(const complaints&) = delete;

    std::string first_line() const {
        const std::string all = text_.str();
        return all.substr(0, all.find('\n'));
    }

   private:
    std::ostringstream text_;
    std::streambuf* out_;
    std::streambuf* err_;
};

template <class Interface, class Top>
void run_fragment(Top top, sample_stream<Interface::axis_bits>& s_axis,
                  result_stream<Interface::result_bits>& m_axis) {
    std::string complaint;
    {
        complaints heard;
        top(s_axis, m_axis);
        complaint = heard.first_line();
    }
    if (!complaint.empty()) throw stream_fault(complaint);
    if (!s_axis.empty()) throw stream_fault("s_axis is not empty after its fragment");
}

// Reads one packet, prints it, records it.
template <class Interface>
void take_result(result_stream<Interface::result_bits>& m_axis, std::ofstream& tap) {
    std::vector<std::int64_t> values;
    int user = 0;
    bool last = false;
    while (!m_axis.empty()) {
        const result_beat<Interface::result_bits> beat = m_axis.read();
        if (last) throw stream_fault("m_axis holds a beat after tlast");
        last = beat.last == 1;
        user = beat.user == 1;
        const ap_int<Interface::result_bits> value = ap_int<Interface::result_bits>(beat.data);
        values.push_back(value.to_int64());
        if (tap.is_open()) {
            const auto bits = static_cast<std::uint64_t>(values.back());
            for (int bit = 0; bit < Interface::result_bits; bit += 8) {
                tap.put(static_cast<char>(bits >> bit & 0xFF));
            }
            tap.put(static_cast<char>(user | (last ? 2 : 0)));
        }
    }
    if (!last || values.size() != static_cast<std::size_t>(Interface::classes) + 1) {
        throw stream_fault("m_axis gave " + std::to_string(values.size()) +
                           " beats, not one a class and the class with tlast");
    }
    std::cout << values.back() << ' ' << user;
    for (int c = 0; c < Interface::classes; ++c) std::cout << ' ' << values[c];
    std::cout << '\n';
}

template <class Interface, class Top>
void simulate(const options& given, Top top) {
    tap_directory() = given.taps;
    std::ofstream result_tap;
    if (!given.taps.empty()) result_tap.open(given.taps + "/result.bin", std::ios::binary);
    source<Interface> from(given);
    sample_stream<Interface::axis_bits> s_axis("s_axis");
    result_stream<Interface::result_bits> m_axis("m_axis");
    long fragment = 0;
    try {
        for (; from.send(s_axis); ++fragment) {
            run_fragment<Interface>(top, s_axis, m_axis);
            take_result<Interface>(m_axis, result_tap);
        }
    } catch (const stream_fault& fault) {
        throw stream_fault("fragment " + std::to_string(fragment) + ": " + fault.what());
    }
    if (fragment == 0) throw std::invalid_argument("no fragment to send");
    std::string failed = given.taps + "/result.bin";
    if (!tap_file::flush_all(failed) || (!given.taps.empty() && !result_tap.flush())) {
        throw std::invalid_argument("cannot write " + failed);
    }
}

// Interface: samples, samples_per_beat, channels, axis_bits, classes, result_bits. `top`: the function to simulate.
template <class Interface, class Top>
int run(int count, char** values, Top top) {
    try {
        simulate<Interface>(parse_options(count, values), top);
    } catch (const stream_fault& fault) {
        std::cerr << "csim: " << fault.what() << '\n';
        return 1;
    } catch (const std::exception& problem) {
        std::cerr << "csim: " << problem.what() << '\n';
        return 2;
    }
    return 0;
}

}  // namespace bnn::csim

#endif  // BNN_CSIM_HPP
