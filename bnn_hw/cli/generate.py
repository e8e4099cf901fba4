"""``bnn-hw generate``: a frozen network becomes a build folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bnn_hw.cli.models import find_model
from bnn_hw.cli.options import json_option
from bnn_hw.cli.output import print_json, print_table
from bnn_hw.errors import UserError
from bnn_hw.generate.choose import ROMS, choose_folding
from bnn_hw.generate.estimate import DEFAULT_FAMILY, Estimate, estimate, estimated_families
from bnn_hw.generate.folding import Folding
from bnn_hw.generate.fpga_targets import TARGETS, find_target
from bnn_hw.ir import Network

DEMO_FRAGMENTS = 4
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
    help="Samples that come in at once [default: as few as the target allows].",
)
@click.option(
    "--latency",
    type=int,
    help="Most cycles from a fragment's last sample to the end of its result "
    "[default at one sample a cycle: a sixth of the samples, where that can be had].",
)
@click.option(
    "--rom",
    type=click.Choice(tuple(ROMS)),
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
            "--target folds as 'bnn-hw synth' does: beside it only --cycles, --fold and "
            "--samples-per-cycle; leave out --rate, --clock, --latency and --rom"
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
    asked = axi_lite or output or device or folding != choose_folding(network)
    subject = f"--build {target}" if asked else model
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
            "ring": fold.ring,
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
