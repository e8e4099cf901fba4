"""``bnn-hw study``: the networks of every seed measured again, and compared with what was kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from bnn_hw.cli.options import json_option, records_option
from bnn_hw.cli.output import print_json, print_table, remark
from bnn_hw.report.text import percent

if TYPE_CHECKING:
    from bnn_hw.report.study_model import Study, Summary

_SHOWN_DIFFERENCES = 20


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@records_option()
@json_option("study and differences")
def study(folder: Path, records: Path | None, as_json: bool) -> int:
    """Measure the frozen networks of the study in DIR again; exit 1 if a figure differs."""
    from bnn_hw.ecg.fragments import load_set
    from bnn_hw.ecg.records import records_dir
    from bnn_hw.ecg.slices import load_slices
    from bnn_hw.report.study_files import differences, load_seeds, load_study, measure_again

    kept = load_study(folder)
    networks = load_seeds(folder, kept)
    if kept.smoke:
        fragments = load_slices(kept.set)
    else:
        where = records_dir(records)
        remark(f"reading {kept.set} from records")
        fragments = load_set(kept.set, where)
    measured = measure_again(kept, networks, fragments)
    found = differences(kept, measured)
    if as_json:
        print_json({"equal": not found, "differences": found, "study": measured.to_dict()})
    else:
        print_table(table(measured))
        for line in lines(measured):
            click.echo(line)
        for line in found[:_SHOWN_DIFFERENCES]:
            click.echo(line)
        more = len(found) - _SHOWN_DIFFERENCES
        if more > 0:
            click.echo(f"and {more} more differences")
        click.echo(
            f"{len(found)} differences" if found else "equal: digests, counts and all that follows"
        )
    return 1 if found else 0


def table(study: Study) -> Table:
    """One line a seed, then the mean."""
    from bnn_hw.report.study_model import PART_TITLES

    shown = [name for name in PART_TITLES if getattr(study.summary, name) is not None]
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("seed", "split", "bytes", "epoch", "validation %"):
        grid.add_column(column, justify="right")
    for name in shown:
        grid.add_column(f"{PART_TITLES[name]} test %", justify="right")
        grid.add_column("macro-F1 %", justify="right")
    for entry in study.seeds:
        star = "*" if entry.seed == study.chosen else ""
        cells = [f"{star}{entry.seed}", str(entry.split_seed), str(entry.storage_bytes)]
        cells += [str(entry.epoch), percent(entry.validation.accuracy)]
        for name in shown:
            part = entry.part(name)
            assert part is not None
            cells += [percent(part.test.accuracy), percent(part.test.macro_f1)]
        grid.add_row(*cells)
    cells = ["mean", "", "", "", study.summary.binary.validation_accuracy.percent()]
    for name in shown:
        summary: Summary = getattr(study.summary, name)
        cells += [summary.accuracy.percent(), summary.macro_f1.percent()]
    grid.add_row(*cells)
    return grid


def lines(study: Study) -> list[str]:
    """Mean and interval of the frozen networks, in words."""
    summary = study.summary.binary
    pooled = summary.pooled
    low, high = pooled.interval_95
    count = f"{pooled.correct} of {pooled.fragments} correct, 95 % interval {percent(low)} to "
    count += f"{percent(high)} %"
    if pooled.distinct_fragments != pooled.fragments:
        low, high = pooled.interval_95_distinct
        count += (
            f"; they are {pooled.distinct_fragments} different fragments, with so many it is "
            f"{percent(low)} to {percent(high)} %"
        )
    shown = [
        f"{study.name}, {study.protocol}, {len(study.seeds)} seeds: test accuracy "
        f"{summary.accuracy.percent()} %, macro-F1 {summary.macro_f1.percent()} %",
        count,
    ]
    if study.protocol == "paper":
        shown.append("epoch and seed were chosen on the test: only to compare with such figures")
    if study.smoke:
        shown.append("a smoke run on the few shipped slices: it measures nothing")
    return shown
