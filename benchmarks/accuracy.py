"""Accuracy of several variants of an experiment, on the same seeds: ablation and Pareto tables.

    python benchmarks/accuracy.py TABLE.toml [--records DIR] [--only NAME,NAME] [--seeds 1,2]
        [-o build/accuracy] [--report FILE.md] [--cached]

Every variant and seed is trained, frozen and measured by golden as `bnn-hw train` does it, in a
folder of its own, and goes on where it was interrupted. What it gave is kept beside as
NAME.seedS.DIGEST.json: a finished one is not trained again, a changed variant is. Runs with other
--only or --seeds may share the output folder, at the same time too; --cached trains nothing. The
report, on all results that are there, is printed, or written with its picture to FILE.md.
benchmarks/README.md describes TABLE.toml and the results.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from accuracy_picture import picture
from accuracy_report import Result, markdown
from accuracy_tables import Table, Variant, load_table
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bnn_hw import cli
from bnn_hw.description import Description
from bnn_hw.ecg.records import records_dir
from bnn_hw.errors import UserError
from bnn_hw.files import read_text, write_bytes, write_text
from bnn_hw.generate.folding import default_cycles
from bnn_hw.generate.solver import solve
from bnn_hw.ir import load_network
from bnn_hw.ir.file import first_line
from bnn_hw.report.pictures import require_matplotlib
from bnn_hw.report.study_files import load_study
from bnn_hw.report.study_model import SeedEntry
from bnn_hw.training.experiment import Experiment
from bnn_hw.training.run import parse_seeds

_MAX_BYTES = 16 << 20
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Kept(BaseModel):
    """The file of one result: what was trained, on which data, and what it gave."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal["bnn_hw.accuracy"] = "bnn_hw.accuracy"
    version: Literal[1] = 1
    variant: str
    seed: int
    digest: _Digest
    experiment: dict[str, Any]
    network: dict[str, Any]
    data: dict[str, str]
    torch_version: str
    macs: Annotated[int, Field(ge=0)]
    cycles: Annotated[int, Field(ge=1)]
    entry: SeedEntry

    def is_of(self, variant: Variant, seed: int) -> bool:
        """Whether it is what the variant would give: a field new since then must be its default."""
        try:
            experiment = Experiment.model_validate(self.experiment)
            network = Description.from_dict(self.network)
        except (ValidationError, UserError):
            return False  # of a field that is no more
        return (experiment, network) == (variant.of_seed(seed), variant.network)

    def result(self) -> Result:
        """Return what the report takes."""
        data = {part: self.data[part] for part in sorted(self.data) if part != "train_rows_sha256"}
        return Result(self.seed, self.macs, self.cycles, self.entry, data)


