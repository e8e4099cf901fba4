"""What the documents show is what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np

from bnn_hw.description import Description
from bnn_hw.freeze import Checkpoint, freeze, prove_network
from bnn_hw.ir import parse_network
from bnn_hw.ir.bits import row_to_hex, row_to_int
from tests.freeze.naive import naive_run

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_worked_example_of_the_format() -> None:
    text = (DOCS / "network-format.md").read_text()
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    table = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert found and table
    network = parse_network(found[1])
    assert f"`{network.digest()}`" in text
    assert prove_network(network).passed

    rows = dict(re.split(r" {2,}", line, maxsplit=1) for line in table[1].splitlines())
    shown = {name: values.split() for name, values in rows.items()}

    def integers(name: str) -> list[int]:
        return [int(value) for value in shown[name]]

    samples = np.array(integers("samples"))
    padded = np.pad(samples, 1)
    assert padded.tolist() == integers("padded")
    first, second = network.blocks
    sums, pooled = [], []
    for channel in range(2):
        weights = 2 * first.rows[channel].astype(int) - 1
        sums.append(np.array([int(weights @ padded[t : t + 3]) for t in range(8)]))
        assert sums[-1].tolist() == integers(f"sums of channel {channel}")
        assert first.threshold is not None
        bits = first.threshold.accept[channel].accepts(sums[-1]).astype(int)
        assert bits.tolist() == integers(f"bits of channel {channel}")
        pooled.append(bits.reshape(4, 2).max(axis=1).astype(np.uint8))
        assert pooled[-1].tolist() == integers(f"pooled, channel {channel}")
    words = np.stack(pooled, axis=1)
    assert [row_to_int(word) for word in words] == integers("position words")
    window = words.reshape(-1)
    assert [row_to_hex(window)] == shown["window of block2"]
    popcounts = [int((window == row).sum()) for row in second.rows]
    assert popcounts == integers("popcounts of block2")
    assert [2 * p - 8 for p in popcounts] == integers("sums of block2")

    scores, outputs, s_plus, _ = naive_run(network, samples[None, None])
    assert np.array_equal(outputs[0][0], 2 * np.stack(pooled).astype(int) - 1)
    assert s_plus[0].tolist() == integers("sums of block2")
    assert scores[0].tolist() == integers("scores")
    assert [int(scores[0].argmax())] == integers("class")


def test_example_of_the_description() -> None:
    text = (DOCS / "network-description.md").read_text()
    found = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert found
    description = Description.from_dict(tomllib.loads(found[1]))
    assert Description.from_dict(description.to_dict()) == description
    rng = np.random.default_rng(0)
    arrays = {
        "block1.conv.weight": rng.normal(size=(8, 1, 7)),
        "block1.prelu.weight": np.array([0.25]),
        "block1.bn.weight": rng.normal(size=8),
        "block1.bn.bias": rng.normal(size=8),
        "block1.bn.running_mean": rng.normal(size=8),
        "block1.bn.running_var": rng.random(8),
        "block2.dense.weight": rng.normal(size=(2, 8 * 14)),
    }
    assert freeze(description, Checkpoint.from_arrays(arrays)).report.proof.passed
