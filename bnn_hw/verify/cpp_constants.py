"""Every constant of the HLS C++ as the compiler sees it, compared with the plan.

A small program that includes the build's own headers prints them, so nothing is guessed from text: a
constant that no fragment exercises is compared like any other. Reads the ``hls`` folder of a build
and a plan; gives a tally.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.files import write_text
from bnn_hw.generate.plan import Plan, StagePlan
from bnn_hw.generate.render import render
from bnn_hw.ir import Network
from bnn_hw.ir.bits import Bits, int_to_row
from bnn_hw.simulate.csim import xilinx_headers
from bnn_hw.simulate.tools import ToolFailed, check_tool, find_gxx
from bnn_hw.verify.constant_values import compare_numbers, compare_stage
from bnn_hw.verify.verdict import Tally

_CHUNK_BITS = 64
_COMPILE_S = 300.0
_FIELDS = (
    "element_bits", "beat", "word_bits", "in_length", "kernel", "stride", "pad_left", "window_bits",
    "positions", "pe", "simd", "nf", "sf", "sum_bits", "lane_bits", "sides",
)  # fmt: skip

Values = npt.NDArray[Any]


@dataclass(frozen=True)
class StageFields:
    """What the printing program names of one layer."""

    name: str
    is_last: bool
    fields: tuple[str, ...]
    pools: tuple[str, ...]


@dataclass(frozen=True)
class PrintContext:
    """What ``templates/verify/cpp_constants.cpp.j2`` sees."""

    name: str
    stages: tuple[StageFields, ...]


def compare_cpp(tally: Tally, network: Network, plan: Plan, build: Path, work: Path) -> None:
    """Count every constant of the C++ in ``build``.

    Raises
    ------
    ToolMissing
        When g++ or the Xilinx headers are not installed.
    ToolFailed
        When the headers do not compile.
    """
    found = read_cpp(plan, build, work)
    for stage, block in zip(plan.stages, network.blocks, strict=True):
        where = f"C++ {stage.name}"
        weights = _rows(stage, found[f"{stage.name}.weights"])
        thresholds = None if stage.is_last else found[f"{stage.name}.thresholds"]
        invert = None if stage.is_last else found[f"{stage.name}.invert"]
        compare_stage(tally, where, stage, block, weights, thresholds, invert)
        padding = _word(found[f"{stage.name}.padding"])
        tally.add(
            1,
            int(padding != stage.pad_word),
            f"{where}.padding: network {stage.pad_word:#x}, got {padding:#x}",
        )
        for field in _FIELDS:
            wanted, got = getattr(stage, field), int(found[f"{stage.name}.{field}"])
            tally.add(1, int(wanted != got), f"{where}.{field}: network {wanted}, got {got}")
        pools = dict(zip(_pool_names(stage), (*stage.sum_pools, *stage.bit_pools), strict=True))
        for name, pool in pools.items():
            for field in ("size", "stride"):
                wanted, got = getattr(pool, field), int(found[f"{stage.name}.{name}.{field}"])
                tally.add(
                    1, int(wanted != got), f"{where}.{name}.{field}: network {wanted}, got {got}"
                )
    for kind in ("positive", "negative", "offset"):
        wanted = np.array(getattr(network.head, kind), dtype=object)
        compare_numbers(tally, f"C++ head.{kind}", "class", wanted, found[f"-head.{kind}"])
    for field in ("positions", "peak_weight"):
        wanted, got = getattr(plan.head, field), int(found[f"-head.{field}"])  # no layer's name
        tally.add(1, int(wanted != got), f"C++ head.{field}: network {wanted}, got {got}")


def read_cpp(plan: Plan, build: Path, work: Path) -> dict[str, Values]:
    """Constants by name, each an object array of Python integers in the shape the C++ gives it."""
    context = PrintContext(
        plan.name,
        tuple(
            StageFields(stage.name, stage.is_last, _FIELDS, _pool_names(stage))
            for stage in plan.stages
        ),
    )
    source, program = work / "constants.cpp", work / "constants"
    write_text(source, render("verify/cpp_constants.cpp.j2", context))
    command = [
        str(find_gxx()), "-std=c++17", "-O0", "-w",
        "-isystem", str(xilinx_headers()), "-I", str(build.resolve() / "hls"),
        str(source), "-o", str(program),
    ]  # fmt: skip
    check_tool("constants of the C++ do not compile", command, timeout_s=_COMPILE_S)
    printed = check_tool("constants of the C++", [str(program)], timeout_s=60).output
    return dict(_parse(line) for line in printed.splitlines())


def _parse(line: str) -> tuple[str, Values]:
    name, *words = line.split()
    numbers = [int(word) for word in words]
    dimensions = numbers[0]
    shape, values = numbers[1 : 1 + dimensions], numbers[1 + dimensions :]
    if int(np.prod(shape)) != len(values):
        raise ToolFailed(f"constants of the C++: {name} has {len(values)} values for shape {shape}")
    return name, np.array(values, dtype=object).reshape(shape)


def _pool_names(stage: StagePlan) -> tuple[str, ...]:
    return (
        *(f"sum_pool{i + 1}" for i in range(len(stage.sum_pools))),
        *(f"bit_pool{i + 1}" for i in range(len(stage.bit_pools))),
    )


def _rows(stage: StagePlan, words: Values) -> Bits | None:
    """ROM words in chunks as weight rows ``(out, fan_in) uint8``; None when they do not fit."""
    chunks = -(-stage.simd // _CHUNK_BITS)
    if words.shape != (stage.nf * stage.sf, stage.pe * chunks):
        return None
    rows = np.empty((stage.nf, stage.pe, stage.sf, stage.simd), dtype=np.uint8)
    for step, word in enumerate(words.reshape(stage.nf * stage.sf, stage.pe, chunks)):
        nf, sf = divmod(step, stage.sf)
        for lane in range(stage.pe):
            row = _word(word[lane])
            if row >> stage.simd:
                return None
            rows[nf, lane, sf] = int_to_row(row, stage.simd)
    return rows.reshape(stage.out_channels, stage.window_elements)


def _word(chunks: Values) -> int:
    """Chunks of 64 bits, the lowest first, as one number."""
    return sum(int(chunk) << (_CHUNK_BITS * i) for i, chunk in enumerate(chunks.reshape(-1)))
