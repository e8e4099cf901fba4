"""``bnn-hw generate``: a frozen network becomes a build folder."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bnn_hw.cli.models import find_model
from bnn_hw.cli.options import json_option
from bnn_hw.cli.output import print_json, print_table
from bnn_hw.errors import UserError
from bnn_hw.generate.estimate import DEFAULT_FAMILY, Estimate, estimate, estimated_families
from bnn_hw.generate.folding import Folding, default_cycles, fastest, override
from bnn_hw.generate.fpga_targets import TARGETS, find_target
from bnn_hw.generate.logic_cells import solve_logic_cells
from bnn_hw.generate.solver import (
    Goal,
    cycles_for_rate,
    default_latency,
    place_roms,
    solve,
    solve_fastest,
    solve_smallest,
)
from bnn_hw.ir import Network

DEMO_FRAGMENTS = 4
_FOLD = re.compile(r"([A-Za-z][A-Za-z0-9_]{0,62})=([0-9]{1,9})x([0-9]{1,9})", re.ASCII)


def choose_folding(
    network: Network,
    cycles: int | None = None,
    folds: tuple[str, ...] = (),
    rate: float | None = None,
    clock: float | None = None,
    family: str = DEFAULT_FAMILY,
    block_rams: int | None = None,
    rom: str = "auto",
    latency: int | None = None,
    samples_per_cycle: int | None = None,
) -> Folding:
    """The solver's folding, with the layers set that ``folds`` give as ``LAYER=PExSIMD``.

    Its target is one of ``cycles`` a fragment, ``rate`` (fragments/s) with ``clock`` (MHz), and
    ``smallest`` or ``fastest`` in ``folds``; without any it is one beat of the input a cycle. With
    ``block_rams`` and cycles it is that of :mod:`bnn_hw.generate.logic_cells`. A beat of the input has
    ``samples_per_cycle`` samples; without it as many as the target takes, one where there is none.

    Raises
    ------
    UserError
        When there are two targets, or the one cannot be met, or a fold is not legal; gives the nearest
        legal one.
    """
    goals = [fold for fold in folds if fold in _GOALS]
    given = [f"--fold {goal}" for goal in goals]
    given += [f"--cycles {cycles}"] if cycles is not None else []
    given += [f"--rate {rate:g}"] if rate is not None else []
    if len(given) > 1:
        raise UserError(f"{given[0]} and {given[1]} are two targets: give one of them")
    goal = Goal(_ROMS[rom], latency, samples_per_cycle)
    if (rate is None) != (clock is None):
        raise UserError("--rate FRAGMENTS_PER_S and --clock MHZ belong together: give both or none")
    if goals:
        folding = _GOALS[goals[0]](network, family, goal)
    else:
        if rate is not None and clock is not None:
            cycles = cycles_for_rate(network, rate, clock, samples_per_cycle)
        if cycles is None:
            goal = replace(goal, samples_per_beat=samples_per_cycle or 1)
            cycles = default_cycles(network, samples_per_cycle or 1)
        if block_rams is None or _is_wide(network, cycles, samples_per_cycle):
            folding = _solve(network, cycles, family, goal)
        else:
            folding = solve_logic_cells(network, cycles, block_rams)
    given_folds = dict(_parse_fold(f) for f in folds if f not in _GOALS)
    if not given_folds:
        return folding
    if block_rams is not None:
        return override(network, folding, given_folds)
    # The weights of all layers share the block RAM: they are placed anew.
    return place_roms(network, override(network, folding, given_folds), family, goal)


def _is_wide(network: Network, cycles: int, samples_per_cycle: int | None) -> bool:
    """Whether more than one sample has to come in at once; such a fold is no matter of small devices."""
    if samples_per_cycle is None:
        return cycles < fastest(network).cycles
    return samples_per_cycle > 1


def _solve(network: Network, cycles: int, family: str, goal: Goal) -> Folding:
    """At one sample a cycle the result is to come soon, too, where that can be had."""
    if goal.latency is None and cycles <= default_cycles(network):
        try:
            soon = replace(goal, latency=default_latency(network))
            return solve(network, cycles, family, soon)
        except UserError:
            pass
    return solve(network, cycles, family, goal)


# Block RAM that weights may take by default, in halves of a BRAM36; any amount; none.
_ROMS = {"auto": 8, "block": None, "lut": 0}
_GOALS = {"smallest": solve_smallest, "fastest": solve_fastest}


def _parse_fold(text: str) -> tuple[str, tuple[int, int]]:
    match = _FOLD.fullmatch(text)
    if match is None:
        raise UserError(
            f"--fold {text[:80]!r} is not smallest, fastest or LAYER=PExSIMD, such as conv2=4x8"
        )
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
@click.option("--cycles", type=int, help="Most cycles a fragment [default: one sample a cycle].")
@click.option("--rate", type=float, metavar="FRAGMENTS_PER_S", help="Instead: least rate...")
@click.option("--clock", type=float, metavar="MHZ", help="... at this clock.")
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
    help="Samples that come in at once [default: as many as the target takes].",
)
@click.option(
    "--latency",
    type=int,
    help="Most cycles from a fragment's last sample to the end of its result "
    "[default at one sample a cycle: a sixth of the samples, where that can be had].",
)
@click.option(
    "--rom",
    type=click.Choice(tuple(_ROMS)),
    default="auto",
    show_default=True,
    help="Weights of folded layers in LUTs, in block RAM, or where they cost least, in up to 4 block RAMs.",
)
@click.option(
    "--target",
    "device",
    help=f"Fold for this device, as 'bnn-hw synth' does: {', '.join(TARGETS)}.",
)
@click.option(
    "--family",
    default=DEFAULT_FAMILY,
    show_default=True,
    help=f"Device family whose LUTs are estimated and kept few: {', '.join(estimated_families())}.",
)
@click.option(
    "--estimate", "only_estimate", is_flag=True, help="Print the estimate and write nothing."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder [default: build/<model>]."
)
@click.option(
    "--axi-lite",
    is_flag=True,
    help="Add registers behind AXI4-Lite with an interrupt, their C header and PYNQ driver.",
)
@json_option("what was generated")
def generate(
    model: str,
    cycles: int | None,
    rate: float | None,
    clock: float | None,
    folds: tuple[str, ...],
    samples_per_cycle: int | None,
    latency: int | None,
    rom: str,
    device: str | None,
    family: str,
    only_estimate: bool,
    output: Path | None,
    axi_lite: bool,
    as_json: bool,
) -> None:
    """Generate RTL, HLS C++, hand-off, test vectors and manifest of MODEL into build/<model>/."""
    found = find_model(model)
    network = found.network
    if device is None:
        folding = choose_folding(
            *(network, cycles, folds, rate, clock, family),
            rom=rom,
            latency=latency,
            samples_per_cycle=samples_per_cycle,
        )
        expected = estimate(network, folding, family)
    elif rate is not None or clock is not None or latency is not None or rom != "auto":
        raise UserError(
            "--target folds as 'bnn-hw synth' does: beside it only --cycles and --fold; leave out --rate, "
            "--clock, --latency and --rom"
        )
    else:
        from bnn_hw.cli.synth import folding_for

        goal = find_target(device)
        folding, expected = folding_for(network, goal, cycles, folds, samples_per_cycle)
    facts: dict[str, Any] = {
        "model": found.name,
        "digest": network.digest(),
        "cycles_per_fragment": folding.cycles,
        "samples_per_cycle": folding.samples_per_beat,
        "folding": _folding_facts(network, folding),
        "estimate": expected.as_dict(),
    }
    if only_estimate:
        _print_choice(facts, expected, as_json)
        return

    from bnn_hw.generate.build import generate as generate_build
    from bnn_hw.verify.fragments import demo_samples

    target = output if output is not None else Path("build") / found.name
    samples = demo_samples(network, DEMO_FRAGMENTS)
    build = generate_build(network, folding, target, samples, axi_lite)
    files = sum(1 for path in build.path.rglob("*") if path.is_file())
    facts |= {"files": files, "path": str(target)}
    _print_choice(facts, expected, as_json)
    if as_json:
        return
    click.echo(f"written {target}/, {files} files:")
    for folder, what in _CONTENTS:
        click.echo(f"  {folder:<9} {what}")
    # verify MODEL renders anew, without what was asked for here
    subject = f"--build {target}" if axi_lite else model
    click.echo(
        f"read {target}/handoff/HANDOFF.md next; 'bnn-hw verify {subject}' checks every bit of it"
    )


def _folding_facts(network: Network, folding: Folding) -> dict[str, Any]:
    return {
        block.name: {
            "pe": fold.pe,
            "simd": fold.simd,
            "nf": block.out_channels // fold.pe,
            "sf": block.fan_in // fold.simd,
            "block_bits": fold.block_bits,
            "digits": fold.digits,
            "cycles": cycles,
        }
        for block, fold, cycles in zip(
            network.blocks, folding.folds, folding.stage_cycles, strict=True
        )
    }


def _print_choice(facts: dict[str, Any], expected: Estimate, as_json: bool) -> None:
    """What the solver chose and what it is expected to take."""
    if as_json:
        print_json(facts)
        return
    samples = facts["samples_per_cycle"]
    wide = f" at {samples} samples a cycle" if samples > 1 else ""
    click.echo(
        f"{facts['model']}, digest {facts['digest'][:16]}, {expected.cycles} cycles a fragment{wide}, "
        f"result {expected.latency} cycles after the last sample; "
        f"estimate for {expected.family}: {expected.lut} LUT, {expected.ff} FF, "
        f"{expected.bram:g} block RAM"
    )
    print_table(_table(expected))


def _table(expected: Estimate) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("layer")
    for column in ("PE", "SIMD", "steps", "cycles", "share", "LUT", "FF", "ROM bits", "ROM"):
        table.add_column(column, justify="right")
    for layer in expected.layers:
        table.add_row(
            *(layer.name, str(layer.pe), str(layer.simd), str(layer.steps), str(layer.cycles)),
            *(f"{100 * layer.share:.0f} %", str(layer.lut), str(layer.ff), str(layer.rom_bits)),
            layer.rom,
        )
    table.add_row(
        *("framer, head", "", "", "", "", ""), str(expected.around.lut), str(expected.around.ff)
    )
    return table
