"""Plants one offence against a rule of HLS in the C++ of a build folder, by one small edit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Where most plants go: a function that every layer of bits calls.
_COUNT = "unsigned count = 0;"
_POPCOUNT = "bnn_popcount.hpp"

Edit = Callable[[str], str]


@dataclass(frozen=True)
class HlsPlant:
    """``rule`` is broken by ``edit`` in ``file``; ``also`` are rules that the same edit breaks."""

    rule: str
    what: str  # words of the offence
    file: str
    edit: Edit
    also: tuple[str, ...] = ()
    place: str = ""  # the file that the offence is told in, where it is another one

    def plant(self, build: Path) -> None:
        path = build / "hls" / self.file
        text = path.read_text()
        changed = self.edit(text)
        assert changed != text, f"{self.file}: nothing to change"
        path.write_text(changed)


def swap(before: str, after: str) -> Edit:
    def edit(text: str) -> str:
        assert before in text, before
        return text.replace(before, after, 1)

    return edit


def sub(pattern: str, after: str) -> Edit:
    return lambda text: re.sub(pattern, after, text, count=1, flags=re.MULTILINE)


def behind(before: str, added: str) -> Edit:
    return swap(before, f"{before} {added}")


def count(rule: str, what: str, added: str, also: tuple[str, ...] = ()) -> HlsPlant:
    return HlsPlant(rule, what, _POPCOUNT, behind(_COUNT, added), also)


def framer_last(text: str) -> str:
    """The producer is called behind its consumers."""
    line = re.search(r"^    bnn::framer<.*\n", text, re.MULTILINE)
    assert line
    return text.replace(line[0], "").rstrip().removesuffix("}") + line[0] + "}\n"


PLANTS = (
    HlsPlant("dataflow-body", "neither a declaration nor a call", "little.cpp",
             swap("    bnn::framer<", "    if (!s_axis.empty()) bnn::framer<"), ("dataflow-stream",)),
    HlsPlant("dataflow-body", "is no local stream", "little.cpp",
             sub(r"^    bnn::framer<", "    int between = 3;\n    bnn::framer<")),
    HlsPlant("dataflow-body", "is no dataflow region", "little.cpp",
             swap("#pragma HLS dataflow\n", "")),
    HlsPlant("dataflow-body", "returns a value", "bnn_framer.hpp",
             lambda text: swap("void framer", "int framer")(
                 swap("    errors.write(error || !ended);\n",
                      "    errors.write(error || !ended);\n    if (ended) return 0;\n")(
                     re.sub(r"\}\n\n\}  // namespace", "    return 1;\n}\n\n}  // namespace", text))),
             place="little.cpp"),
    HlsPlant("dataflow-stream", "2 consumers", "little.cpp",
             sub(r"^(    bnn::window<conv2_layer>.*\n)", r"\1\1")),
    HlsPlant("dataflow-stream", "read before it is written", "little.cpp", framer_last),
    HlsPlant("dataflow-stream", "0 consumers", "little.cpp",
             sub(r"^    bnn::window<conv2_layer>.*\n", "")),
    HlsPlant("dataflow-argument", "neither stream nor constant", "little_weights.hpp",
             sub(r"static const (ap_int<\d+> head_positive)", r"static \1"), ("static-state",),
             place="little.cpp"),
    HlsPlant("stream-access", "words.empty() is used", "bnn_window.hpp",
             swap("word = words.read();", "word = words.empty() ? pad : words.read();")),
    HlsPlant("stream-depth", "has no depth", "little.cpp",
             sub(r"^#pragma HLS stream variable=conv1_bits.*\n", "")),
    HlsPlant("interface", "port m_axis has no interface", "little.cpp",
             sub(r"^#pragma HLS interface mode=axis port=m_axis.*\n", "")),
    HlsPlant("loop-bound", "holds step against no constant", "bnn_window.hpp",
             swap("step < steps;", "step < steps + emitted;")),
    HlsPlant("loop-bound", "while loop", "bnn_framer.hpp",
             swap("for (int beat = 0; beat < drain_limit && !ended; ++beat)", "while (!ended)")),
    HlsPlant("loop-bound", "nf is changed", "bnn_decide.hpp",
             behind("accepted.write(accept);", "nf += 0;")),
    HlsPlant("loop-bound", "step is not stepped", "bnn_window.hpp",
             swap("step < steps; ++step", "step < steps; step += emitted")),
    HlsPlant("loop-bound", "position does not start", "bnn_pool.hpp",
             swap("int position = 0;", "int position = emitted;")),
    HlsPlant("loop-flatten", "not all that a loop", "bnn_decide.hpp",
             behind("position < Shape::decide_positions; ++position) {",
                    "[[maybe_unused]] const int twice = 2 * position;")),
    HlsPlant("pragma-known", "pragma HLS pipelined is unknown", "bnn_decide.hpp",
             swap("HLS pipeline II=1", "HLS pipelined II=1")),
    HlsPlant("pragma-known", "is not one of HLS", _POPCOUNT, swap("#pragma HLS inline", "#pragma GCC inline")),
    HlsPlant("pragma-option", "ii=0 is no value", "bnn_decide.hpp", swap("II=1", "II=0")),
    HlsPlant("pragma-option", "no option times=", _POPCOUNT, swap("HLS unroll", "HLS unroll times=2")),
    HlsPlant("pragma-option", "complete with factor", "bnn_decide.hpp",
             swap("dim=2 complete", "dim=2 complete factor=2")),
    HlsPlant("pragma-option", "variable= is missing", "bnn_pool.hpp", swap("variable=history ", "")),
    HlsPlant("pragma-place", "stands in the scope 'function'", _POPCOUNT,
             swap(_COUNT, f"{_COUNT}\n#pragma HLS unroll\n")),
    HlsPlant("pragma-place", "second time", "bnn_decide.hpp",
             swap("#pragma HLS pipeline II=1", "#pragma HLS pipeline II=2\n#pragma HLS pipeline II=1")),
    HlsPlant("pragma-variable", "no variable histories", "bnn_pool.hpp",
             swap("variable=history", "variable=histories")),
    HlsPlant("pragma-variable", "no variable sums", "bnn_mvu.hpp",
             lambda text: sub(r"^(    slice_ring<Shape> slices;\n)", r"#pragma HLS array_partition variable=sums complete\n\1")(
                 sub(r"^#pragma HLS array_partition variable=sums complete.*\n", "")(text))),
    HlsPlant("pragma-variable", "2 dimensions, not 3", "bnn_decide.hpp",
             swap("variable=invert dim=2", "variable=invert dim=3")),
    HlsPlant("pragma-variable", "no port n_axis", "little.cpp",
             swap("port=m_axis", "port=n_axis"), ("interface",)),
    count("dynamic-memory", "new is used", "const unsigned* kept = new unsigned(0); count += *kept;"),
    count("dynamic-memory", "free is called", "free(nullptr);"),
    count("dynamic-memory", "size of scratch", "unsigned scratch[count + 1]; scratch[count] = 0;"),
    count("recursion", "popcount leads back", "if (bits > 1) return popcount<Bits>(bits >> 1);"),
    count("virtual", "zero is a virtual function",
          "struct base { virtual unsigned zero() { return 0; } }; base object; count += object.zero();"),
    count("pointer", "points to a function", "unsigned (*zero)() = nullptr; count += zero != nullptr;"),
    count("pointer", "points to a pointer",
          "const std::uint64_t* one = &bits; const std::uint64_t** two = &one; count += two == nullptr;"),
    count("pointer", "reinterpret_cast", "count += *reinterpret_cast<const unsigned*>(&bits) & 0;"),
    count("exception", "throw", "if (bits == 5) throw 1;"),
    count("exception", "try", "try { count += 0; } catch (...) { count = 0; }"),
    count("std-library", "std::max is called", "count = std::max(count, 0U);"),
    count("std-library", "has type std::vector", "std::vector<unsigned> seen; count += 0U * sizeof(seen);"),
    count("system-call", "abort is called", "if (bits == 5) ::abort();"),
    count("static-state", "calls keeps a state", "static unsigned calls = 0; count += 0U * calls;"),
    HlsPlant("static-state", "by a call of seed", "little_weights.hpp",
             lambda text: swap("namespace little_layers {", "inline int seed() { return 1; }\n\nnamespace little_layers {")(
                 sub(r"(head_offset\[\d+\] = \{)-?\d+", r"\1seed()")(text))),
    HlsPlant("floating", "count has type float", _POPCOUNT, swap("unsigned count", "float count")),
    count("floating", "a floating-point number", "count += count > 0.5;"),
    count("jump", "goto", "goto done; done:"),
    count("jump", "a lambda", "const auto unit = [] { return 1U; }; count += sizeof(unit) - sizeof(unit);"),
)  # fmt: skip
