// Toggles of every named net of a top with AXI4-Stream ports, counted while samples go in.
//
//   activity SAMPLES BEATS CHANNELS FRAGMENTS WARMUP INTERVAL STOPS OUTPUT [LAYER ...]
//
// Verilator makes the model with --prefix Vactivity --trace-vcd --flatten. SAMPLES holds FRAGMENTS times
// BEATS beats of CHANNELS 16-bit little-endian integers. They go in over and over: WARMUP fragments that
// end with the last one, each of them in turn, then the first one again. Counted are as many fragments
// as there are, from the end of the last warm-up result on, with the design at work before and after.
// Where samples come faster than the design takes them, the front runs ahead of the back until all that
// lies between is full: one warm-up fragment does at low rate, back to back it takes some. A beat is
// offered every INTERVAL edges of the clock, with 1 as fast as it is taken; tdata keeps its value in
// between, and the sink is always ready. After the last beat the clock runs on, until an edge changes no
// register and a thousand edges more.
//
// With STOPS 1 the clock stands still before each beat is offered, and while it does every input other
// than the clock changes at random, reset too. That must change no output for good.
//
// Once a cycle, settled before the rising edge, the model writes what has changed as VCD into the
// memory of this program, which counts the bits that differ and forgets the text: a run of any length
// takes no disk. Glitches within a cycle and the clock itself are not in it.
//
// OUTPUT gets one JSON object. Exit status: 0 done, 2 wrong use or a file, 3 no progress or no rest, 4 an output
// changed while the clock stood still.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "Vactivity.h"
#include "toggle_counter.h"
#include "verilated.h"
#include "verilated_vcd_c.h"

