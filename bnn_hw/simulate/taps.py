"""The streams inside the hardware, by name: what they are, what golden expects, where they differ.

Every simulation (Icarus, Verilator, C simulation) writes the same taps; this module lists them from
a plan, lays a golden trace out as the same bytes, and compares by equality. It reads a
:class:`bnn_hw.generate.plan.Plan`, a :class:`bnn_hw.golden.Trace` and tap files or arrays; it gives
one :class:`TapComparison` a tap, the first difference named as fragment, layer, position, channel.

A beat takes ``ceil(width / 8)`` bytes, little end first, with zeros above ``width``; a tap file is
beats back to back. Lanes of a beat: comparisons have bit ``side * pe + lane``, sums have ``lane_bits``
bits a lane from the lowest lane up; lane ``p`` of beat ``f`` of a position is channel ``f * pe + p``.
A ``result`` beat is ``result_bits`` of data and one byte: bit 0 ``tuser``, bit 1 ``tlast``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bnn_hw.golden import Trace
from bnn_hw.ir.bits import pack_bytes, unpack_bytes

if TYPE_CHECKING:
    from bnn_hw.generate.plan import Plan, StagePlan

Bytes = npt.NDArray[np.uint8]

RESULT = "result"
_USER, _LAST = 1, 2  # bits of the flag byte of a result beat


class TapKind(Enum):
    """What a tap carries; the value is the last part of its name."""

    COMPARISONS = "comparisons"
    BITS = "bits"
    SUMS = "sums"
    POOLED = "pooled"
    RESULT = RESULT


@dataclass(frozen=True)
class Tap:
    """One stream of the hardware.

    ``stage`` is the index of its stage, None for the result. ``width_bits`` is the width of a beat
    (a result beat counts its flag byte), ``beats_per_fragment`` what a whole fragment sends.
    """

    name: str
    kind: TapKind
    stage: int | None
    width_bits: int
    beats_per_fragment: int

    @property
    def bytes_per_beat(self) -> int:
        """Bytes of a beat in a tap file."""
        return (self.width_bits + 7) // 8

    @property
    def file(self) -> str:
        """Name of the binary tap file."""
        return f"{self.name}.bin"

    @property
    def port(self) -> str:
        """Start of the wrapper's ports: ``<port>_valid_o`` and ``<port>_data_o``."""
        return "tap_" + self.name.replace(".", "_")


@dataclass(frozen=True)
class TapComparison:
    """One tap against golden: beats compared, beats that differ, and the first of these in words."""

    tap: str
    compared_beats: int
    mismatches: int
    first: str | None

    @property
    def passed(self) -> bool:
        """Whether something was compared and all of it was equal."""
        return self.compared_beats > 0 and self.mismatches == 0


def taps(plan: Plan) -> tuple[Tap, ...]:
    """List the taps of a plan, stage by stage, ``result`` last."""
    found: list[Tap] = []
    for stage in plan.stages:
        beats = stage.positions * stage.nf
        if not stage.is_last:
            found.append(_tap(stage, TapKind.COMPARISONS, stage.sides * stage.pe, beats))
            found.append(_tap(stage, TapKind.BITS, stage.out_channels, stage.out_positions))
            continue
        width = stage.pe * stage.lane_bits
        found.append(_tap(stage, TapKind.SUMS, width, beats))
        if stage.sum_pools:
            found.append(_tap(stage, TapKind.POOLED, width, stage.out_positions * stage.nf))
    found.append(Tap(RESULT, TapKind.RESULT, None, plan.result_bits + 8, plan.classes + 1))
    return tuple(found)


def _tap(stage: StagePlan, kind: TapKind, width_bits: int, beats: int) -> Tap:
    return Tap(f"{stage.name}.{kind.value}", kind, stage.index, width_bits, beats)


