"""``bnn-hw synth``: Yosys and nextpnr on a network, beside what was estimated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from bnn_hw.cli.models import find_model
from bnn_hw.cli.options import json_option
from bnn_hw.cli.output import print_table, remark
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.estimate import DEFAULT_FAMILY, Estimate, estimate, estimated_families
from bnn_hw.generate.folding import Folding, fastest, legal_samples_per_beat
from bnn_hw.generate.fpga_targets import TARGETS, Target, find_target
from bnn_hw.generate.manifest import SYNTHESES
from bnn_hw.ir import Network

if TYPE_CHECKING:
    from bnn_hw.synth.result import SynthResult

DEFAULT_TARGET = "xc7"


@click.command()
@click.argument("model")
@click.option(
    "--target",
    "target_name",
    default=DEFAULT_TARGET,
    show_default=True,
    help=f"Device: {', '.join(TARGETS)}.",
)
@click.option("--cycles", type=int, help="Most cycles a fragment [default: the target's].")
@click.option(
    "--fold",
    "folds",
    multiple=True,
    metavar="smallest|fastest|LAYER=PExSIMD",
    help="Instead: fewest LUTs, or fewest cycles; or set the fold of a layer.",
)
@click.option(
    "--samples-per-cycle",
    type=click.IntRange(1),
    metavar="N",
    help="Samples that come in at once [default: as few as the target allows].",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Of nextpnr."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder [default: build/<model>/synth/<target>].",
)
@json_option("the figures, in one line,")
def synth(
    model: str,
    target_name: str,
    cycles: int | None,
    folds: tuple[str, ...],
    samples_per_cycle: int | None,
    seed: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Synthesise MODEL for a device: LUT, FF, RAM; where it can be routed Fmax and a bitstream."""
    from bnn_hw.synth.flow import REPORT, synthesise

    target = find_target(target_name)
    found = find_model(model)
    folding, estimated = folding_for(found.network, target, cycles, folds, samples_per_cycle)
    folder = output if output is not None else Path("build") / found.name / SYNTHESES / target.name
    result = synthesise(
        model=found.name,
        network=found.network,
        folding=folding,
        target=target,
        estimate=estimated,
        folder=folder,
        say=remark,
        seed=seed,
    )
    if as_json:
        click.echo(json.dumps(result.as_dict(), allow_nan=False))
        return
    click.echo(
        f"{found.name}, digest {result.digest[:16]}, on {target.device} at {result.cycles} cycles a fragment"
    )
    print_table(_table(result))
    for line in _remarks(result, target):
        click.echo(line)
    click.echo(f"written {folder}/: {REPORT} has every figure, sources/ what was synthesised")


# A thirtieth more cycles than the fewest save a quarter of the LUTs, and with them wires on the longest path.
_SLACK = 30


def folding_for(
    network: Network,
    target: Target,
    cycles: int | None = None,
    folds: tuple[str, ...] = (),
    samples_per_cycle: int | None = None,
) -> tuple[Folding, Estimate]:
    """What is synthesised for ``target`` unless told otherwise, and what it is estimated to take."""
    family = target.family.value if target.family.value in estimated_families() else DEFAULT_FAMILY
    goals = {"smallest", "fastest"} & set(folds)
    if cycles is None and not goals:
        cycles = target.cycles or _nearly_fastest(network, samples_per_cycle)
    folding = choose_folding(
        network,
        cycles,
        folds,
        family=family,
        block_rams=target.block_rams,
        rom=target.rom,
        samples_per_cycle=samples_per_cycle,
    )
    return folding, estimate(network, folding, family)


def _nearly_fastest(network: Network, samples_per_cycle: int | None) -> int:
    limit = fastest(network, samples_per_cycle or max(legal_samples_per_beat(network))).cycles
    return limit + limit // _SLACK


def _table(result: SynthResult) -> Table:
    counts = result.network
    estimated = result.estimate
    table = Table(box=None, pad_edge=False)
    table.add_column("network alone")
    table.add_column("synthesised", justify="right")
    table.add_column(f"estimated for {estimated['family']}", justify="right")
    rows: list[tuple[str, float, object]] = [
        ("LUT", counts.lut, estimated["lut"]),
        ("FF", counts.ff, estimated["ff"]),
        ("LUT RAM and shift registers", counts.ram - counts.bram, estimated["ram"]),
        ("block RAM", counts.bram, estimated["bram"]),
        ("DSP", counts.dsp, estimated["dsp"]),
    ]
    if result.logic_cells is not None:
        rows.append(("logic cells, packed", result.logic_cells, ""))
    for what, found, guess in rows:
        table.add_row(what, f"{found:g}", str(guess))
    return table


def _remarks(result: SynthResult, target: Target) -> list[str]:
    """What stands below the table."""
    timing = result.timing
    if timing is None or target.board is None:
        return [f"Fmax: there is no open place and route for {target.device}"]
    path = timing.critical_path
    share = 100 * path.routing_ns / path.ns
    return [
        f"Fmax {timing.fmax_mhz:.1f} MHz routed, {result.fragments_per_s:,.0f} fragments/s back to back",
        f"longest path {path.ns:.2f} ns, {path.logic_levels} levels, {share:.0f} % routing: "
        f"{path.start} to {path.end}",
        f"bitstream {result.bitstream} for {target.board.name}, which runs it at "
        f"{target.board.clock_hz / 1e6:g} MHz behind its serial port",
    ]
