import dataclasses

import numpy as np
import pytest

from bnn_hw.golden import plain
from bnn_hw.ir.bits import unpack_bytes
from bnn_hw.simulate import taps

from .nets import small_network, small_plan, small_samples

NETWORK = small_network()
PLAN = small_plan(NETWORK)
TRACE = plain.trace(NETWORK, small_samples())
GOOD = taps.expected(PLAN, TRACE)
NAMES = [
    "conv1.comparisons",
    "conv1.bits",
    "conv2.comparisons",
    "conv2.bits",
    "conv3.sums",
    "conv3.pooled",
    "result",
]


def compare(changed: dict[str, np.ndarray]) -> dict[str, taps.TapComparison]:
    return {c.tap: c for c in taps.compare(PLAN, {**GOOD, **changed}, TRACE)}


def flipped(name: str, fragment: int, beat: int, bit: int) -> dict[str, np.ndarray]:
    beats = GOOD[name].copy()
    beats[fragment, beat, bit // 8] ^= 1 << (bit % 8)
    return {name: beats}


def test_every_stream_is_a_tap() -> None:
    assert [tap.name for tap in taps.taps(PLAN)] == NAMES


def test_expected_has_the_shape_of_its_tap() -> None:
    for tap in taps.taps(PLAN):
        assert GOOD[tap.name].shape == (3, tap.beats_per_fragment, tap.bytes_per_beat), tap.name


def test_comparisons_lay_out_sides_and_lanes() -> None:
    stage = PLAN.stages[1]
    assert (stage.sides, stage.pe, stage.nf) == (2, 3, 2)
    bits = unpack_bytes(GOOD["conv2.comparisons"], 6)
    golden = TRACE.blocks[1].comparisons
    assert golden is not None
    for beat in range(stage.positions * stage.nf):
        position, fold = divmod(beat, stage.nf)
        for side in range(2):
            for lane in range(3):
                want = golden[:, position, side * 6 + fold * 3 + lane]
                assert (bits[:, beat, side * 3 + lane] == want).all()


def test_sums_lay_out_signed_lanes() -> None:
    stage = PLAN.stages[2]
    bits = unpack_bytes(GOOD["conv3.sums"], stage.pe * stage.lane_bits).astype(np.int64)
    for beat in range(stage.positions * stage.nf):
        position, fold = divmod(beat, stage.nf)
        for lane in range(stage.pe):
            field = bits[:, beat, lane * stage.lane_bits : (lane + 1) * stage.lane_bits]
            weight = 1 << np.arange(stage.lane_bits)
            weight[-1] *= -1
            want = TRACE.blocks[2].sums[:, position, fold * stage.pe + lane]
            assert (field @ weight == want).all()


def test_result_holds_scores_class_and_flags() -> None:
    beats = taps.expected(PLAN, TRACE, errors=[False, True, False])["result"]
    for fragment in range(3):
        words = [int.from_bytes(b[:-1].tobytes(), "little", signed=True) for b in beats[fragment]]
        assert words[:-1] == TRACE.result.scores[fragment].tolist()
        assert words[-1] == TRACE.result.classes[fragment]
        error = int(fragment == 1)
        assert beats[fragment, :, -1].tolist() == [error] * 4 + [error | 2]


def test_equal_taps_pass() -> None:
    for name, found in compare({}).items():
        assert found.passed and found.first is None, found
        assert found.compared_beats == GOOD[name].shape[0] * GOOD[name].shape[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_anywhere_is_found(name: str) -> None:
    tap = next(t for t in taps.taps(PLAN) if t.name == name)
    for fragment, beat, bit in ((0, 0, 0), (2, tap.beats_per_fragment - 1, tap.width_bits - 1)):
        found = compare(flipped(name, fragment, beat, bit))
        assert found[name].mismatches == 1 and not found[name].passed
        assert (found[name].first or "").startswith(f"fragment {fragment}, ")
        assert all(other.passed for tap_name, other in found.items() if tap_name != name)


def test_first_difference_is_named() -> None:
    want = int(unpack_bytes(GOOD["conv2.bits"], 6)[1, 4, 5])
    first = compare(flipped("conv2.bits", 1, 4, 5))["conv2.bits"].first
    assert first == f"fragment 1, conv2 bits, position 4, channel 5: golden {want}, got {1 - want}"

    want = int(unpack_bytes(GOOD["conv2.comparisons"], 6)[2, 5, 4])
    first = compare(flipped("conv2.comparisons", 2, 5, 4))["conv2.comparisons"].first
    assert first == (
        f"fragment 2, conv2 comparisons, position 2, channel 4, side 1: "
        f"golden {want}, got {1 - want}"
    )

    lane_bits = PLAN.stages[2].lane_bits
    want = int(TRACE.blocks[2].sums[0, 1, 3])
    first = compare(flipped("conv3.sums", 0, 3, lane_bits + 1))["conv3.sums"].first
    assert first is not None
    assert first.startswith(f"fragment 0, conv3 sums, position 1, channel 3: golden {want}, got ")

    first = compare(flipped("result", 1, 4, PLAN.result_bits + 1))["result"].first
    assert first == "fragment 1, result, class, tlast: golden 1, got 0"
    first = compare(flipped("result", 1, 2, PLAN.result_bits))["result"].first
    assert first == "fragment 1, result, score of class 2, tuser: golden 0, got 1"


@pytest.mark.parametrize("name", NAMES)
def test_missing_and_surplus_beats_are_mismatches(name: str) -> None:
    beats = GOOD[name].reshape(-1, GOOD[name].shape[-1])
    for wrong, said in ((beats[:-2], len(beats) - 2), (beats[:0], 0)):
        found = compare({name: wrong})[name]
        assert not found.passed and found.mismatches >= 2
        assert f"{said} beats, golden has {len(beats)}" in (found.first or "")
    surplus = compare({name: np.concatenate([beats, beats[:1]])})[name]
    assert not surplus.passed and surplus.mismatches == 1


def test_zero_fragments_do_not_pass() -> None:
    nothing = dataclasses.replace(
        TRACE,
        blocks=tuple(
            dataclasses.replace(
                block,
                **{
                    field: value[:0]
                    for field in ("sums", "comparisons", "bits", "pooled")
                    if (value := getattr(block, field)) is not None
                },
            )
            for block in TRACE.blocks
        ),
        result=dataclasses.replace(
            TRACE.result, scores=TRACE.result.scores[:0], classes=TRACE.result.classes[:0]
        ),
    )
    empty = {name: beats[:0] for name, beats in GOOD.items()}
    found = taps.compare(PLAN, empty, nothing)
    assert len(found) == len(NAMES)
    assert not any(comparison.passed for comparison in found)


def test_tap_files(tmp_path) -> None:
    for tap in taps.taps(PLAN):
        (tmp_path / tap.file).write_bytes(GOOD[tap.name].tobytes())
    assert all(found.passed for found in taps.compare(PLAN, tmp_path, TRACE))
    (tmp_path / "conv1.bits.bin").unlink()
    (tmp_path / "conv3.sums.bin").write_bytes(GOOD["conv3.sums"].tobytes() + b"\0")
    found = {c.tap: c for c in taps.compare(PLAN, tmp_path, TRACE)}
    assert found["conv1.bits"].first == "conv1.bits: the simulation wrote no conv1.bits.bin"
    assert not found["conv1.bits"].passed
    assert not found["conv3.sums"].passed
    assert found["result"].passed