def expected(plan: Plan, trace: Trace, errors: Sequence[bool] | None = None) -> dict[str, Bytes]:
    """Lay a golden trace out as the bytes the hardware sends.

    Parameters
    ----------
    errors
        Which fragments carry the error flag; None for no fragment.

    Returns
    -------
    ``(fragments, beats, bytes) uint8`` for each tap of :func:`taps`.
    """
    return {tap.name: _expected(plan, tap, trace, errors) for tap in taps(plan)}


def _expected(plan: Plan, tap: Tap, trace: Trace, errors: Sequence[bool] | None) -> Bytes:
    if tap.stage is None:
        return _result_bytes(plan, trace, errors)
    stage, block = plan.stages[tap.stage], trace.blocks[tap.stage]
    match tap.kind:
        case TapKind.COMPARISONS:
            values = _present(block.comparisons, tap)
            folded = values.reshape(*values.shape[:2], stage.sides, stage.nf, stage.pe)
            folded = folded.swapaxes(2, 3)  # a beat holds both sides of its channels
            beats = (len(values), tap.beats_per_fragment, tap.width_bits)
            return pack_bytes(folded.reshape(beats))
        case TapKind.BITS:
            return pack_bytes(_present(block.bits, tap))
        case TapKind.SUMS:
            return _lane_bytes(stage, tap, block.sums)
        case _:
            return _lane_bytes(stage, tap, _present(block.pooled, tap))


def _present(values: npt.NDArray[Any] | None, tap: Tap) -> npt.NDArray[Any]:
    if values is None:
        raise ValueError(f"{tap.name}: the trace does not hold it, so it is of another network")
    return values


def _lane_bytes(stage: StagePlan, tap: Tap, sums: npt.NDArray[np.int64]) -> Bytes:
    """Signed sums ``(fragments, positions, out)`` as beats of ``pe`` lanes."""
    little = np.ascontiguousarray(sums).astype("<i8").view(np.uint8)
    bits = unpack_bytes(little.reshape(*sums.shape, 8), stage.lane_bits)
    return pack_bytes(bits.reshape(len(sums), tap.beats_per_fragment, tap.width_bits))


