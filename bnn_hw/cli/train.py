"""``bnn-hw train``: one experiment, from records to frozen networks, a study and a model card.

Joins what no station may import from another: training gives checkpoints, freeze makes integers of
them, report measures those with golden. Everything is written beside and swapped in.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnn_hw.cli.options import json_option, records_option
from bnn_hw.cli.output import print_json, print_table, remark
from bnn_hw.errors import ToolMissing, UserError, install
from bnn_hw.files import write_text
from bnn_hw.ir import Network, save_network

if TYPE_CHECKING:  # torch stands behind these
    from bnn_hw.report.study_model import Header, Part, Study
    from bnn_hw.training.results import PartResult, SeedResult, Trained


@click.command()
@click.argument("config", metavar="CONFIG.toml", type=click.Path(path_type=Path))
@records_option()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder of all that comes of it [default: runs/<name of CONFIG>].",
)
@click.option("--resume", is_flag=True, help="Go on where a run was interrupted.")
@click.option("--smoke", is_flag=True, help="A few epochs on the shipped slices, without records.")
@click.option(
    "--seeds",
    metavar="S,S",
    help="Train these seeds alone; several such runs may share a folder, and --resume without "
    "--seeds joins them.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Seeds trained at a time [default: one a core].",
)
@json_option("the figures")
def train(
    config: Path,
    records: Path | None,
    output: Path | None,
    resume: bool,
    smoke: bool,
    seeds: str | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Train the networks of CONFIG.toml, freeze and measure them; needs torch (the extra 'train')."""
    if importlib.util.find_spec("torch") is None:
        raise ToolMissing(f"training needs torch, which is not installed; {install('train')}")
    from bnn_hw.training.run import parse_seeds
    from bnn_hw.training.run import train as run_training

    target = output if output is not None else Path("runs") / config.stem
    try:
        chosen = None if seeds is None else parse_seeds(seeds)
    except ValueError as error:
        raise UserError(f"--seeds: {error}") from None
    trained = run_training(config, records, target, resume, smoke, seeds=chosen, jobs=jobs)
    if chosen is not None:
        if as_json:
            print_json([result.to_dict() for result in trained.seeds])
        else:
            names = ", ".join(trained.checkpoint(target, r.seed).name for r in trained.seeds)
            click.echo(
                f"{target}: {names}; 'bnn-hw train {config} -o {target} --resume' joins all seeds"
            )
        return
    study = _finish(trained, target)
    if as_json:
        print_json(study.to_dict())
        return
    from bnn_hw.cli.study import lines, table

    print_table(table(study))
    for line in lines(study):
        click.echo(line)
    name = trained.experiment.name
    click.echo(f"{target}: {name}.md (model card), {name}.json (frozen network), study/")


def _finish(trained: Trained, out: Path) -> Study:
    """Freeze and measure every seed; write study, chosen network and card."""
    from bnn_hw.report.evaluation import evaluate, with_metrics
    from bnn_hw.report.model_card import model_card
    from bnn_hw.report.study import build_study, measure_seed
    from bnn_hw.report.study_files import condense, save_study, unequal_counts

    header = _header(trained)
    entries, networks = [], {}
    for result in trained.seeds:
        remark(f"freezing seed {result.seed}: every threshold is proven, golden reads the test")
        network = _frozen(trained, result, out)
        binary, twin = result.parts["binary"], result.parts.get("twin")
        entry = measure_seed(
            header,
            trained.fragments,
            network,
            result.seed,
            result.split_seed,
            binary.epoch,
            None if twin is None else _float_part(twin),
        )
        torch_correct = {"validation": binary.validation.correct, "test": binary.test.correct}
        for line in unequal_counts(entry, torch_correct):
            remark(
                f"seed {result.seed}: golden counts {line}; golden's figure is the one that holds"
            )
        entries.append(entry)
        networks[result.seed] = network
    best = trained.chosen
    study = build_study(header, trained.fragments, entries, best.seed, networks[best.seed])
    shares = (header.test_share, header.validation_share)
    metrics: dict[str, Any] = evaluate(
        networks[best.seed], trained.fragments, header.protocol, best.split_seed, shares
    )
    metrics["studies"] = {study.protocol: condense(study).to_dict()}
    network = with_metrics(networks[best.seed], metrics)
    card = model_card(network)
    save_study(study, networks, out / "study")
    save_network(network, out / f"{trained.experiment.name}.json")
    write_text(out / f"{trained.experiment.name}.md", card)
    return study


def _header(trained: Trained) -> Header:
    from bnn_hw.report.study_model import Header
    from bnn_hw.training.data import SMOKE_SHARES

    data = trained.experiment.data
    test_share, validation_share = (
        SMOKE_SHARES if trained.smoke else (data.test_share, data.validation_share)
    )
    return Header(
        smoke=trained.smoke,
        set=data.set,
        protocol="random" if trained.smoke else data.protocol,
        test_share=test_share,
        validation_share=validation_share,
        name=trained.experiment.name,
        experiment=trained.experiment.model_dump(mode="json"),
    )


def _frozen(trained: Trained, result: SeedResult, out: Path) -> Network:
    """Freeze a seed's network; the whole set chooses the width of its head."""
    from bnn_hw.freeze import freeze, load_checkpoint
    from bnn_hw.golden import PackedNetwork
    from bnn_hw.verify.inputs import prepare_fragments

    samples = prepare_fragments(trained.fragments.samples, trained.description.input)
    facts: Mapping[str, Any] = {
        "training": {
            "experiment": trained.experiment.name,
            "seed": result.seed,
            "epoch": result.parts["binary"].epoch,
        }
    }
    return freeze(
        trained.description,
        load_checkpoint(trained.checkpoint(out, result.seed)),
        samples,
        head_sums=lambda network, given: PackedNetwork(network).head_sums(given),
        provenance=facts,
    ).network


def _float_part(part: PartResult) -> Part:
    from bnn_hw.report.study import counted, figures
    from bnn_hw.report.study_model import Part

    return Part(epoch=part.epoch, validation=figures(part.validation), test=counted(part.test))
