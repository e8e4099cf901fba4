"""``bnn-hw classify``: the class of each fragment of a record or an array, by the golden model."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import click

from bnn_hw.cli.models import find_model
from bnn_hw.cli.output import progress_bar, remark
from bnn_hw.files import write_text
from bnn_hw.golden import PackedNetwork, Result
from bnn_hw.ir import Network
from bnn_hw.verify.inputs import read_input


@click.command()
@click.argument("model")
@click.argument("input_file", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("--csv", "form", flag_value="csv", default=True, help="One row a fragment (default).")
@click.option("--json", "form", flag_value="json", help="One object a fragment.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write there, not to stdout.")
@click.option("--lead", help="Lead of a WFDB record (default: MLII, else the first).")
@click.option(
    "--prepare",
    is_flag=True,
    help="INPUT.npy is raw: apply the network's preparation (a record always gets it).",
)
def classify(
    model: str, input_file: Path, form: str, output: Path | None, lead: str | None, prepare: bool
) -> None:
    """Classify INPUT, a WFDB record of any length or an .npy of integers (fragments, samples).

    One row a fragment: index, class, label, scores. Scores are the integers that the hardware sends.
    """
    network = find_model(model).network
    fragments = read_input(input_file, network.input, prepare=prepare, lead=lead)
    if fragments.remark:
        remark(fragments.remark)
    with progress_bar("classify") as update:
        result = PackedNetwork(network).run(fragments.samples, update)
    text = _json(network, result) if form == "json" else _csv(network, result)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)


def _csv(network: Network, result: Result) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["index", "class", "label", "scores"])
    for index, (number, scores) in enumerate(
        zip(result.classes.tolist(), result.scores.tolist(), strict=True)
    ):
        writer.writerow([index, number, network.labels[number], " ".join(map(str, scores))])
    return stream.getvalue()


def _json(network: Network, result: Result) -> str:
    rows = [
        json.dumps(
            {"index": index, "class": number, "label": network.labels[number], "scores": scores}
        )
        for index, (number, scores) in enumerate(
            zip(result.classes.tolist(), result.scores.tolist(), strict=True)
        )
    ]
    return "[\n" + ",\n".join(rows) + "\n]\n"