namespace {

constexpr std::uint64_t kPatienceCycles = 1'000'000;
constexpr std::uint64_t kResetCycles = 8;
// Edges after the first one that changed nothing, to see that none changes anything.
constexpr std::uint64_t kStillCycles = 1'000;
constexpr int kChangesInAStop = 3;
constexpr std::uint32_t kSeed = 1;

[[noreturn]] void fail(int status, const std::string& text) {
    std::fprintf(stderr, "activity: error: %s\n", text.c_str());
    std::exit(status);
}

std::uint64_t number(const char* text, const char* what, std::uint64_t least) {
    char* end = nullptr;
    const std::uint64_t value = std::strtoull(text, &end, 10);
    if (end == text || *end != '\0' || value < least) {
        fail(2, std::string(what) + " is not a number of at least " + std::to_string(least) + ": " + text);
    }
    return value;
}

// Hands the model's VCD to the counter instead of a file.
class Pipe : public VerilatedVcdFile {
public:
    explicit Pipe(activity::ToggleCounter& counter) : counter_(counter) {}
    bool open(const std::string&) VL_MT_UNSAFE override { return true; }
    void close() VL_MT_UNSAFE override {}
    ssize_t write(const char* text, ssize_t size) VL_MT_UNSAFE override {
        counter_.read(text, static_cast<std::size_t>(size));
        return size;
    }

private:
    activity::ToggleCounter& counter_;
};

std::vector<unsigned char> read_samples(const char* path, std::size_t size) {
    std::ifstream file(path, std::ios::binary);
    if (!file) fail(2, std::string(path) + " can't be read");
    std::vector<unsigned char> samples(size + 1);
    file.read(reinterpret_cast<char*>(samples.data()), static_cast<std::streamsize>(size + 1));
    if (static_cast<std::size_t>(file.gcount()) != size) {
        fail(2, std::string(path) + " does not hold exactly " + std::to_string(size) + " bytes");
    }
    return samples;
}

std::int64_t result_data(const Vactivity& top) {
    using Signed = std::make_signed_t<std::decay_t<decltype(top.m_axis_tdata)>>;
    return static_cast<std::int64_t>(static_cast<Signed>(top.m_axis_tdata));
}

std::string outputs(const Vactivity& top) {
    std::ostringstream text;
    text << int(top.s_axis_tready) << ' ' << int(top.m_axis_tvalid) << ' ' << result_data(top) << ' '
         << int(top.m_axis_tlast) << ' ' << int(top.m_axis_tuser);
    return text.str();
}

// The clock stands low while the inputs change, and the inputs are then what they were.
void stop_clock(Vactivity& top, std::mt19937& random) {
    top.eval();
    const std::string before = outputs(top);
    std::decay_t<decltype(top.s_axis_tdata)> data;
    std::memcpy(&data, &top.s_axis_tdata, sizeof(data));
    const auto reset = top.aresetn, valid = top.s_axis_tvalid, last = top.s_axis_tlast;
    const auto ready = top.m_axis_tready;
    for (int change = 0; change < kChangesInAStop; change++) {
        std::vector<unsigned char> noise(sizeof(data));
        for (unsigned char& byte : noise) byte = static_cast<unsigned char>(random());
        std::memcpy(&top.s_axis_tdata, noise.data(), sizeof(data));
        top.aresetn = random() & 1;
        top.s_axis_tvalid = random() & 1;
        top.s_axis_tlast = random() & 1;
        top.m_axis_tready = random() & 1;
        top.eval();
    }
    std::memcpy(&top.s_axis_tdata, &data, sizeof(data));
    top.aresetn = reset;
    top.s_axis_tvalid = valid;
    top.s_axis_tlast = last;
    top.m_axis_tready = ready;
    top.eval();
    const std::string after = outputs(top);
    if (after != before) {
        fail(4, "s_axis_tready and m_axis were " + before + " before the clock stopped and " + after +
                    " after it");
    }
}

// What the run found, beside the toggles.
struct Figures {
    std::uint64_t cycles = 0, changing_cycles = 0;
    std::uint64_t rests = 0;         // counted beats after which an edge changed nothing before the next
    std::uint64_t longest_wait = 0;  // edges from the offer of a beat to the one that takes it
    std::uint64_t drain_cycles = 0, after_drain = 0, stops = 0;
};

void run(int argc, char** argv) {
    const std::uint64_t beats = number(argv[2], "BEATS", 1);
    const std::size_t beat_bytes = 2 * number(argv[3], "CHANNELS", 1);
    const std::uint64_t fragments = number(argv[4], "FRAGMENTS", 1);
    const std::uint64_t interval = number(argv[6], "INTERVAL", 1);
    const std::uint64_t warmup = number(argv[5], "WARMUP", 1);
    const bool stops = number(argv[7], "STOPS", 0) != 0;
    const std::vector<unsigned char> samples =
        read_samples(argv[1], fragments * beats * beat_bytes);

    const auto context = std::make_unique<VerilatedContext>();
    context->traceEverOn(true);
    // What reset leaves alone starts at 0.
    context->randReset(0);
    const auto model = std::make_unique<Vactivity>(context.get());
    Vactivity& top = *model;
    if (beat_bytes > sizeof(top.s_axis_tdata)) fail(2, "CHANNELS is more than s_axis takes");
    activity::ToggleCounter counter({argv + 9, argv + argc});
    Pipe pipe(counter);
    VerilatedVcdC trace(&pipe);
    top.trace(&trace, 99);
    trace.open("");

    top.aclk = 0;
    top.aresetn = 0;
    top.s_axis_tvalid = 0;
    top.s_axis_tlast = 0;
    std::memset(&top.s_axis_tdata, 0, sizeof(top.s_axis_tdata));
    top.m_axis_tready = 1;

    const std::uint64_t all_fragments = warmup + fragments + 1;
    const std::uint64_t all_beats = all_fragments * beats;
    std::uint64_t time = 0, sent = 0, results = 0, next_offer = 0, offered_at = 0;
    std::uint64_t progress_at = 0, taken_at = 0, still = 0;
    bool counting = false, resting = false;
    Figures found;
    std::mt19937 random(kSeed);
    std::ostringstream packets;

    while (results < all_fragments || still < kStillCycles) {
        top.eval();
        const bool taken = top.s_axis_tvalid && top.s_axis_tready;
        const bool gives = top.aresetn && top.m_axis_tvalid;
        const bool ends = gives && top.m_axis_tlast;
        const bool draining = sent == all_beats;
        // Each count starts from the values of the cycle before.
        const bool starts = ends && results == warmup - 1;
        const bool ends_drive = taken && sent == all_beats - 1;
        if (counting || draining || starts || ends_drive) {
            trace.dump(time);
            trace.flush();
            const activity::Changes changes = counter.end_cycle(counting);
            if (counting) {
                found.cycles++;
                if (changes.registers != 0) found.changing_cycles++;
                if (changes.registers == 0 && !top.s_axis_tvalid && !resting) {
                    resting = true;
                    found.rests++;
                }
            }
            if (draining) {
                if (results < all_fragments) still = 0;
                // Where an edge changes no register and no input, no later edge does: what is left
                // of the run is there to see that.
                if (changes.registers != 0 && still == 0) found.drain_cycles = time - taken_at;
                if (still > 0) found.after_drain += changes.all;
                if (still > 0 || (changes.registers == 0 && results == all_fragments)) still++;
            }
        }

        if (starts) counting = true;
        if (ends && results == warmup + fragments - 1) counting = false;
        if (taken) {
            if (counting && time - offered_at > found.longest_wait) {
                found.longest_wait = time - offered_at;
            }
            sent++;
            resting = false;
            taken_at = progress_at = time;
        }
        if (gives) {
            packets << (packets.tellp() > 0 ? "," : "") << "[" << result_data(top) << ","
                    << int(top.m_axis_tuser) << "," << int(top.m_axis_tlast) << "]";
            results += ends;
            progress_at = time;
        }
        if (time - progress_at > kPatienceCycles + interval) {
            fail(3, results < all_fragments ? "no progress"
                                            : "registers change without input: the design never rests");
        }

        top.aclk = 1;
        top.eval();
        top.aclk = 0;
        time++;
        top.aresetn = time >= kResetCycles;
        if (time == kResetCycles) next_offer = time;
        if (taken) top.s_axis_tvalid = 0;
        if (top.aresetn && !top.s_axis_tvalid && sent < all_beats && time >= next_offer) {
            if (stops) {
                stop_clock(top, random);
                found.stops++;
            }
            const std::uint64_t fragment = (sent / beats + warmup * (fragments - 1)) % fragments;
            const std::uint64_t beat = sent % beats;
            std::memcpy(&top.s_axis_tdata, &samples[(fragment * beats + beat) * beat_bytes],
                        beat_bytes);
            top.s_axis_tvalid = 1;
            top.s_axis_tlast = beat == beats - 1;
            offered_at = next_offer;
            next_offer += interval;
        }
    }
    trace.close();
    top.final();

    std::ofstream out(argv[8]);
    out << "{\"cycles\": " << found.cycles << ", \"changing_cycles\": " << found.changing_cycles
        << ", \"rests\": " << found.rests << ", \"longest_wait\": " << found.longest_wait
        << ", \"drain_cycles\": " << found.drain_cycles << ", \"after_drain\": " << found.after_drain
        << ", \"stops\": " << found.stops << ",\n\"packets\": [" << packets.str() << "],\n";
    counter.write(out);
    out << "}\n";
    out.close();
    if (!out) fail(2, std::string(argv[8]) + " can't be written");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 9) fail(2, "usage: SAMPLES BEATS CHANNELS FRAGMENTS WARMUP INTERVAL STOPS OUTPUT [LAYER ...]");
    try {
        run(argc, argv);
    } catch (const std::exception& problem) {
        fail(2, problem.what());
    }
    return 0;
}
