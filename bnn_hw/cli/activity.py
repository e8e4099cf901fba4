"""``bnn-hw activity``: toggle counts of every layer, back to back and at low rate."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from bnn_hw.cli.generate import DEMO_FRAGMENTS
from bnn_hw.cli.models import find_model
from bnn_hw.cli.options import json_option
from bnn_hw.cli.output import print_json, print_table, remark
from bnn_hw.generate.choose import choose_folding
from bnn_hw.report.activity import RUNS, ActivityView, activity_view
from bnn_hw.simulate.activity.measurement import DEFAULT_INTERVAL


@click.command()
@click.argument("model")
@click.option("--cycles", type=int, help="Cycles a fragment of the build that is rendered.")
@click.option(
    "--build",
    "build_folder",
    type=click.Path(path_type=Path),
    help="Count the RTL in this folder as it is, without rendering.",
)
@click.option(
    "--interval",
    type=click.IntRange(1, 1_000_000),
    default=DEFAULT_INTERVAL,
    show_default=True,
    help="Clock cycles from sample to sample at low rate.",
)
@click.option(
    "--fragments",
    type=click.IntRange(1, DEMO_FRAGMENTS),
    default=1,
    show_default=True,
    help="Fragments that are counted.",
)
@json_option("all counts, cell by cell,")
def activity(
    model: str,
    cycles: int | None,
    build_folder: Path | None,
    interval: int,
    fragments: int,
    as_json: bool,
) -> None:
    """Count the toggles of MODEL's RTL in simulation: full rate, low rate, clock stopped between samples.

    The counts go to build/activity/<model>.json and from there into the report. They are no energy.
    """
    from bnn_hw.errors import UserError
    from bnn_hw.generate.build import generate, open_build
    from bnn_hw.simulate.activity.measurement import measure, measurement_file, write_measurement
    from bnn_hw.verify.fragments import default_fragments, demo_samples

    found = find_model(model)
    network = found.network
    if build_folder is not None and cycles is not None:
        raise UserError("--cycles goes with rendering and --build counts files as they are")
    samples = demo_samples(network, DEMO_FRAGMENTS)
    if build_folder is not None:
        build = open_build(build_folder, network)
    else:
        target = Path("build") / found.name
        build = generate(network, choose_folding(network, cycles), target, samples)
    number = f"{fragments} fragment{'s' if fragments > 1 else ''}"
    source = f"{number} of: {default_fragments(network, None, None).source}"
    measurement = measure(
        build, samples[:fragments], source, Path("build") / ".simulations", interval, remark
    )
    file = measurement_file(build.path)
    write_measurement(file, measurement)
    remark(f"JSON: {file}")
    if as_json:
        print_json(measurement.as_dict())
        return
    view = activity_view(measurement)
    click.echo(f"{view.name}, digest {view.digest[:16]}, {view.source}; counts a fragment")
    print_table(_runs(view))
    print_table(_parts(view))
    click.echo(
        "Bits that differ at the clock's edges in the RTL, without glitches: counts, no energy."
    )


def _runs(view: ActivityView) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for run in RUNS:
        table.add_column(run, justify="right")
    for what, values in view.figures:
        table.add_row(what, *values)
    return table


def _parts(view: ActivityView) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("register toggles")
    for column in ("register bits", "share", *RUNS, "while idle, low rate"):
        table.add_column(column, justify="right")
    for row in view.parts:
        table.add_row(row.name, row.register_bits, row.share, *row.registers, row.idle)
    return table
