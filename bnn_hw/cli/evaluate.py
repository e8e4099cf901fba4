"""``bnn-hw evaluate``: how well a frozen network classifies real records; the model card."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from bnn_hw.cli.models import find_model
from bnn_hw.cli.output import print_json, remark
from bnn_hw.files import write_text


@click.command()
@click.argument("model")
@click.option(
    "--set",
    "set_name",
    type=click.Choice(["ecg5", "ecg17"]),
    help="Default: the set of MODEL's classes.",
)
@click.option(
    "--protocol",
    type=click.Choice(["random", "paper", "inter-patient"]),
    default="random",
    show_default=True,
)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the split.")
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    envvar="BNN_HW_RECORDS",
    help="Folder of the WFDB records.",
)
@click.option(
    "--write", is_flag=True, help="Keep the figures in MODEL's file and write its card beside."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(
    model: str,
    set_name: Literal["ecg5", "ecg17"] | None,
    protocol: Literal["random", "paper", "inter-patient"],
    seed: int,
    records: Path | None,
    write: bool,
    as_json: bool,
) -> None:
    """Accuracy of the integer network MODEL on the validation and test part of a split."""
    from bnn_hw.ecg.fragments import load_set
    from bnn_hw.ecg.records import records_dir
    from bnn_hw.ir import save_network
    from bnn_hw.report.evaluation import evaluate as measure
    from bnn_hw.report.evaluation import with_metrics
    from bnn_hw.report.model_card import model_card
    from bnn_hw.verify.fragments import set_of

    found = find_model(model)
    name = set_name or set_of(found.network.labels)
    folder = records_dir(records)
    remark(f"reading {name} from records, split {protocol}, seed {seed}")
    metrics = measure(found.network, load_set(name, folder), protocol, seed)
    if write:
        network = with_metrics(found.network, metrics)
        card = found.path.with_suffix(".md")
        text = model_card(network)
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
