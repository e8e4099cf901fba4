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


def axis_lines(samples: npt.NDArray[np.integer]) -> str:
    """Beats for ``s_axis`` as text, one a line: tlast, a blank, tdata in hex.

    ``samples`` is ``(fragments, channels, samples)``; channel 0 lies in the low 16 bits.
    """
    lines = []
    mask = (1 << AXIS_SAMPLE_BITS) - 1
    digits = samples.shape[1] * AXIS_SAMPLE_BITS // 4
    for fragment in samples:
        last = fragment.shape[1] - 1
        for t, position in enumerate(fragment.T):
            word = sum((int(x) & mask) << (AXIS_SAMPLE_BITS * c) for c, x in enumerate(position))
            lines.append(f"{int(t == last)} {word:0{digits}x}")
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
        "vectors/s_axis.txt": axis_lines(checked).encode(),
        "vectors/samples.npy": stream.getvalue(),
        "vectors/expected.json": text.encode(),
    }
