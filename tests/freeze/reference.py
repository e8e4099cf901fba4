"""The reference network: its description and random arrays under the reference names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.description import Description


def reference_description(
    classes: int = 5, bits: int = 8, pad_value: int = -1, samples: int = 3600, **more: Any
) -> Description:
    layers: list[dict[str, Any]] = []
    for block in range(1, 7):
        layers += [
            {
                "type": "conv",
                "stride": 2 if block == 1 else 1,
                "padding": [5, 5],
                "pad_value": pad_value,
            },
            {"type": "max_pool", "size": 7, "stride": 2},
            {"type": "prelu"},
            {"type": "batch_norm", "eps": 1e-5},
            {"type": "sign" if block < 6 else "head"},
        ]
    given = {"samples": samples, "bits": bits, **more}
    labels = [f"class {index}" for index in range(classes)]
    return Description.from_dict(
        {"name": "reference", "labels": labels, "input": given, "layers": layers}
    )


def reference_arrays(classes: int = 5, seed: int = 1) -> dict[str, npt.NDArray[Any]]:
    rng = np.random.default_rng(seed)
    widths = [1, 8, 16, 32, 32, 64, classes]
    arrays: dict[str, npt.NDArray[Any]] = {}
    for i in range(1, 7):
        fan_in, out = widths[i - 1] * 7, widths[i]
        spread = np.sqrt(fan_in) * (64 if i == 1 else 1)
        key = f"block{i}"
        arrays |= {
            f"{key}.conv.weight": rng.normal(size=(out, widths[i - 1], 7)).astype(np.float32),
            f"{key}.prelu.weight": rng.normal(0.25, 0.3, size=1).astype(np.float32),
            f"{key}.bn.weight": rng.normal(size=out).astype(np.float32),
            f"{key}.bn.bias": rng.normal(0, 0.3, size=out).astype(np.float32),
            f"{key}.bn.running_mean": (spread * (1 + rng.normal(size=out))).astype(np.float32),
            f"{key}.bn.running_var": (spread**2 * (0.5 + rng.random(out))).astype(np.float32),
            f"{key}.bn.num_batches_tracked": np.array(7),
        }
    return arrays
