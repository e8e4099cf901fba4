"""``bnn-hw report``: the HTML page of a verification that is done, or of one that is run now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnn_hw.cli.models import Model, find_model
from bnn_hw.cli.verify import verify
from bnn_hw.errors import UserError
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.manifest import NAME as MANIFEST
from bnn_hw.generate.plan import Plan, build_plan
from bnn_hw.ir import Network
from bnn_hw.verify.verdict import Verdict

if TYPE_CHECKING:
    from bnn_hw.generate.build import Build


@click.command()
@click.argument("model", required=False)
@click.option(
    "--from",
    "verdict_file",
    metavar="VERIFY.json",
    type=click.Path(path_type=Path),
    help="Report on this verdict; without it, verify runs first.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("build") / "verify.html",
    show_default=True,
    help="The page to write.",
)
@click.pass_context
def report(
    context: click.Context, model: str | None, verdict_file: Path | None, output: Path
) -> int:
    """Write the HTML page of MODEL (default: the networks of the verdict, or all that ship).

    Exit status as for verify.
    """
    if verdict_file is None:
        status: int = context.invoke(verify, model=model, html_file=output)
        return status
    from bnn_hw.report import page
    from bnn_hw.simulate.activity.measurement import find_measurement
    from bnn_hw.verify.fragments import default_fragments
    from bnn_hw.verify.reading import read_verdicts
    from bnn_hw.verify.verdict import overall_status

    verdicts = read_verdicts(verdict_file)
    if model is not None and len(verdicts) > 1:
        raise UserError(f"{verdict_file} holds {len(verdicts)} networks; leave MODEL out")
    subjects = []
    for verdict in verdicts:
        found = find_model(model or verdict.model)
        _check_same(verdict, found.network)
        fragments = default_fragments(found.network, None, None)
        build = _build(found)
        plan = _default_plan(found) if build is None else build.plan
        activity = None if build is None else find_measurement(build.path)
        subjects.append(page.Subject(verdict, found.network, plan, fragments, activity))
    page.write_report(output, subjects)
    click.echo(f"{output}")
    return overall_status(verdicts)


def _check_same(verdict: Verdict, network: Network) -> None:
    if verdict.digest != network.digest():
        raise UserError(
            f"the verdict is of digest {verdict.digest[:16]}, {network.name} has {network.digest()[:16]}; name the "
            "MODEL that was verified"
        )


def _build(found: Model) -> Build | None:
    """The build folder where there is one of this network."""
    from bnn_hw.generate.build import open_build
    from bnn_hw.generate.manifest import read_manifest

    network = found.network
    folder = Path("build") / found.name
    if (folder / MANIFEST).is_file() and read_manifest(folder).get("digest") == network.digest():
        return open_build(folder, network)
    return None


def _default_plan(found: Model) -> Plan:
    return build_plan(found.network, choose_folding(found.network, None, ()))
