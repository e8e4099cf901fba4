"""``bnn-hw train``: one experiment, from records to a checkpoint and its metrics."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from bnn_hw.cli.output import print_json
from bnn_hw.errors import ToolMissing


@click.command()
@click.argument("config", metavar="CONFIG.toml", type=click.Path(path_type=Path))
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    envvar="BNN_HW_RECORDS",
    show_envvar=True,
    help="Folder of the WFDB records.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder of checkpoint, metrics and log [default: runs/<name of CONFIG>].",
)
@click.option("--resume", is_flag=True, help="Go on where a run was interrupted.")
@click.option("--smoke", is_flag=True, help="A few epochs on the shipped slices, without records.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
def train(
    config: Path,
    records: Path | None,
    output: Path | None,
    resume: bool,
    smoke: bool,
    as_json: bool,
) -> None:
    """Train the network of CONFIG.toml; needs torch (the extra 'train')."""
    if importlib.util.find_spec("torch") is None:
        raise ToolMissing(
            "training needs torch, which is not installed; run: pip install 'bnn_hw[train]'"
        )
    from bnn_hw.training.run import train as run_training

    target = output if output is not None else Path("runs") / config.stem
    metrics = run_training(config, records, target, resume, smoke)
    if as_json:
        print_json(metrics.to_dict())
    else:
        click.echo(f"{target}")
