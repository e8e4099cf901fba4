"""Measurements of benchmarks/performance.py that hardware tools make: area, routing, cycles.

Reads a frozen network; runs Yosys, nextpnr and Verilator where the store has no result of the very
same design; gives entries for :mod:`performance_store`.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from performance_store import Entry, Results, keep_only, key_of, read_results, store

from bnn_hw.cli.models import find_model, shipped_models
from bnn_hw.cli.synth import folding_for
from bnn_hw.errors import UserError
from bnn_hw.generate.build import generate
from bnn_hw.generate.choose import choose_folding
from bnn_hw.generate.estimate import estimate
from bnn_hw.generate.folding import Folding
from bnn_hw.generate.fpga_targets import TARGETS, Target
from bnn_hw.generate.open_flow import FOLDER as OPEN_FLOW
from bnn_hw.generate.open_flow import render_open_flow
from bnn_hw.generate.plan import build_plan
from bnn_hw.generate.rtl import render_rtl
from bnn_hw.ir import Network
from bnn_hw.simulate.verilator import compile_verilator, run_verilator
from bnn_hw.synth.flow import REPORT, SOURCES, synthesise
from bnn_hw.synth.tools import tool_versions
from bnn_hw.verify.fragments import demo_samples

# The network that the page is about; cycles are those of all that ship.
MODEL = "ecg17"
WORK = Path("build/performance")
FAMILY = "xc7"
# From one extreme to the other. What is faster than the network can be folded is left out, and so is
# what the solver answers with a folding that is there already.
ASKED: tuple[str | int, ...] = (
    *("smallest", 1_000_000, 400_000, 200_000, 100_000, 58_000, 29_000, 20_000, 14_800),
    *(11_000, 7_400, 5_000, 3_700, 1_850, 925, 463, "fastest"),
)
# Fragments that are simulated for cycles a fragment: the first ones fill the pipeline.
_FRAGMENTS = 6
_SEED = 1

Say = Callable[[str], None]


def foldings(network: Network) -> Iterator[tuple[str, Folding]]:
    """Every folding of the plot under the name of what was asked for, no folding twice."""
    seen = set()
    for asked in ASKED:
        try:
            if isinstance(asked, int):
                folding = choose_folding(network, asked, family=FAMILY)
            else:
                folding = choose_folding(network, folds=(asked,), family=FAMILY)
        except UserError:
            continue
        if folding not in seen:
            seen.add(folding)
            yield str(asked), folding


def rtl_texts(network: Network, folding: Folding) -> dict[str, str]:
    """The hardware of ``network`` at ``folding``, by path."""
    texts = render_rtl(build_plan(network, folding))
    return {path: text for path, text in texts.items() if path.startswith("rtl/")}


def _folding_facts(network: Network, folding: Folding) -> dict[str, dict[str, Any]]:
    """The fold of each layer, what is not 0 or off in it."""
    folds = zip(network.blocks, folding.folds, strict=True)
    return {b.name: {name: n for name, n in asdict(f).items() if n} for b, f in folds}


def _count(network: Network, folding: Folding) -> dict[str, float]:
    """Cells of the flattened network; runs in a process of its own, which Yosys ends at an error."""
    from estimate_designs import Design
    from estimate_synthesis import synthesise as count

    [cells] = count(Design("point", network, folding, True), FAMILY, keep_cells=False).values()
    return cells


def measure_folds(path: Path, most_luts: int, jobs: int, say: Say) -> None:
    """Yosys on every folding of the network; one estimated above ``most_luts`` is only estimated.

    Raises
    ------
    UserError
        When Yosys ends its process: what was counted before is stored.
    """
    network = find_model(MODEL).network
    waiting: dict[Future[dict[str, float]], Entry] = {}
    names = set()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        for asked, folding in foldings(network):
            names.add(asked)
            guess = estimate(network, folding, FAMILY)
            synthesised = guess.lut <= most_luts
            facts: Entry = {
                "key": key_of(rtl_texts(network, folding), version("pyosys"), str(synthesised)),
                "network": network.digest(),
                "asked": asked,
                "cycles": folding.cycles,
                "folding": _folding_facts(network, folding),
                "estimate": {"lut": guess.lut, "ff": guess.ff},
            }
            old = read_results(path)["folds"].get(asked, {})
            counts = dict.fromkeys(("lut", "ff", "ram", "bram"), None)
            if old.get("key") == facts["key"]:
                # New coefficients move the estimate, not the measurement.
                counts = {name: old[name] for name in counts}
            elif synthesised:
                waiting[pool.submit(_count, network, folding)] = facts
                continue
            if old != {**facts, **counts}:
                store("folds", asked, {**facts, **counts}, path)
        keep_only("folds", names, path)
        say(f"{len(waiting)} foldings to be synthesised, of {len(names)}")
        for done in as_completed(waiting):
            facts = waiting[done]
            try:
                cells = done.result()
            except BrokenProcessPool:
                raise UserError(
                    f"Yosys ended at a folding of {MODEL}; 'bnn-hw synth {MODEL} --cycles "
                    f"{facts['cycles']}' may tell why, if it was that one"
                ) from None
            counted = {name: cells[name] for name in ("lut", "ff", "ram", "bram")}
            store("folds", facts["asked"], {**facts, **counted}, path)
            say(
                f"{facts['cycles']} cycles: {cells['lut']:g} LUT, estimated {facts['estimate']['lut']}"
            )


def measure_targets(only: set[str], path: Path, say: Say) -> None:
    """``make synth`` for every target; a report that lies in build/ of the same design is taken."""
    network = find_model(MODEL).network
    for target in TARGETS.values():
        if only and target.name not in only:
            continue
        folding, estimated = folding_for(network, target)
        versions = tool_versions(target)
        plan = build_plan(network, folding)
        texts = {**render_rtl(plan), **render_open_flow(plan)}
        key = _target_key(texts, target, versions)
        if read_results(path)["targets"].get(target.name, {}).get("key") == key:
            continue
        folder = WORK / target.name
        found = (folder, Path("build") / MODEL / "synth" / target.name)
        report = next((r for r in map(_read_report, found) if _report_key(r, target) == key), None)
        if report is None:
            try:
                result = synthesise(MODEL, network, folding, target, estimated, folder, say, _SEED)
                report = result.as_dict()
            except UserError as error:
                # Too small a device is a finding; it stands until the design changes.
                say(f"{target.name}: {error}")
                report = {
                    "model": MODEL,
                    "target": target.name,
                    "cycles_per_fragment": folding.cycles,
                    "estimate": estimated.as_dict(),
                    "digest": network.digest(),
                    "device": target.device,
                    "failed": str(error),
                }
        store("targets", target.name, {"key": key, **_compact(report)}, path)


def _target_key(texts: dict[str, str], target: Target, versions: dict[str, str]) -> str:
    """Key of all that the target's tools read."""
    read = ["rtl/", f"{OPEN_FLOW}/rtl/", f"{OPEN_FLOW}/{target.name}."]
    if target.board is not None:
        read.append(f"{OPEN_FLOW}/{target.board.pin_file}")
    files = {p: t for p, t in texts.items() if p.startswith(tuple(read))}
    return key_of(files, str(_SEED), json.dumps(versions, sort_keys=True))


