"""``bnn-hw evaluate``: how well a frozen network classifies real records; the model card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from bnn_hw.cli.models import find_model
from bnn_hw.cli.options import json_option, records_option, split_options
from bnn_hw.cli.output import print_json, remark
from bnn_hw.errors import UserError
from bnn_hw.files import write_text
from bnn_hw.ir import Network
from bnn_hw.ir.storage import macs

if TYPE_CHECKING:
    from bnn_hw.report.evaluation import Protocol


@click.command()
@click.argument("model")
@split_options
@records_option()
@click.option(
    "--write", is_flag=True, help="Keep the figures in MODEL's file and write its card beside."
)
@click.option(
    "--study",
    "folders",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder of a study to keep the summary of, with --write; may stand once a protocol.",
)
@json_option("the figures")
def evaluate(
    model: str,
    set_name: Literal["ecg5", "ecg17"] | None,
    protocol: Protocol | None,
    seed: int | None,
    records: Path | None,
    write: bool,
    folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Accuracy of the integer network MODEL on the validation and test part of a split."""
    from bnn_hw.ecg.fragments import load_set
    from bnn_hw.ecg.records import records_dir
    from bnn_hw.ir import save_network
    from bnn_hw.report.evaluation import chosen_split, with_metrics
    from bnn_hw.report.evaluation import evaluate as measure
    from bnn_hw.report.model_card import model_card
    from bnn_hw.verify.fragments import set_of

    if folders and not write:
        raise UserError("--study keeps summaries in MODEL's file: give --write too")
    found = find_model(model)
    name = set_name or set_of(found.network.labels)
    studies = _studies(found.network, folders, name)
    protocol, seed, shares = chosen_split(found.network, protocol, seed)
    folder = records_dir(records)
    remark(f"reading {name} from records, split {protocol}, seed {seed}")
    metrics = measure(found.network, load_set(name, folder), protocol, seed, shares)
    if studies:
        metrics["studies"] = studies
    if write:
        network = with_metrics(found.network, metrics)
        card = found.path.with_suffix(".md")
        text = model_card(network, found.name)
        save_network(network, found.path)
        write_text(card, text)
        remark(f"written {found.path} and {card}")
    if as_json:
        print_json(metrics)
        return
    for part in ("validation", "test"):
        if part in metrics:
            figures = metrics[part]
            low, high = figures["interval_95"]
            click.echo(
                f"{part}: {figures['correct']} of {figures['fragments']} = "
                f"{100 * figures['accuracy']:.2f} % (95 % interval {100 * low:.1f} to {100 * high:.1f}), "
                f"macro-F1 {100 * figures['macro_f1']:.1f} %"
            )


def _studies(network: Network, folders: tuple[Path, ...], set_name: str) -> dict[str, Any]:
    """The summaries that the network keeps, those of ``folders`` in the place of older ones."""
    from bnn_hw.report.study_files import condense, load_study, noted_studies

    noted = {study.protocol: study for study in noted_studies(network)}
    given: dict[str, Path] = {}
    for folder in folders:
        study = load_study(folder)
        if study.set != set_name or study.labels != network.labels:
            raise UserError(
                f"study {folder} is of set {study.set}, {network.name} is of {set_name}; choose another"
            )
        if study.smoke:
            raise UserError(
                f"study {folder} is a smoke run, which measures nothing; choose another"
            )
        if study.protocol in given:
            raise UserError(
                f"studies {given[study.protocol]} and {folder} are both of protocol "
                f"{study.protocol}; give one"
            )
        if study.macs != macs(network):
            remark(
                f"study {folder} is of networks with {study.macs:,} multiply-adds a fragment, "
                f"{network.name} has {macs(network):,}"
            )
        given[study.protocol] = folder
        noted[study.protocol] = condense(study)
    return {protocol: study.to_dict() for protocol, study in noted.items()}
