"""Fragments a second and memory of the golden models, beside the same network in torch.

    python benchmarks/golden.py [MODEL.json] [--fragments 7740] [--slow-fragments 256] [--json]

Without MODEL the shipped 17-class network is measured, and before it ships a random network of its
shape. Everything runs on one core: process time is the figure to compare, wall time stands beside
it. Peak memory is that of the process so far, read after each step in the order of the rows. The
torch row is what a user would write instead: float32 convolutions with weights of +1 and -1 and
comparisons between them, in eval mode, in batches of 256.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bnn_hw.assets import models_dir
from bnn_hw.errors import UserError
from bnn_hw.golden import PackedNetwork, plain
from bnn_hw.ir import (
    AcceptKind,
    AcceptSet,
    Conv,
    Head,
    MaxPool,
    Network,
    NetworkInput,
    Threshold,
    load_network,
)
from bnn_hw.ir.bits import conv_weights
from bnn_hw.ir.layers import Layer

Classes = npt.NDArray[np.int64]
Samples = npt.NDArray[np.int16]
_TORCH_BATCH = 256


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    fragments: int
    process_seconds: float
    wall_seconds: float
    peak_mib: float

    @property
    def per_second(self) -> float:
        """Fragments a second of process time."""
        return self.fragments / self.process_seconds


def peak_mib() -> float:
    """Highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def measure(
    name: str, classes: Callable[[Samples], Classes], samples: Samples
) -> tuple[Row, Classes]:
    """Run once after a warm-up of 8 fragments."""
    classes(samples[:8])
    wall, process = time.perf_counter(), time.process_time()
    result = classes(samples)
    process, wall = time.process_time() - process, time.perf_counter() - wall
    return Row(name, len(samples), process, wall, peak_mib()), result


def random_reference() -> Network:
    """The reference shape, 1-8-16-32-32-64-17 over 3600 samples, with random parameters."""
    rng = np.random.default_rng(1)
    widths = (1, 8, 16, 32, 32, 64, 17)
    layers: list[Layer] = []
    for i in range(6):
        fan_in, out = 7 * widths[i], widths[i + 1]
        weights = rng.integers(0, 2, (out, widths[i], 7)).astype(np.uint8)
        layers += [Conv(f"conv{i + 1}", weights, 1 if i else 2, 5, 5, 1 if i else 0), MaxPool(7, 2)]
        if i < 5:
            # the maximum of 7 sums lies about 1.35 deviations above zero
            low = round(1.35 * fan_in**0.5 * (1 if i else 1 << 10))
            layers.append(Threshold((AcceptSet(AcceptKind.AT_LEAST, low=low),) * out))
    positive, negative, offset = rng.integers(-4096, 4096, (3, 17)).tolist()
    layers.append(Head(tuple(positive), tuple(negative), tuple(offset), 12))
    labels = tuple(f"c{i}" for i in range(17))
    return Network("random_reference", NetworkInput(3600, 12), tuple(layers), labels)


def torch_classes(network: Network) -> Callable[[Samples], Classes]:
    """The frozen network as float32 torch operations; every sum below 2**24 is exact there."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    stages = []
    for block in network.blocks:
        weights = 2.0 * conv_weights(block.rows, block.in_channels).astype(np.float32) - 1
        bands = block.bands()
        low = torch.tensor([[float(band.low)] for band in bands])
        high = torch.tensor([[np.inf if band.high is None else float(band.high)] for band in bands])
        invert = torch.tensor([[band.invert] for band in bands])
        stages.append((block, torch.from_numpy(weights), low, high, invert))
    head = network.head
    positive, negative, offset = (
        torch.tensor(v, dtype=torch.float64) for v in (head.positive, head.negative, head.offset)
    )

    def batch(samples: Samples) -> Classes:
        values = torch.from_numpy(samples).float().reshape(len(samples), network.input.channels, -1)
        for block, weights, low, high, invert in stages:
            padding = (block.pad_left, block.pad_right)
            values = functional.pad(values, padding, value=float(block.pad_value))
            values = functional.conv1d(values, weights, stride=block.stride)
            for pool in block.sum_pools:
                values = functional.max_pool1d(values, pool.size, pool.stride)
            if block.threshold is not None:
                accepted = ((values >= low) & (values < high)) ^ invert
                values = accepted.float() * 2 - 1
            for pool in block.bit_pools:
                values = functional.max_pool1d(values, pool.size, pool.stride)
        pooled = values.double()
        peak = head.peak_weight * pooled.amax(-1)
        s_plus = pooled.clamp(min=0).sum(-1) + peak.clamp(min=0)
        s_minus = pooled.clamp(max=0).sum(-1) + peak.clamp(max=0)
        scores = positive * s_plus + negative * s_minus + offset
        result: Classes = scores.numpy().argmax(axis=1).astype(np.int64)
        return result

    def run(samples: Samples) -> Classes:
        with torch.inference_mode():
            starts = range(0, len(samples), _TORCH_BATCH)
            return np.concatenate([batch(samples[s : s + _TORCH_BATCH]) for s in starts])

    return run


def load(model: Path | None) -> Network:
    """The named network, else the shipped one, else a random one of its shape."""
    if model is not None:
        return load_network(model)
    shipped = models_dir() / "ecg17.json"
    return load_network(shipped) if shipped.is_file() else random_reference()


def main() -> int:
    """Measure and print; exit 1 when two of the models disagree, 2 on wrong use."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?", help="frozen network (JSON)")
    parser.add_argument(
        "--fragments", type=int, default=7740, help="fragments for the packed model"
    )
    parser.add_argument("--slow-fragments", type=int, default=256, help="fragments for the others")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if not 1 <= options.slow_fragments <= options.fragments:
        parser.error("--slow-fragments must be 1 to --fragments")
    try:
        network = load(options.model)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    of = network.input
    samples = np.random.default_rng(0).integers(
        of.low, of.high + 1, (options.fragments, of.channels, of.samples), dtype=np.int16
    )
    few = samples[: options.slow_fragments]
    packed = PackedNetwork(network)
    row, expected = measure("packed", lambda part: packed.run(part).classes, samples)
    rows, results = [row], []
    candidates = {"plain": lambda part: plain.run(network, part).classes}
    if importlib.util.find_spec("torch") is not None:
        candidates["torch eval"] = torch_classes(network)
    for name, classes in candidates.items():
        row, result = measure(name, classes, few)
        rows.append(row)
        results.append(result)
    equal = all(np.array_equal(result, expected[: len(few)]) for result in results)
    if options.json:
        table = [{**asdict(row), "fragments_per_s": row.per_second} for row in rows]
        print(json.dumps({"model": network.name, "classes_equal": equal, "rows": table}))
    else:
        print(f"{network.name}: {network.digest()[:12]}, one core")
        print(f"{'':12}{'fragments':>10}{'per s':>10}{'wall s':>9}{'peak MiB':>10}  packed is")
        for row in rows:
            ratio = rows[0].per_second / row.per_second
            print(
                f"{row.name:12}{row.fragments:>10}{row.per_second:>10.0f}{row.wall_seconds:>9.2f}"
                f"{row.peak_mib:>10.0f}  {f'{ratio:.1f} times as fast' if ratio != 1 else ''}"
            )
        if importlib.util.find_spec("torch") is None:
            print("torch is not installed: no torch row (pip install '.[train]')")
        print("classes are equal" if equal else "CLASSES DIFFER")
    return 0 if equal else 1


if __name__ == "__main__":
    raise SystemExit(main())
