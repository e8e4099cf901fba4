"""``bnn-hw robustness``: what disturbances of the ECG cost a frozen network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.table import Table
from rich.text import Text

from bnn_hw.cli.models import find_model
from bnn_hw.cli.options import json_option, records_option, split_options
from bnn_hw.cli.output import print_json, print_table, progress_bar, remark
from bnn_hw.files import write_bytes, write_text
from bnn_hw.report.text import percent, points

if TYPE_CHECKING:
    from bnn_hw.report.evaluation import Protocol


@click.command()
@click.argument("model")
@split_options
@records_option()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder of table and picture.  [default: build/robustness/NAME]",
)
@json_option("the figures")
def robustness(
    model: str,
    set_name: Literal["ecg5", "ecg17"] | None,
    protocol: Protocol | None,
    seed: int | None,
    records: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Disturb the test part of a split and see what the integer network MODEL still gets right."""
    from bnn_hw.ecg.fragments import load_set
    from bnn_hw.ecg.records import records_dir
    from bnn_hw.report.evaluation import chosen_split, split_facts, split_rows
    from bnn_hw.report.pictures import require_matplotlib
    from bnn_hw.report.robustness import clean_line, mark_line, markdown, study
    from bnn_hw.report.robustness_picture import picture
    from bnn_hw.verify.fragments import set_of

    found = find_model(model)
    network = found.network
    require_matplotlib()  # before the work, not after it
    name = set_name or set_of(network.labels)
    protocol, seed, shares = chosen_split(network, protocol, seed)
    folder = records_dir(records)
    remark(f"reading {name} from records, split {protocol}, seed {seed}")
    fragments = load_set(name, folder)
    rows = split_rows(fragments, protocol, seed, shares).test
    with progress_bar("levels") as update:
        results = study(network, fragments, rows, progress=update)
    results = {**results, **split_facts(protocol, seed, shares)}
    files = {
        "robustness.json": json.dumps(results, indent=2, allow_nan=False) + "\n",
        "robustness.md": markdown(results),
    }
    drawn = picture(results)
    target = output or Path("build") / "robustness" / found.name
    for file, text in files.items():
        write_text(target / file, text)
    write_bytes(target / "robustness.svg", drawn)
    if as_json:
        print_json(results)
    else:
        print_table(_table(results))
        click.echo(clean_line(results))
        click.echo(mark_line(results))
    remark(f"written {target}: {', '.join([*files, 'robustness.svg'])}")


def _table(results: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("disturbance")
    table.add_column("level")
    for column in ("correct", "accuracy %", "difference", "macro-F1 %"):
        table.add_column(column, justify="right")
    table.add_column("mark")
    previous = ""
    for row in results["rows"]:
        loss = row["difference_points"] < -results["mark"]["points"]
        table.add_row(
            "" if row["disturbance"] == previous else row["disturbance"],
            row["label"],
            str(row["correct"]),
            percent(row["accuracy"]),
            Text(points(row["difference_points"]), style="red" if loss else ""),
            percent(row["macro_f1"]),
            ("fail" if loss else "pass") if row["in_mark"] else "",
        )
        previous = row["disturbance"]
    return table
