"""Single faults at random places of a build folder, by editing text as a hostile hand would.

Each kind edits one number, pair or operator of the generated RTL or C++, or of a cell copied beside
it, and returns what it did. ``python -m tests.acceptance.plants MODEL.json COUNT`` plants by hand.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from bnn_hw.cli import main

Plant = Callable[[Path, random.Random], str]
_SV_NUMBER = re.compile(r"(\d+)'h([0-9a-f]+)")


def _one(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def _replace(path: Path, start: int, end: int, new: str) -> str:
    text = path.read_text()
    old = text[start:end]
    assert old != new
    path.write_text(text[:start] + new + text[end:])
    line = text.count("\n", 0, start) + 1
    return f"{path.parent.name}/{path.name}:{line}: {old[:60]!r} -> {new[:60]!r}"


def _sv_constants(build: Path, name: str) -> tuple[Path, list[tuple[re.Match[str], int]]]:
    """Numbers in package constants whose name ends with ``name``, with their offset."""
    path = _one(build, "rtl/*_pkg.sv")
    found = []
    for block in re.finditer(
        rf"localparam logic \[\d+:0\] \w*{name} = {{(.*?)}};", path.read_text(), re.S
    ):
        found += [(m, block.start(1)) for m in _SV_NUMBER.finditer(block[1])]
    return path, found


def _sv_change(name: str, change: Callable[[int, int, random.Random], int]) -> Plant:
    def plant(build: Path, rng: random.Random) -> str:
        path, numbers = _sv_constants(build, name)
        match, offset = rng.choice(numbers)
        width, value = int(match[1]), int(match[2], 16)
        new = change(value, width, rng) % (1 << width)
        start = offset + match.start(2)
        return _replace(path, start, start + len(match[2]), f"{new:0{len(match[2])}x}")

    return plant


def _flip(value: int, width: int, rng: random.Random) -> int:
    return value ^ (1 << rng.randrange(width))


def _step(value: int, width: int, rng: random.Random) -> int:
    return value + rng.choice((1, -1))


def _cpp_numbers(build: Path, name: str) -> tuple[Path, list[tuple[re.Match[str], int, int]]]:
    path = _one(build, "hls/*_weights.hpp")
    found = []
    pattern = rf"ap_u?int<(\d+)> \w*{name}(?:\[\d+\])+ = {{(.*?)}};"
    for block in re.finditer(pattern, path.read_text(), re.S):
        for m in re.finditer(r"-?(?:0x[0-9a-f]+|\d+)", block[2]):
            found.append((m, block.start(2), int(block[1])))
    return path, found


def _cpp_change(name: str, change: Callable[[int, int, random.Random], int]) -> Plant:
    def plant(build: Path, rng: random.Random) -> str:
        path, numbers = _cpp_numbers(build, name)
        match, offset, width = rng.choice(numbers)
        text = match[0]
        if text.startswith("0x"):  # the last chunk of a lane has fewer bits than the word
            width = min(width, 4 * (len(text) - 2))
            new = f"0x{change(int(text, 16), width, rng):0{len(text) - 2}x}"
        else:
            new = str(change(int(text), max(1, width - 1), rng))
        return _replace(path, offset + match.start(), offset + match.end(), new)

    return plant


def _swap_sv_numbers(name: str) -> Plant:
    """Two different neighbours of one constant change places: thresholds or head entries."""

    def plant(build: Path, rng: random.Random) -> str:
        path, numbers = _sv_constants(build, name)
        pairs = [
            (a, b, offset)
            for (a, offset), (b, other) in pairwise(numbers)
            if offset == other and a[2] != b[2]
        ]
        first, second, offset = rng.choice(pairs)
        text = path.read_text()
        between = text[offset + first.end() : offset + second.start()]
        return _replace(
            path, offset + first.start(), offset + second.end(), second[0] + between + first[0]
        )

    return plant


def _swap_cpp_numbers(name: str) -> Plant:
    def plant(build: Path, rng: random.Random) -> str:
        path, numbers = _cpp_numbers(build, name)
        text = path.read_text()
        pairs = []
        for (a, offset, _), (b, other, _) in pairwise(numbers):
            between = text[offset + a.end() : offset + b.start()]
            if offset == other and a[0] != b[0] and between == ", ":
                pairs.append((a, b, offset))
        first, second, offset = rng.choice(pairs)
        return _replace(
            path, offset + first.start(), offset + second.end(), f"{second[0]}, {first[0]}"
        )

    return plant


def _swap_sv_lanes(build: Path, rng: random.Random) -> str:
    """Weight rows of two channels of one ROM word change places."""
    path, text = _one(build, "rtl/*_pkg.sv"), _one(build, "rtl/*_pkg.sv").read_text()
    found = []
    pattern = r"bit lane \* (\d+) \+ element.*?\n\s*localparam[^{]*{(.*?)};"
    for block in re.finditer(pattern, text, re.S):
        simd = int(block[1])
        for m in _SV_NUMBER.finditer(block[2]):
            value, lanes = int(m[2], 16), int(m[1]) // simd
            row = [(value >> (lane * simd)) & ((1 << simd) - 1) for lane in range(lanes)]
            for a in range(lanes):
                for b in range(a):
                    if row[a] != row[b]:
                        found.append((m, block.start(2), simd, a, b, row[a] ^ row[b]))
    match, offset, simd, a, b, difference = rng.choice(found)
    value = int(match[2], 16) ^ (difference << (a * simd)) ^ (difference << (b * simd))
    start = offset + match.start(2)
    return _replace(path, start, start + len(match[2]), f"{value:0{len(match[2])}x}")


def _by_one(value: int, rng: random.Random) -> int:
    return value + (1 if value < 2 else rng.choice((1, -1)))


def _power_of_two(value: int, rng: random.Random) -> int:
    """Half or twice as much; 1 in the place of 0."""
    return max(1, rng.choice((value // 2, value * 2)))


def _number_after(
    pattern: str, where: str, change: Callable[[int, random.Random], int] = _by_one
) -> Plant:
    """One number that follows ``pattern`` in the files of ``where`` becomes another one."""

    def plant(build: Path, rng: random.Random) -> str:
        found = [
            (path, m)
            for path in sorted(build.glob(where))
            if not path.name.startswith("bnn_")
            for m in re.finditer(rf"(?:{pattern})(\d+)", path.read_text())
        ]
        path, match = rng.choice(found)
        new = change(int(match[1]), rng)
        return _replace(path, match.start(1), match.end(1), str(new))

    return plant


def _swap_wires(build: Path, rng: random.Random) -> str:
    """Two channels change places in the words that a cell of a block takes."""
    found = []
    for path in sorted(build.glob("rtl/*.sv")):
        text = path.read_text()
        for m in re.finditer(r"\.in_data_i *\((\w+)\)", text):
            width = re.search(rf"logic \[(\d+):0\] {m[1]};|input  logic \[(\d+):0\] {m[1]}\b", text)
            high = int(width[1] or width[2]) if width else 0
            if high >= 1:
                found.append((path, m, high))
    path, match, high = rng.choice(found)
    low = rng.randrange(high)
    name = match[1]
    parts = [f"{name}[{low}]", f"{name}[{low + 1}]"]
    if low + 2 <= high:
        parts.insert(0, f"{name}[{high}:{low + 2}]")
    if low > 0:
        parts.append(f"{name}[{low - 1}:0]")
    return _replace(path, match.start(1), match.end(1), "{" + ", ".join(parts) + "}")


_OPERATORS = {
    ">=": ">", "<=": "<", "==": "!=", "!=": "==", " > ": " >= ", " < ": " <= ", " & ": " | ",
    " | ": " & ", " ^ ": " | ", "~^": "^", " + ": " - ", " - ": " + ", "&&": "||", "||": "&&",
    "+ 1": "+ 2", "- 1": "- 0", "1'b1": "1'b0", "1'b0": "1'b1", "'0": "'1", "++": "--",
}  # fmt: skip


def _operator(where: str) -> Plant:
    """One operator of a copied cell becomes another; comments and labels of generate stay."""

    def plant(build: Path, rng: random.Random) -> str:
        found = []
        for path in sorted(build.glob(where)):
            if path.name in {"bnn_csim.hpp", "bnn_tap.hpp"}:
                continue
            at = 0
            for line in path.read_text().splitlines(keepends=True):
                code = re.split(r"//|^\s*\*|/\*|assert|\$error|#pragma|#include", line)[0]
                for old, new in _OPERATORS.items():
                    for m in re.finditer(re.escape(old), code):
                        nonblocking = old == "<=" and re.match(
                            r"\s*[\w\[\]{}:.\s,'+*-]+\s*<=", code
                        )
                        if not nonblocking:
                            found.append((path, at + m.start(), at + m.end(), new))
                at += len(line)
        path, start, end, new = rng.choice(found)
        return _replace(path, start, end, new)

    return plant


RTL: dict[str, Plant] = {
    "weight bit": _sv_change("Weights", _flip),
    "threshold by one": _sv_change("Thresholds", _step),
    "pad bit": _sv_change("PadWord", _flip),
    "polarity": _sv_change("Invert", _flip),
    "thresholds swapped": _swap_sv_numbers("Thresholds"),
    "weight rows swapped": _swap_sv_lanes,
    "wires swapped": _swap_wires,
    "head coefficient": _sv_change("Head(?:Positive|Negative|Offset)", _step),
    "classes swapped": _swap_sv_numbers("Head(?:Positive|Negative|Offset)"),
    "pool size": _number_after(r"\.Size *\(", "rtl/*.sv"),
    "peak weight": _number_after(r"\.PeakWeight *\(", "rtl/*.sv", _power_of_two),
    "stride": _number_after(r"\.Stride *\(", "rtl/*.sv"),
    "padding left": _number_after(r"\.PadLeft *\(", "rtl/*.sv"),
}
CPP: dict[str, Plant] = {
    "weight bit": _cpp_change("weights", _flip),
    "threshold by one": _cpp_change("thresholds", _step),
    "pad bit": _cpp_change("padding", _flip),
    "polarity": _cpp_change("invert", lambda value, width, rng: 1 - value),
    "thresholds swapped": _swap_cpp_numbers("thresholds"),
    "weight rows swapped": _swap_cpp_numbers("weights"),
    "head coefficient": _cpp_change("head_(?:positive|negative|offset)", _step),
    "classes swapped": _swap_cpp_numbers("head_(?:positive|negative|offset)"),
    "pool size": _number_after(r"int size = ", "hls/*.hpp"),
    "peak weight": _number_after(r"int peak_weight = ", "hls/*.hpp", _power_of_two),
    "stride": _number_after(r"int stride = ", "hls/*.hpp"),
    "padding left": _number_after(r"int pad_left = ", "hls/*.hpp"),
}
CELLS: dict[str, Plant] = {
    "RTL cell": _operator("rtl/bnn_*.sv"),
    "C++ cell": _operator("hls/bnn_*.hpp"),
}


def caught_by(
    build: Path, model: Path, levels: str, folder: Path, fragments: str = "8"
) -> set[str]:
    """Levels of ``verify --build`` that found a mismatch."""
    options = ["--build", str(build), "--levels", levels, "--fragments", fragments]
    written = ["--json", f"{folder}/v.json", "--html", f"{folder}/v.html"]
    status = main(["verify", str(model), *options, *written])
    verdict = json.loads((folder / "v.json").read_text())
    found = {level["name"] for level in verdict["levels"] if level["mismatches"]}
    assert status == (1 if found else 0), (status, verdict)
    return found


def _by_hand(model: Path, build: Path, groups: str, first: int, count: int) -> None:
    keep = Path("/tmp/acceptance/plants")
    keep.mkdir(parents=True, exist_ok=True)
    null = os.open(os.devnull, os.O_WRONLY)
    kinds = {"rtl": RTL, "cpp": CPP, "cells": CELLS}
    for seed in range(first, first + count):
        for group in groups.split(","):
            for kind, plant in kinds[group].items():
                folder = Path(tempfile.mkdtemp(dir=keep))
                copy = folder / build.name
                shutil.copytree(build, copy)
                try:
                    did = plant(copy, random.Random(f"{kind} {seed}"))
                except (IndexError, ValueError) as problem:
                    print(f"{group} {kind}: nothing to plant ({problem})", flush=True)
                    continue
                cpp = group == "cpp" or kind == "C++ cell"
                steps = ["constants,csim"] if cpp else ["constants,icarus", "verilator", "lint"]
                found: set[str] = set()
                said = ""
                saved = os.dup(1), os.dup(2)
                os.dup2(null, 1), os.dup2(null, 2)
                try:
                    for levels in steps:
                        found |= caught_by(copy, model, levels, folder)
                        if found:
                            break
                except BaseException as problem:
                    said = f"{type(problem).__name__}: {problem}"[:300]
                finally:
                    os.dup2(saved[0], 1), os.dup2(saved[1], 2)
                verdict = " ".join(sorted(found)) or "*** MISSED ***"
                print(f"{group:5s} {kind:20s} {verdict:24s} {did}  {said}", flush=True)
                if found and not said:
                    shutil.rmtree(folder)


if __name__ == "__main__":
    _by_hand(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
