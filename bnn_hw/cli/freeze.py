"""``bnn-hw freeze``: a checkpoint and its description become a frozen network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from bnn_hw.cli.options import json_option, records_option
from bnn_hw.cli.output import print_json
from bnn_hw.description import Description
from bnn_hw.errors import UserError
from bnn_hw.files import read_text
from bnn_hw.ir import save_network

_MAX_METRICS_BYTES = 4 << 20


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("description", metavar="NETWORK.toml", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", metavar="MODEL.json", required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--calibrate",
    metavar="INPUT.npy|ecg5|ecg17",
    help="Fragments that set the width of the head: integers as the network takes them, or a set "
    "(whole with --records, else its shipped slices).",
)
@records_option()
@click.option(
    "--metrics",
    metavar="FILE.json",
    type=click.Path(path_type=Path),
    help="Figures of the training to note in the file.",
)
@json_option("the report")
def freeze(
    checkpoint: Path,
    description: Path,
    output: Path,
    calibrate: str | None,
    records: Path | None,
    metrics: Path | None,
    as_json: bool,
) -> None:
    """Freeze CHECKPOINT (a state_dict or .npz) as NETWORK.toml describes it, exactly, into MODEL.json.

    Every threshold is proven on every sum its channel can reach before the file is written.
    """
    from bnn_hw.freeze import freeze as freeze_exactly
    from bnn_hw.freeze import load_checkpoint
    from bnn_hw.golden import PackedNetwork

    described = Description.load(description)
    arrays = load_checkpoint(checkpoint)
    samples = None if calibrate is None else _calibration(calibrate, described, records)
    noted = {} if metrics is None else {"metrics": _metrics(metrics)}
    frozen = freeze_exactly(
        described,
        arrays,
        samples,
        head_sums=lambda network, given: PackedNetwork(network).head_sums(given),
        provenance=noted,
    )
    save_network(frozen.network, output)
    if as_json:
        print_json({**frozen.report.to_dict(), "path": str(output)})
        return
    for line in frozen.report.lines():
        click.echo(line)
    click.echo(f"written {output}")


def _calibration(
    source: str, described: Description, records: Path | None
) -> npt.NDArray[np.integer[Any]]:
    from bnn_hw.ecg.records import records_dir
    from bnn_hw.verify.fragments import fragment_set
    from bnn_hw.verify.inputs import prepare_fragments, read_npy

    if source in ("ecg5", "ecg17"):
        folder = None if records is None else records_dir(records)
        chosen = fragment_set("ecg5" if source == "ecg5" else "ecg17", folder)
        return prepare_fragments(chosen.samples, described.input)
    path = Path(source)
    if path.suffix != ".npy":
        raise UserError(f"--calibrate is {source!r}: give a file .npy, ecg5 or ecg17")
    return read_npy(path)


def _metrics(path: Path) -> Any:
    try:
        return json.loads(read_text(path, _MAX_METRICS_BYTES, "metrics"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UserError(f"metrics {path} are not JSON: {error}") from None


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")