def _result_bytes(plan: Plan, trace: Trace, errors: Sequence[bool] | None) -> Bytes:
    scores, classes = trace.result.scores, trace.result.classes
    data = np.concatenate([scores, classes[:, np.newaxis]], axis=1)
    beats = np.empty((*data.shape, plan.result_bits // 8 + 1), dtype=np.uint8)
    little = np.ascontiguousarray(data).astype("<i8").view(np.uint8).reshape(*data.shape, 8)
    beats[:, :, :-1] = little[:, :, : plan.result_bits // 8]
    flags = np.zeros(data.shape, dtype=np.uint8)
    flags[:, -1] |= _LAST
    if errors is not None:
        flags[np.asarray(errors, dtype=bool)] |= _USER
    beats[:, :, -1] = flags
    return beats


def compare(
    plan: Plan,
    source: Path | Mapping[str, Bytes],
    trace: Trace,
    *,
    errors: Sequence[bool] | None = None,
    only: Iterable[str] | None = None,
) -> list[TapComparison]:
    """Compare every tap with golden, beat by beat.

    Parameters
    ----------
    source
        A folder of tap files, or arrays ``(..., bytes) uint8`` by tap name.
    errors
        As in :func:`expected`.
    only
        Names of the taps to compare; None for all.

    Returns
    -------
    One comparison a tap. A tap that is missing, of another number of beats or empty has mismatches.
    """
    wanted = None if only is None else set(only)
    return [
        _compare(plan, tap, _load(tap, source), _expected(plan, tap, trace, errors))
        for tap in taps(plan)
        if wanted is None or tap.name in wanted
    ]


def _load(tap: Tap, source: Path | Mapping[str, Bytes]) -> Bytes | str:
    """Beats ``(beats, bytes)`` of a tap, or why there are none."""
    if isinstance(source, Path):
        path = source / tap.file
        if not path.is_file():
            return f"{tap.name}: the simulation wrote no {tap.file}"
        raw = np.fromfile(path, dtype=np.uint8)
    elif tap.name not in source:
        return f"{tap.name}: the simulation gave no such tap"
    else:
        raw = np.asarray(source[tap.name], dtype=np.uint8).reshape(-1)
    if raw.size % tap.bytes_per_beat:
        return f"{tap.name}: {raw.size} bytes are no whole beats of {tap.bytes_per_beat} bytes"
    return raw.reshape(-1, tap.bytes_per_beat)


def _compare(plan: Plan, tap: Tap, got: Bytes | str, golden: Bytes) -> TapComparison:
    want = golden.reshape(-1, tap.bytes_per_beat)
    if isinstance(got, str):
        return TapComparison(tap.name, 0, max(1, len(want)), got)
    if len(want) == 0:
        return TapComparison(tap.name, 0, 1, f"{tap.name}: golden has nothing to compare with")
    common = min(len(got), len(want))
    differs = np.flatnonzero((got[:common] != want[:common]).any(axis=1))
    missing = abs(len(got) - len(want))
    words = []
    if missing:
        words.append(f"{tap.name}: {len(got)} beats, golden has {len(want)}")
    if differs.size:
        at = int(differs[0])
        words.append(_describe(plan, tap, at, got[at], want[at]))
    return TapComparison(tap.name, common, differs.size + missing, "; ".join(words) or None)


def _describe(plan: Plan, tap: Tap, beat: int, got: Bytes, want: Bytes) -> str:
    """Name the first difference within a beat that differs."""
    fragment, within = divmod(beat, tap.beats_per_fragment)
    if tap.stage is None:
        return f"fragment {fragment}, {_describe_result(plan, within, got, want)}"
    stage = plan.stages[tap.stage]
    got_bits, want_bits = (unpack_bytes(word, tap.bytes_per_beat * 8) for word in (got, want))
    bit = int(np.flatnonzero(got_bits != want_bits)[0])
    if bit >= tap.width_bits:
        return f"fragment {fragment}, {tap.name}, beat {within}: a bit is set beyond its {tap.width_bits} bits"
    where = f"fragment {fragment}, {stage.name} {tap.kind.value}"
    if tap.kind is TapKind.BITS:
        return f"{where}, position {within}, channel {bit}: golden {want_bits[bit]}, got {got_bits[bit]}"
    position, fold = divmod(within, stage.nf)
    if tap.kind is TapKind.COMPARISONS:
        side, lane = divmod(bit, stage.pe)
        channel = f"channel {fold * stage.pe + lane}" + (
            f", side {side}" if stage.sides > 1 else ""
        )
        return (
            f"{where}, position {position}, {channel}: golden {want_bits[bit]}, got {got_bits[bit]}"
        )
    lane = bit // stage.lane_bits
    values = [
        _signed(bits[lane * stage.lane_bits : (lane + 1) * stage.lane_bits])
        for bits in (want_bits, got_bits)
    ]
    channel = f"channel {fold * stage.pe + lane}"
    return f"{where}, position {position}, {channel}: golden {values[0]}, got {values[1]}"


def _describe_result(plan: Plan, beat: int, got: Bytes, want: Bytes) -> str:
    what = f"score of class {beat}" if beat < plan.classes else "class"
    golden, found = (
        int.from_bytes(word[:-1].tobytes(), "little", signed=True) for word in (want, got)
    )
    if golden != found:
        return f"result, {what}: golden {golden}, got {found}"
    name, mask = ("tuser", _USER) if (int(got[-1]) ^ int(want[-1])) & _USER else ("tlast", _LAST)
    return f"result, {what}, {name}: golden {int(bool(want[-1] & mask))}, got {int(bool(got[-1] & mask))}"


def _signed(bits: Bytes) -> int:
    value = sum(int(bit) << i for i, bit in enumerate(bits))
    return value - (int(bits[-1]) << len(bits))
