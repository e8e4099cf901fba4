"""Reports of trained variants: the ablation table and the Pareto table.

Takes what benchmarks/accuracy.py collected; gives Markdown. All figures are golden's, of
frozen networks: validation decides, the test is only shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev

from accuracy_tables import Table, Variant

from bnn_hw.description import ConvDescription, MaxPoolDescription
from bnn_hw.report.study_model import SeedEntry


@dataclass(frozen=True)
class Result:
    """One trained seed: multiply-adds and cycles a fragment, golden's figures, digests of data."""

    seed: int
    macs: int
    cycles: int
    entry: SeedEntry
    data: Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """A variant with the results of all its seeds, one at least."""

    variant: Variant
    results: tuple[Result, ...]

    def shares(self, part: str) -> list[float]:
        """Accuracy of "validation" or "test", one a seed."""
        return [getattr(result.entry, part).accuracy for result in self.results]

    def mean(self, part: str) -> float:
        """Mean accuracy, 0 to 1."""
        return mean(self.shares(part))

    @property
    def storage_bytes(self) -> int:
        """Bytes of the largest seed: how many thresholds a channel needs is learnt."""
        return max(result.entry.storage_bytes for result in self.results)

    @property
    def macs(self) -> int:
        """Binary multiply-adds a fragment."""
        return max(result.macs for result in self.results)

    @property
    def cycles(self) -> int:
        """Cycles a fragment at the rate that `bnn-hw generate` takes by default."""
        return max(result.cycles for result in self.results)


def rows(table: Table, results: Mapping[str, Sequence[Result]]) -> list[Row]:
    """Return the variants that have results, in the order of the table."""
    return [
        Row(variant, tuple(results[variant.name]))
        for variant in table.variants
        if results[variant.name]
    ]


def paired(row: Row, base: Row, part: str) -> list[float]:
    """Differences to the base in points, one a seed that both trained on the same split."""
    others = {result.seed: result for result in base.results}
    return [
        100 * (getattr(own.entry, part).accuracy - getattr(other.entry, part).accuracy)
        for own in row.results
        if (other := others.get(own.seed)) is not None and own.data == other.data
    ]


def front(given: Sequence[Row]) -> set[str]:
    """Names of the variants that none surpasses: fewer bytes, or more accuracy on validation."""

    def beaten(row: Row) -> bool:
        own = (-row.storage_bytes, row.mean("validation"))
        for other in given:
            its = (-other.storage_bytes, other.mean("validation"))
            if its != own and its[0] >= own[0] and its[1] >= own[1]:
                return True
        return False

    return {row.variant.name for row in given if not beaten(row)}


def markdown(
    table: Table, results: Mapping[str, Sequence[Result]], picture_name: str | None = None
) -> str:
    """The report as Markdown; `picture_name` is the file of the picture beside it."""
    given = rows(table, results)
    lines = [f"# {table.name}", "", _introduction(table, given), ""]
    if table.kind == "ablation":
        lines += _ablation(table, given)
    else:
        lines += _pareto(given)
        if picture_name is not None:
            lines += ["", f"![Accuracy against bytes and multiply-adds]({picture_name})"]
    missing = [
        f"{variant.name} ({len(results[variant.name])})"
        for variant in table.variants
        if len(results[variant.name]) < len(table.seeds)
    ]
    if missing:
        remark = f"Preliminary, of {len(table.seeds)} seeds there are: {', '.join(missing)}."
        lines += ["", remark]
    return "\n".join(lines) + "\n"


def _introduction(table: Table, given: Sequence[Row]) -> str:
    experiment = table.variants[0].experiment
    seeds = ", ".join(map(str, table.seeds))
    text = (
        f"{len(given)} trained variants of experiment {table.base} (set {experiment.data.set}, protocol "
        f"{experiment.data.protocol}, {experiment.training.epochs} epochs unless a variant says "
        f"otherwise), seeds {seeds}, each frozen and measured by golden; mean +- standard deviation "
        "over the seeds. "
    )
    if experiment.data.protocol == "paper":
        text += "Protocol paper has no validation part: epoch and variant are chosen on the test. "
    else:
        text += (
            "Epochs and variants are chosen on validation, so its figures are somewhat too high; "
            "the test is read once, at the end of each training, and reported. "
        )
    if given:
        entry = given[0].results[0].entry
        text += (
            f"A seed has {entry.validation.fragments:,} validation and {entry.test.fragments:,} "
            "test fragments. "
        )
    if table.kind == "ablation":
        first = table.variants[0].name
        return text + (
            f"Differences are in points to {first}, on the same seeds and splits, +- the standard "
            "error of the paired difference."
        )
    return text + (
        "Bytes are weights, thresholds and head of the largest seed. A cross marks the front: no "
        "other variant takes fewer bytes and is better on validation. Operations are binary "
        "multiply-adds a fragment, cycles those from fragment to fragment at the default rate, one "
        "sample a cycle."
    )


def _ablation(table: Table, given: Sequence[Row]) -> list[str]:
    base = next((row for row in given if row.variant is table.variants[0]), None)
    lines = _head("variant", "what", "seeds", "validation %", "difference", "test %", "difference")
    for row in given:
        cells = [row.variant.name, row.variant.what, str(len(row.results))]
        for part in ("validation", "test"):
            differences = [] if base is None or row is base else paired(row, base, part)
            cells += [_spread(row.shares(part)), _difference(differences)]
        lines.append(_line(cells))
    return lines


def _pareto(given: Sequence[Row]) -> list[str]:
    best = front(given)
    lines = _head(
        "front", "variant", "what", "channels", "kernels", "strides", "pools", "bytes",
        "operations", "cycles", "seeds", "validation %", "test %",
    )  # fmt: skip
    for row in sorted(given, key=lambda row: row.storage_bytes):
        cells = ["x" if row.variant.name in best else "", row.variant.name, row.variant.what]
        cells += [*_shape(row.variant), f"{row.storage_bytes:,}", f"{row.macs:,}"]
        cells += [f"{row.cycles:,}", str(len(row.results))]
        lines.append(_line([*cells, *(_spread(row.shares(p)) for p in ("validation", "test"))]))
    return lines


def _shape(variant: Variant) -> list[str]:
    """Channels, kernels, strides and pools (size/stride), block by block."""
    channels, kernels, strides, pools = [], [], [], []
    for block in variant.network.blocks():
        matrix = block.matrix
        # A dense layer has no kernel.
        conv = matrix if isinstance(matrix, ConvDescription) else None
        channels.append(str(matrix.out_channels or "?"))
        kernels.append("all" if conv is None else str(conv.kernel or "?"))
        strides.append("1" if conv is None else str(conv.stride))
        sizes = [p for p in block.layers if isinstance(p, MaxPoolDescription)]
        pools.append("+".join(f"{p.size}/{p.stride}" for p in sizes) or "no")
    return ["-".join(channels), *(_same(values) for values in (kernels, strides, pools))]


def _same(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else "-".join(values)


def _spread(shares: Sequence[float]) -> str:
    text = f"{100 * mean(shares):.2f}"
    return text if len(shares) == 1 else f"{text} +- {100 * stdev(shares):.2f}"


def _difference(points: Sequence[float]) -> str:
    if not points:
        return ""
    text = f"{mean(points):+.2f}"
    return text if len(points) == 1 else f"{text} +- {stdev(points) / sqrt(len(points)):.2f}"


def _head(*names: str) -> list[str]:
    return [_line(names), "|" + "---|" * len(names)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
