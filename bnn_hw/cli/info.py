"""``bnn-hw info``: what a frozen network is and what it takes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click
from rich.table import Table

from bnn_hw.cli.models import find_model
from bnn_hw.cli.output import print_json, print_table
from bnn_hw.ir import Block, Network
from bnn_hw.ir.storage import macs, storage, threshold_bits


def describe(network: Network) -> dict[str, Any]:
    """The fields of ``info --json``."""
    counted = storage(network)
    return {
        "name": network.name,
        "digest": network.digest(),
        "storage_bytes": counted.storage_bytes,
        "weight_bits": counted.weight_bits,
        "threshold_bits": counted.threshold_bits,
        "head_bits": counted.head_bits,
        "macs": macs(network),
        "layers": [_layer(block) for block in network.blocks],
        "metrics": network.provenance.get("metrics", {}),
    }


def _layer(block: Block) -> dict[str, Any]:
    kinds = Counter(a.kind.value for a in block.threshold.accept) if block.threshold else Counter()
    return {
        "name": block.name,
        "in_channels": block.in_channels,
        "out_channels": block.out_channels,
        "kernel": block.kernel,
        "stride": block.stride,
        "padding": [block.pad_left, block.pad_right],
        "pad_value": block.pad_value,
        "in_length": block.in_length,
        "positions": block.positions,
        "out_length": block.out_length,
        "sum_pools": [[pool.size, pool.stride] for pool in block.sum_pools],
        "bit_pools": [[pool.size, pool.stride] for pool in block.bit_pools],
        "weight_bits": block.rows.size,
        "threshold_bits": threshold_bits(block),
        "accept_kinds": dict(sorted(kinds.items())),
        "macs": block.macs,
    }


@click.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(model: str, as_json: bool) -> None:
    """Show size, layers and figures of MODEL."""
    found = find_model(model)
    facts = describe(found.network)
    if as_json:
        print_json(facts)
        return
    network = found.network
    fragment = network.input
    click.echo(f"{network.name:<11} digest {facts['digest']}")
    click.echo(
        f"input       {fragment.samples} samples x {fragment.channels} channel(s) of {fragment.bits} bits, "
        f"preparation {fragment.preparation}; {fragment.unit}"
    )
    click.echo(f"classes     {network.classes}: {', '.join(network.labels)}")
    click.echo(
        f"storage     {facts['storage_bytes']:,} bytes: {facts['weight_bits']:,} bits of weights, "
        f"{facts['threshold_bits']:,} of thresholds, {facts['head_bits']:,} of the head"
    )
    click.echo(f"work        {facts['macs']:,} binary multiply-adds a fragment")
    for line in _metric_lines(facts["metrics"]):
        click.echo(line)
    print_table(_table(facts["layers"], network.head.peak_weight))


def _metric_lines(metrics: Any) -> list[str]:
    """Accuracy of each part of the data, where the metrics have that form."""
    if not isinstance(metrics, dict):
        return []
    lines = []
    for part in ("validation", "test"):
        scores = metrics.get(part)
        if isinstance(scores, dict) and {"accuracy", "correct", "fragments"} <= set(scores):
            lines.append(
                f"{part:<12}{100 * float(scores['accuracy']):.2f} % "
                f"({scores['correct']} of {scores['fragments']} fragments)"
            )
    return lines


def _table(layers: list[dict[str, Any]], peak_weight: int) -> Table:
    head = f"head, peak weight {peak_weight}" if peak_weight else "head"
    table = Table(box=None, pad_edge=False)
    table.add_column("layer")
    for column in ("channels", "kernel", "stride", "padding", "pool", "length", "weights"):
        table.add_column(column, justify="right")
    table.add_column("accept sets")
    for layer in layers:
        pools = [f"{s}/{t}" for s, t in layer["sum_pools"] + layer["bit_pools"]]
        kinds = ", ".join(f"{n} {kind}" for kind, n in layer["accept_kinds"].items())
        table.add_row(
            layer["name"],
            f"{layer['in_channels']} > {layer['out_channels']}",
            str(layer["kernel"]),
            str(layer["stride"]),
            f"{layer['padding'][0]},{layer['padding'][1]} of {layer['pad_value']:+d}",
            " ".join(pools) or "-",
            f"{layer['in_length']} > {layer['positions']} > {layer['out_length']}",
            f"{layer['weight_bits']:,}",
            kinds or head,
        )
    return table
