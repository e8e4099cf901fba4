"""Test vectors for a simulator or a board: real samples and the golden answer to them."""

from __future__ import annotations

import io
import json

import numpy as np
import numpy.typing as npt

from bnn_hw.generate.plan import AXIS_SAMPLE_BITS, Plan
from bnn_hw.golden import plain
from bnn_hw.golden.types import check_samples
from bnn_hw.ir.network import Network


def axis_lines(samples: npt.NDArray[np.integer], samples_per_beat: int = 1) -> str:
    """Beats for ``s_axis`` as text, one a line: tlast, a blank, tdata in hex.

    ``samples`` is ``(fragments, channels, samples)``; the oldest sample time of a beat lies lowest,
    channel 0 of it in the low 16 bits.
    """
    lines = []
    mask = (1 << AXIS_SAMPLE_BITS) - 1
    lanes = samples.shape[1] * samples_per_beat
    digits = lanes * AXIS_SAMPLE_BITS // 4
    for fragment in samples:
        beats = fragment.T.reshape(-1, lanes)
        for number, beat in enumerate(beats, start=1):
            word = sum((int(x) & mask) << (AXIS_SAMPLE_BITS * i) for i, x in enumerate(beat))
            lines.append(f"{int(number == len(beats))} {word:0{digits}x}")
    return "\n".join(lines) + "\n"


def render_vectors(
    network: Network, plan: Plan, samples: npt.NDArray[np.integer]
) -> dict[str, bytes]:
    """Files below ``vectors/``: the beats to send, the samples, and class and scores expected."""
    checked = check_samples(network, samples)
    result = plain.run(network, checked)
    stream = io.BytesIO()
    np.save(stream, checked.astype(np.int16), allow_pickle=False)
    expected = [
        {
            "fragment": i,
            "class": int(c),
            "label": network.labels[int(c)],
            "scores": [int(s) for s in scores],
        }
        for i, (c, scores) in enumerate(zip(result.classes, result.scores, strict=True))
    ]
    header = {"name": plan.name, "digest": plan.digest, "fraction_bits": plan.head.fraction_bits}
    text = json.dumps({**header, "results": expected}, indent=1) + "\n"
    return {
        "vectors/s_axis.txt": axis_lines(checked, plan.samples_per_beat).encode(),
        "vectors/samples.npy": stream.getvalue(),
        "vectors/expected.json": text.encode(),
    }