class Stopped(Exception):
    """The training has said on stderr what is wrong; `status` is the one to exit with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def find(out: Path, variant: Variant, seed: int) -> Kept | None:
    """Return the kept result of a variant and seed, None if there is none; UserError if torn."""
    for path in sorted(out.glob(f"{variant.name}.seed{seed}.*.json")):
        try:
            kept = Kept.model_validate(json.loads(read_text(path, _MAX_BYTES, "result")))
        except ValidationError as error:
            raise UserError(f"result {path}: {first_line(error)}; remove it") from None
        except (ValueError, RecursionError) as error:
            raise UserError(f"result {path} is not JSON ({error}); remove it") from None
        if kept.is_of(variant, seed):
            return kept
    return None


def run(out: Path, variant: Variant, seed: int, records: Path) -> Kept:
    """Train, freeze and measure one seed of a variant, or finish what was begun; keep the result."""
    digest = variant.digest(seed)
    folder = out / f"{variant.name}.seed{seed}.{digest[:12]}"
    config = folder / "experiment.toml"
    content = variant.content(seed)
    for part, fields in content.items():
        write_text(folder / f"{part}.toml", toml_text(fields))
    # The table and the frozen JSON are the verb's business; stdout is the report's.
    with contextlib.redirect_stdout(sys.stderr):
        status = cli.main(
            ["train", str(config), "--records", str(records), "-o", str(folder), "--resume"]
        )
    if status:
        raise Stopped(status)
    study = load_study(folder / "study")
    network = load_network(folder / "study" / f"seed{seed}.json")
    metrics = json.loads(read_text(folder / f"{variant.name}.metrics.json", _MAX_BYTES, "metrics"))
    kept = Kept(
        variant=variant.name,
        seed=seed,
        digest=digest,
        data=metrics["seeds"][0]["data"],
        torch_version=metrics["torch_version"],
        macs=study.macs,
        cycles=solve(network, default_cycles(network)).cycles,
        entry=study.chosen_entry,
        **content,
    )
    text = kept.model_dump_json(indent=1, exclude_none=True) + "\n"
    write_text(folder.with_name(f"{folder.name}.json"), text)
    return kept


def toml_text(fields: Mapping[str, Any]) -> str:
    """TOML of plain values, sections of them and lists of sections, as the run reads it back."""
    plain, sections = [], []
    for name, value in fields.items():
        if isinstance(value, dict):
            sections += ["", f"[{name}]", *_assignments(value)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                sections += ["", f"[[{name}]]", *_assignments(entry)]
        else:
            plain += _assignments({name: value})
    text = "\n".join([*plain, *sections]) + "\n"
    if tomllib.loads(text) != fields:
        raise UserError(f"{str(fields.get('name'))[:80]}: a value cannot be written as TOML")
    return text


def _assignments(values: Mapping[str, Any]) -> list[str]:
    # JSON's numbers, strings and lists of them are TOML's.
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]


def chosen(table: Table, only: str | None, seeds: str | None) -> tuple[list[Variant], list[int]]:
    """Return the variants and the seeds that are asked for; UserError for one not in the table."""
    names = [variant.name for variant in table.variants]
    wanted = names if only is None else only.split(",")
    for name in wanted:
        if name not in names:
            raise UserError(
                f"--only {name[:80]!r}: table {table.name} has {', '.join(names)}; choose of those"
            )
    try:
        numbers = table.seeds if seeds is None else parse_seeds(seeds)
    except ValueError as error:
        raise UserError(f"--seeds: {error}") from None
    for seed in numbers:
        if seed not in table.seeds:
            raise UserError(
                f"--seeds {seed}: table {table.name} has seeds {', '.join(map(str, table.seeds))}; "
                "choose of those"
            )
    return (
        [variant for variant in table.variants if variant.name in wanted],
        list(dict.fromkeys(numbers)),
    )


def collect(
    table: Table, variants: Sequence[Variant], seeds: Sequence[int], out: Path, records: Path | None
) -> None:
    """Train what is not there yet, every variant of a seed before the next seed."""
    missing = [
        (variant, seed)
        for seed in seeds
        for variant in variants
        if find(out, variant, seed) is None
    ]
    total = len(variants) * len(seeds)
    print(
        f"{table.name}: {total} runs, {total - len(missing)} of them finished before",
        file=sys.stderr,
    )
    # Records are asked for only where something is to be trained, and then before anything is.
    folder = records_dir(records) if missing else None
    for number, (variant, seed) in enumerate(missing, start=1):
        print(f"{number}/{len(missing)}: {variant.name}, seed {seed}", file=sys.stderr, flush=True)
        assert folder is not None
        run(out, variant, seed, folder)


def report(table: Table, out: Path, file: Path | None) -> None:
    """Print or write the report on all results of the table that are in `out`."""
    results = {
        variant.name: [
            kept.result() for seed in table.seeds if (kept := find(out, variant, seed)) is not None
        ]
        for variant in table.variants
    }
    if file is None:
        print(markdown(table, results), end="")
        return
    name = None
    if table.kind == "pareto" and any(results.values()):
        drawn = file.with_suffix(".svg")
        name = drawn.name
        write_bytes(drawn, picture(table, results))
    write_text(file, markdown(table, results, name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns 0, or 2 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python benchmarks/accuracy.py", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("table", type=Path, metavar="TABLE.toml")
    parser.add_argument("--records", type=Path, metavar="DIR", help="folder of WFDB records")
    parser.add_argument("--only", metavar="NAME,NAME", help="train these variants alone")
    parser.add_argument("--seeds", metavar="S,S", help="train these seeds alone")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", default=Path("build/accuracy"),
        help="folder of runs and results [default: build/accuracy]",
    )  # fmt: skip
    parser.add_argument("--report", type=Path, metavar="FILE.md", help="write it, do not print it")
    parser.add_argument("--cached", action="store_true", help="train nothing, report what is there")
    given = parser.parse_args(arguments)
    try:
        table = load_table(given.table)
        variants, seeds = chosen(table, given.only, given.seeds)
        if given.report is not None and table.kind == "pareto":
            require_matplotlib()  # before the work, not after it
        if given.report is not None and given.report.suffix != ".md":
            raise UserError(f"--report {given.report}: the report is Markdown; name it FILE.md")
        if not given.cached:
            collect(table, variants, seeds, given.output, given.records)
        report(table, given.output, given.report)
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except Stopped as stopped:
        return stopped.status
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
