"""``bnn-hw generate``: a frozen network becomes a build folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bnn_hw.cli.models import find_model
from bnn_hw.cli.options import json_option
from bnn_hw.cli.output import print_json, print_table
from bnn_hw.errors import UserError
from bnn_hw.generate.folding import Folding, default_cycles, override, solve
from bnn_hw.ir import Network

DEMO_FRAGMENTS = 4
_FOLD = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,62})=([0-9]{1,9})x([0-9]{1,9})", re.ASCII)


def choose_folding(network: Network, cycles: int | None, folds: tuple[str, ...]) -> Folding:
    """The solver's folding at ``cycles`` (default: one sample a cycle), with ``layer=PExSIMD`` set.

    Raises
    ------
    UserError
        When the cycles cannot be met or a fold is not legal; gives the nearest legal one.
    """
    folding = solve(network, cycles if cycles is not None else default_cycles(network))
    return override(network, folding, dict(_parse_fold(text) for text in folds))


def _parse_fold(text: str) -> tuple[str, tuple[int, int]]:
    match = _FOLD.fullmatch(text)
    if match is None:
        raise UserError(f"--fold {text[:80]!r} is not LAYER=PExSIMD, such as conv2=4x8")
    return match[1], (int(match[2]), int(match[3]))


_CONTENTS = (
    ("rtl/", "SystemVerilog; files.f lists it in compile order"),
    ("hls/", "the same network as Vitis-HLS C++, with its C simulation"),
    ("sim/", "testbenches with a tap on every layer's stream"),
    ("vectors/", "fragments to send and the golden class and scores of each"),
    ("handoff/", "ports, timing, synthesis scripts"),
)


@click.command()
@click.argument("model")
@click.option("--cycles", type=int, help="Cycles a fragment [default: one sample a cycle].")
@click.option(
    "--fold", "folds", multiple=True, metavar="LAYER=PExSIMD", help="Set the fold of a layer."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder [default: build/<model>]."
)
@json_option("what was generated")
def generate(
    model: str, cycles: int | None, folds: tuple[str, ...], output: Path | None, as_json: bool
) -> None:
    """Generate RTL, HLS C++, hand-off, test vectors and manifest of MODEL into build/<model>/."""
    from bnn_hw.generate.build import generate as generate_build
    from bnn_hw.verify.fragments import demo_samples

    found = find_model(model)
    network = found.network
    folding = choose_folding(network, cycles, folds)
    target = output if output is not None else Path("build") / found.name
    build = generate_build(network, folding, target, demo_samples(network, DEMO_FRAGMENTS))
    files = sum(1 for path in build.path.rglob("*") if path.is_file())
    facts: dict[str, Any] = {
        "model": found.name,
        "digest": network.digest(),
        "cycles_per_fragment": folding.cycles,
        "folding": _folding_facts(network, folding),
        "files": files,
        "path": str(target),
    }
    if as_json:
        print_json(facts)
        return
    click.echo(f"{found.name}, digest {network.digest()[:16]}, {folding.cycles} cycles a fragment")
    print_table(_table(facts["folding"], folding.cycles))
    click.echo(f"written {target}/, {files} files:")
    for folder, what in _CONTENTS:
        click.echo(f"  {folder:<9} {what}")
    click.echo(
        f"read {target}/handoff/HANDOFF.md next; 'bnn-hw verify {model}' checks every bit of it"
    )


def _folding_facts(network: Network, folding: Folding) -> dict[str, Any]:
    return {
        block.name: {
            "pe": fold.pe,
            "simd": fold.simd,
            "nf": block.out_channels // fold.pe,
            "sf": block.fan_in // fold.simd,
            "cycles": cycles,
        }
        for block, fold, cycles in zip(
            network.blocks, folding.folds, folding.stage_cycles, strict=True
        )
    }


def _table(folds: dict[str, Any], cycles: int) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer")
    for column in ("PE", "SIMD", "NF", "SF", "cycles", "busy"):
        table.add_column(column, justify="right")
    for name, fold in folds.items():
        figures = [str(fold[key]) for key in ("pe", "simd", "nf", "sf", "cycles")]
        table.add_row(name, *figures, f"{100 * fold['cycles'] / cycles:.0f} %")
    return table
