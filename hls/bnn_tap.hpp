// Taps: the streams inside, recorded in C simulation for comparison with golden.
//
// A cell calls record() with each beat of a stream that has a tap. In synthesis the call is
// nothing. In C simulation the beats go to <directory>/<layer>.<kind>.bin once a directory is
// given: back to back, each ceil(bits / 8) bytes, lowest byte first.
#ifndef BNN_TAP_HPP
#define BNN_TAP_HPP

#include "bnn_types.hpp"

#ifndef __SYNTHESIS__
#include <fstream>
#include <memory>
#include <string>
#include <vector>
#endif

namespace bnn {

enum class tap { none, comparisons, bits, sums, pooled };

#ifndef __SYNTHESIS__
namespace csim {

// The folder of the tap files; empty while nothing is to be recorded.
inline std::string& tap_directory() {
    static std::string directory;
    return directory;
}

class tap_file {
   public:
    explicit tap_file(const std::string& tap_name) {
        if (!tap_directory().empty()) {
            path_ = tap_directory() + "/" + tap_name + ".bin";
            all().push_back(this);
            file_.open(path_, std::ios::binary | std::ios::trunc);
        }
    }

    template <int Bits>
    void write(const ap_uint<Bits>& beat) {
        if (path_.empty()) return;
        for (int low = 0; low < Bits; low += 64) {
            const int high = (low + 63 < Bits ? low + 63 : Bits - 1);
            unsigned long long part = beat.range(high, low).to_uint64();
            for (int bit = low; bit <= high; bit += 8, part >>= 8) {
                file_.put(static_cast<char>(part & 0xFF));
            }
        }
    }

    // Writes what is still buffered; false when a file could not be written whole.
    static bool flush_all(std::string& failed) {
        for (tap_file* file : all()) {
            file->file_.flush();
            if (!file->file_) {
                failed = file->path_;
                return false;
            }
        }
        return true;
    }

   private:
    static std::vector<tap_file*>& all() {
        static std::vector<tap_file*> files;
        return files;
    }

    std::string path_;
    std::ofstream file_;
};

inline const char* tap_suffix(tap kind) {
    switch (kind) {
        case tap::comparisons: return ".comparisons";
        case tap::bits: return ".bits";
        case tap::sums: return ".sums";
        case tap::pooled: return ".pooled";
        case tap::none: break;
    }
    return "";
}

}  // namespace csim
#endif

// Shape: name, the layer's.
template <class Shape, tap Kind, int Bits>
void record([[maybe_unused]] const ap_uint<Bits>& beat) {
#pragma HLS inline  // an empty function in synthesis
#ifndef __SYNTHESIS__
    if constexpr (Kind != tap::none) {
        static csim::tap_file file(std::string(Shape::name) + csim::tap_suffix(Kind));
        file.write(beat);
    }
#endif
}

}  // namespace bnn

#endif  // BNN_TAP_HPP
