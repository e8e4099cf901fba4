"""``bnn-hw verify`` and ``python -m bnn_hw.verify``: every level, a table, JSON and HTML."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from bnn_hw.cli.generate import DEMO_FRAGMENTS
from bnn_hw.cli.models import Model, find_model, shipped_models, shipped_twin
from bnn_hw.cli.options import records_option
from bnn_hw.cli.output import remark
from bnn_hw.cli.verify_table import LiveTable
from bnn_hw.errors import ToolMissing, UserError
from bnn_hw.files import write_text
from bnn_hw.generate.choose import choose_folding
from bnn_hw.ir import load_network
from bnn_hw.verify.counts import ALL, Counts, parse_counts
from bnn_hw.verify.fragments import Fragments, default_fragments, demo_samples, from_file
from bnn_hw.verify.levels import LEVELS
from bnn_hw.verify.runner import LevelChoice, choose_levels, run_levels
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Verdict, overall_status

BUILD = Path("build")
# \b keeps click from filling the lines.
_LEVEL_HELP = "\b\nLevels:\n" + "\n".join(f"  {level.name:<11}{level.says}" for level in LEVELS)


@dataclass(frozen=True)
class Request:
    """The options of one call, parsed."""

    model: str | None
    build: Path | None
    checkpoint: Path | None
    input_file: Path | None
    lead: str | None
    prepare: bool
    records: Path | None
    fragments: Counts
    cycles: int | None
    choice: LevelChoice


@click.command(epilog=_LEVEL_HELP)
@click.argument("model", required=False)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Float parameters for the torch level [default: the .npz beside MODEL].",
)
@click.option(
    "--build",
    type=click.Path(path_type=Path),
    help="Verify the files in this folder as they are, without rendering.",
)
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path),
    help="Fragments to use: an .npy of integers or a WFDB record.",
)
@click.option("--lead", help="Lead of a WFDB record given with --input.")
@click.option("--prepare", is_flag=True, help="INPUT.npy is raw: apply the network's preparation.")
@records_option("Folder of the WFDB records: '--fragments all' is then the network's whole set.")
@click.option(
    "--fragments",
    metavar="N|all|LEVEL=N,...",
    help="Fragments that every level takes, or a level by its name: 'all,verilator=500' "
    "[default: each level's own].",
)
@click.option(
    "--levels",
    metavar="NAMES",
    help="Levels to run, with commas between; a minus leaves one out: '--levels -manifest'.",
)
@click.option("--cycles", type=int, help="Cycles a fragment of the build that is rendered.")
@click.option(
    "--json",
    "json_file",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Write the verdict as JSON ('-' for stdout).",
)
@click.option(
    "--html",
    "html_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the report as one HTML file.",
)
def verify(
    model: str | None,
    checkpoint: Path | None,
    build: Path | None,
    input_file: Path | None,
    lead: str | None,
    prepare: bool,
    records: Path | None,
    fragments: str | None,
    levels: str | None,
    cycles: int | None,
    json_file: Path | None,
    html_file: Path | None,
) -> int:
    """Verify MODEL (default: every shipped network) by equality at every level.

    Exit status: 0 all equal, 1 a mismatch, 2 wrong use or a tool missing.
    """  # fmt: skip
    request = Request(
        model=model,
        build=build,
        checkpoint=checkpoint,
        input_file=input_file,
        lead=lead,
        prepare=prepare,
        records=records,
        fragments=parse_counts(fragments),
        cycles=cycles,
        choice=choose_levels(levels),
    )
    if build is not None and cycles is not None:
        raise UserError(
            "--cycles goes with rendering and --build verifies files as they are; leave one out"
        )
    if (
        json_file is not None
        and html_file is not None
        and json_file.resolve() == html_file.resolve()
    ):
        raise UserError(f"--json and --html both name {json_file}; give each a file of its own")
    _check_writable(json_file, html_file)
    subjects = _subjects(request)
    verdicts = []
    # With the JSON on stdout the table must not mix with it.
    on_stderr = json_file is not None and str(json_file) == "-"
    for subject in subjects:
        verdicts.append(_run(subject, request, on_stderr))
    _write(request, verdicts, subjects, json_file, html_file)
    return overall_status(verdicts)


def _subjects(request: Request) -> list[Subject]:
    if request.model is not None or request.build is not None:
        return [_subject(request, _reference(request))]
    shipped = shipped_models()
    if not shipped:
        raise UserError("no network ships with this installation; give MODEL")
    if request.checkpoint is not None:
        raise UserError("--checkpoint goes with one MODEL; name it")
    return [_subject(request, find_model(name)) for name in shipped]


def _reference(request: Request) -> Model:
    """MODEL, else the network that lies in the build folder."""
    if request.model is not None:
        return find_model(request.model)
    assert request.build is not None  # held by the caller
    path = request.build / "network.json"
    return Model(load_network(path), path)


def _subject(request: Request, model: Model) -> Subject:
    from bnn_hw.generate.build import generate, open_build

    network = model.network
    fragments = _fragments(request, model)
    kept = None
    if request.build is not None:
        build = open_build(request.build, network)
    else:
        target = BUILD / model.name
        kept = BUILD / ".simulations"
        folding = choose_folding(network, request.cycles, ())
        build = generate(network, folding, target, demo_samples(network, DEMO_FRAGMENTS))
    return Subject(network, build, _checkpoint(request, model), fragments, kept, model.name)


def _checkpoint(request: Request, model: Model) -> Path | None:
    """The one given, the one beside the file, or that of a shipped network of the same digest."""
    if request.checkpoint is not None:
        if not request.checkpoint.is_file():
            raise UserError(f"checkpoint {request.checkpoint} cannot be read: no such file")
        return request.checkpoint
    if model.checkpoint is not None:
        return model.checkpoint
    twin = shipped_twin(model.network)
    return None if twin is None else twin.checkpoint


def _fragments(request: Request, model: Model) -> Fragments:
    from bnn_hw.ecg.records import records_dir

    if request.input_file is not None:
        return from_file(model.network, request.input_file, request.prepare, request.lead)
    records = None
    if request.records is not None and request.fragments.given:
        records = records_dir(request.records)
    counts = request.fragments
    number = None if counts.everywhere == ALL else counts.everywhere
    chosen = default_fragments(model.network, records, number)
    if counts.largest is not None and counts.largest > len(chosen):  # a level wants more
        return default_fragments(model.network, records, counts.largest)
    return chosen


def _run(subject: Subject, request: Request, on_stderr: bool) -> Verdict:
    title = f"{subject.name}  {subject.network.digest()[:16]}  {subject.build.path}"
    with LiveTable(title, request.choice.names, on_stderr) as table:
        verdict = run_levels(subject, request.choice, request.fragments, table.update)
        table.finish(verdict, f"fragments: {verdict.source}")
    return verdict


def _check_writable(*files: Path | None) -> None:
    """Minutes of work must not end at a folder that can't be written."""
    for file in files:
        if file is None or str(file) == "-":
            continue
        parent = file.resolve().parent
        existing = parent
        while not existing.exists():
            existing = existing.parent
        if file.is_dir() or not existing.is_dir() or not os.access(existing, os.W_OK):
            raise UserError(f"{file} cannot be written; choose a file in a folder you can write to")


def _write(
    request: Request,
    verdicts: list[Verdict],
    subjects: list[Subject],
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    one = request.model is not None or request.build is not None
    values = verdicts[0].to_dict() if one else [verdict.to_dict() for verdict in verdicts]
    text = json.dumps(values, indent=2) + "\n"
    if json_file is not None and str(json_file) == "-":
        sys.stdout.write(text)
    else:
        target = json_file or BUILD / "verify.json"
        write_text(target, text)
        remark(f"JSON: {target}")
    target = html_file or BUILD / "verify.html"
    from bnn_hw.report import page
    from bnn_hw.simulate.activity.measurement import find_measurement

    try:
        page.write_report(
            target,
            [
                page.Subject(
                    *(verdict, subject.network, subject.plan, subject.fragments),
                    find_measurement(subject.build.path),
                )
                for verdict, subject in zip(verdicts, subjects, strict=True)
            ],
        )
    except ToolMissing as missing:
        if html_file is not None:
            raise
        remark(f"no HTML: {missing}")
        return
    remark(f"HTML: {target}")