def _read_report(folder: Path) -> dict[str, Any] | None:
    """``report.json`` of a synthesis with the texts that it was made from; None without one."""
    if not (folder / REPORT).is_file():
        return None
    report: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    sources = folder / SOURCES
    texts = {
        str(file.relative_to(sources)): file.read_text(encoding="utf-8")
        for file in sources.rglob("*")
        if file.is_file()
    }
    return {**report, "texts": texts}


def _report_key(report: dict[str, Any] | None, target: Target) -> str | None:
    if report is None or report["seed"] != _SEED:
        return None
    return _target_key(report["texts"], target, report["tool_versions"])


def _compact(report: dict[str, Any]) -> Entry:
    """What the page and its readers need of a report."""
    dropped = {"cells", "texts", "format", "estimate", "digest", "board"}
    entry = {name: value for name, value in report.items() if name not in dropped}
    entry["network"] = report["digest"]
    entry["estimate"] = {name: report["estimate"][name] for name in ("family", "lut", "ff", "bram")}
    board = report.get("board")
    if board is not None:
        path = board["critical_path"]
        kept = ("ns", "logic_ns", "routing_ns", "logic_levels", "in_network")
        entry["critical_path"] = {name: path[name] for name in kept}
        entry["board"] = {name: board[name] for name in ("name", "logic_cells", "bitstream")}
    return entry


def measure_simulations(path: Path, say: Say) -> None:
    """Cycles a fragment of every shipped network at one sample a cycle, by formula.

    Of the network that the page is about also as Verilator counts them, and its latency.
    """
    for model in shipped_models():
        network = find_model(model).network
        folding = choose_folding(network)
        key = key_of(rtl_texts(network, folding), version("verilator"))
        if read_results(path)["simulations"].get(model, {}).get("key") == key:
            continue
        entry = {"key": key, "network": network.digest(), "formula_cycles": folding.cycles}
        if model == MODEL:
            say(f"{model}: Verilator")
            entry |= simulate(network, folding, model)
        store("simulations", model, entry, path)
    keep_only("simulations", set(shipped_models()), path)


def simulate(network: Network, folding: Folding, model: str) -> dict[str, float]:
    """Cycles a fragment, back to back, and from its last sample to the end of the result."""
    samples = demo_samples(network, _FRAGMENTS)
    build = generate(network, folding, WORK / f"{model}_default", samples)
    program = compile_verilator(build.path, build.plan, WORK / "simulations")
    run = run_verilator(program, build.plan, samples, WORK / "taps", taps=False)
    assert run.cycles_per_fragment is not None, "several fragments were simulated"
    return {
        "fragments": run.fragments,
        "cycles_per_fragment": round(run.cycles_per_fragment, 2),
        "latency_cycles": run.latency_cycles,
    }


def stale(results: Results) -> list[str]:
    """Entries that were measured on another network than the one that ships now."""
    found = []
    for part, entries in results.items():
        for name, entry in entries.items():
            model = name if part == "simulations" else MODEL
            now = find_model(model).network.digest() if model in shipped_models() else None
            if entry["network"] != now:
                found.append(f"{part} {name}")
    return found
