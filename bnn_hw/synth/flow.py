"""One synthesis from network to bitstream, in a folder that is swapped in when all of it is there.

Reads a network and a folding; renders RTL and the hand-off's open-flow scripts, runs those very
scripts, reads what the tools left; gives a :class:`bnn_hw.synth.result.SynthResult` and the folder
with ``report.json``, logs, netlist and bitstream.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bnn_hw.errors import UserError
from bnn_hw.files import write_text
from bnn_hw.generate.estimate import Estimate
from bnn_hw.generate.folding import Folding
from bnn_hw.generate.fpga_targets import Family, Target
from bnn_hw.generate.manifest import SYNTHESES
from bnn_hw.generate.open_flow import (
    network_module,
    output_folder,
    render_open_flow,
    shell_script,
    yosys_script,
)
from bnn_hw.generate.plan import build_plan
from bnn_hw.generate.rtl import render_rtl
from bnn_hw.ir.file import network_text
from bnn_hw.ir.network import Network
from bnn_hw.simulate.tools import ToolFailed
from bnn_hw.synth.cells import count_cells
from bnn_hw.synth.progress import Say, step
from bnn_hw.synth.result import SynthResult
from bnn_hw.synth.timing import read_logic_cells, read_timing
from bnn_hw.synth.tools import run_step, run_yosys, tool_versions

REPORT = "report.json"
SOURCES = "sources"
_FORMAT = "bnn_hw.synth"
_BITSTREAM_SUFFIX = {Family.ECP5: "bit", Family.ICE40: "bin"}


def synthesise(
    model: str,
    network: Network,
    folding: Folding,
    target: Target,
    estimate: Estimate,
    folder: Path,
    say: Say,
    seed: int = 1,
) -> SynthResult:
    """Synthesise ``network`` at ``folding`` for ``target``; everything lies in ``folder`` afterwards.

    Parameters
    ----------
    model
        What the report calls the network.
    say
        Takes a line of progress.
    seed
        Of nextpnr's placer.

    Raises
    ------
    ToolMissing
        When a tool that the target needs is not installed.
    UserError
        When a tool fails, or ``folder`` cannot be written or holds something else.
    """
    versions = tool_versions(target)
    plan = build_plan(network, folding)
    sources = {**render_rtl(plan), **render_open_flow(plan), "network.json": network_text(network)}
    with _staged(folder) as work:
        for path, text in sources.items():
            write_text(work / SOURCES / path, text)
        (work / SOURCES / output_folder(target)).mkdir(parents=True)
        result = SynthResult(
            model=model,
            digest=network.digest(),
            target=target,
            cycles=folding.cycles,
            samples_per_cycle=folding.samples_per_beat,
            folds={b.name: fold for b, fold in zip(network.blocks, folding.folds, strict=True)},
            seed=seed,
            estimate=estimate.as_dict(),
            tool_versions=versions,
            **_run_tools(plan.name, target, work / SOURCES, say, seed),
        )
        for made in sorted((work / SOURCES / output_folder(target)).iterdir()):
            made.rename(work / made.name)
        shutil.rmtree(work / SOURCES / SYNTHESES)
        facts = {"format": _FORMAT, **result.as_dict()}
        write_text(work / REPORT, json.dumps(facts, indent=2, allow_nan=False) + "\n")
    return result


def _run_tools(name: str, target: Target, work: Path, say: Say, seed: int) -> dict[str, Any]:
    """Run every step of ``target`` in ``work``; the fields of the result that come of them."""
    out = output_folder(target)
    log = f"{out}/yosys.log"
    with step(f"Yosys for {target.device}", work / log, say):
        run_yosys(yosys_script(target), log, work)
    module = network_module(name, target.routed)
    counts = count_cells(work / out / "cells.json", module, target.family)
    if not target.routed:
        return {"network": counts, "logic_cells": None, "timing": None, "bitstream": None}
    script = shell_script(target)
    for what, name_of_step, log in (
        ("nextpnr packs the network alone", "count", f"{out}/network.log"),
        (f"nextpnr places and routes for {target.device}", "route", f"{out}/nextpnr.log"),
        ("bitstream", "pack", f"{out}/pack.log"),
    ):
        try:
            with step(what, work / log, say):
                run_step(target, script, name_of_step, seed, log, work)
        except ToolFailed as failure:
            _check_room(target, work / log, failure)
            raise
    bitstream = f"{name}_board.{_BITSTREAM_SUFFIX[target.family]}"
    if not (work / out / bitstream).is_file() or not (work / out / bitstream).stat().st_size:
        raise ToolFailed(f"the packer left no bitstream {bitstream}")
    return {
        "network": counts,
        "logic_cells": read_logic_cells(work / out / "network.log").used,
        "timing": read_timing(work / out / "timing.json"),
        "bitstream": bitstream,
    }


def _check_room(target: Target, log: Path, failure: ToolFailed) -> None:
    """Raise a :class:`UserError` in place of ``failure`` when the device is too small or too full.

    The placer gives up on a device that is nearly full, as carry chains need cells in a row.
    """
    if "place" not in str(failure):
        return
    use = read_logic_cells(log)
    raise UserError(
        f"the design takes {use.used} of the {use.available} logic cells of {target.device} and cannot be "
        "placed; give it more cycles (CYCLES=...), a smaller network or a larger TARGET"
    ) from failure


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder`` that takes its place at the end, and is gone after an error."""
    target = Path(os.path.realpath(folder))
    staging = None
    try:
        _check_old(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        staging.chmod(0o755)
        yield staging
        if target.exists():
            retired = staging.with_name(staging.name + ".old")
            os.replace(target, retired)
            os.replace(staging, target)
            shutil.rmtree(retired)
        else:
            os.replace(staging, target)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written: {error.strerror or error}; choose a folder you can write to"
        ) from None
    finally:
        if staging is not None and staging.exists():
            shutil.rmtree(staging, ignore_errors=True)


def _check_old(target: Path) -> None:
    """Raise :class:`UserError` for all but a folder of an earlier synthesis and an empty one."""
    if not target.exists():
        return
    if not target.is_dir():
        raise UserError(f"{target} cannot be written: it is a file; choose another folder")
    if any(target.iterdir()) and not _is_report(target / REPORT):
        raise UserError(
            f"{target} exists and is not a folder of 'bnn-hw synth': choose another or remove it"
        )


def _is_report(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")).get("format") == _FORMAT)
    except (OSError, ValueError, AttributeError):
        return False
