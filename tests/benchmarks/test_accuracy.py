"""Tables of trained variants: real trainings of a tiny network on the shipped slices."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from pathlib import Path

import accuracy
import numpy as np
import pytest
from accuracy_picture import picture
from accuracy_report import Result, Row, front, markdown, paired
from accuracy_tables import Shape, Table, Variant, load_table

import bnn_hw.training.run
from bnn_hw.description import Description
from bnn_hw.ecg.slices import load_slices
from bnn_hw.ecg.splits import random_split
from bnn_hw.errors import UserError
from bnn_hw.golden import PackedNetwork
from bnn_hw.ir import load_network
from bnn_hw.report.study_model import SeedEntry
from bnn_hw.training.experiment import load_experiment

ROOT = Path(__file__).parents[2]
NETWORK = """
name = "tiny"
labels = ["N", "S", "V", "F", "Q"]
input = { samples = 3600, bits = 11 }
layers = [
  { type = "conv", out_channels = 4, kernel = 7, stride = 8, padding = [5, 5], pad_value = 0 },
  { type = "max_pool", size = 7, stride = 4 },
  { type = "prelu" }, { type = "batch_norm" }, { type = "sign" },
  { type = "conv", out_channels = 5, kernel = 5, padding = [2, 2] },
  { type = "batch_norm" }, { type = "head" },
]
"""
EXPERIMENT = """
name = "base"
network = "tiny.toml"
[data]
set = "ecg5"
test_share = 0.25
validation_share = 0.25
[training]
seeds = [1]
epochs = 40
batch = 8
[augmentation]
noise = 2.0
"""
TABLE = """
name = "trial"
kind = "ablation"
base = "base.toml"
seeds = [3, 8]
epochs = 1
real_epochs = 1
[[variants]]
name = "whole"
what = "all of it"
[[variants]]
name = "plain"
what = "without noise"
without = ["augmentation.noise"]
change = { twin.epochs = 5, "optimiser.learning_rate" = 0.02 }
"""
SHAPE = """
[variants.network]
channels = [4, 5]
kernels = [5, 3]
strides = [4, 2]
pools = [[7, 4], []]
padding = [[2, 2], [1, 1]]
prelu = false
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with table, base and network, the slices standing for the sets of records."""
    monkeypatch.setattr(bnn_hw.training.run, "load_set", lambda name, folder: load_slices(name))
    monkeypatch.delenv("BNN_HW_RECORDS", raising=False)
    monkeypatch.chdir(tmp_path)
    for name, text in (("tiny", NETWORK), ("base", EXPERIMENT), ("table", TABLE)):
        (tmp_path / f"{name}.toml").write_text(text)
    (tmp_path / "records").mkdir()
    return tmp_path


Trainings = list[str]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    """Names of the output folders that `bnn-hw train` is called for."""
    calls: Trainings = []
    real = accuracy.cli.main

    def spied(arguments: Sequence[str]) -> int:
        calls.append(Path(arguments[arguments.index("-o") + 1]).name.rsplit(".", 1)[0])
        return real(arguments)

    monkeypatch.setattr(accuracy.cli, "main", spied)
    return calls


def call(*more: str, records: bool = True) -> int:
    given = ["--records", "records"] if records else []
    return accuracy.main(["table.toml", "-o", "out", *given, *more])


def results() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("out").glob("*.json")}


def test_trains_each_once_and_reports_golden(
    folder: Path, trained: Trainings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call() == 0
    report = capsys.readouterr().out
    assert report.startswith("# trial\n") and "Preliminary" not in report
    assert "validation" in report and "| plain | without noise | 2 |" in report
    assert trained == ["whole.seed3", "plain.seed3", "whole.seed8", "plain.seed8"]
    slices = load_slices("ecg5")
    kept = [accuracy.Kept.model_validate(json.loads(text)) for text in results().values()]
    assert sorted((k.variant, k.seed) for k in kept) == [
        ("plain", 3), ("plain", 8), ("whole", 3), ("whole", 8),
    ]  # fmt: skip
    for result in kept:
        run = f"{result.variant}.seed{result.seed}.{result.digest[:12]}"
        network = load_network(Path("out", run, "study", f"seed{result.seed}.json"))
        assert network.digest() == result.entry.digest
        # Without a split seed every training seed cuts its own split.
        split = random_split(slices, result.seed, 0.25, 0.25)
        for rows, part in ((split.validation, "validation"), (split.test, "test")):
            classes = PackedNetwork(network).run(slices.samples[rows][:, None]).classes
            correct = int(np.sum(classes == slices.labels[rows]))
            assert getattr(result.entry, part).correct == correct
        assert (result.entry.twin is not None) == (result.variant == "plain")
        assert result.experiment["training"]["epochs"] == 1
    # Nothing is left to train: records are not needed, and the report is the same.
    trained.clear()
    assert call(records=False) == 0
    assert (trained, capsys.readouterr().out) == ([], report)


def test_a_changed_variant_is_trained_anew_the_others_are_not(
    folder: Path, trained: Trainings
) -> None:
    assert call("--seeds", "8") == 0
    before = results()
    trained.clear()
    (folder / "table.toml").write_text(TABLE.replace("0.02", "0.03"))
    assert call("--seeds", "8") == 0
    assert trained == ["plain.seed8"]
    assert len(results()) == 3 and before.items() <= results().items()
    # A network that the base names is part of the variant, and so is the way back.
    (folder / "tiny.toml").write_text(NETWORK.replace("kernel = 5", "kernel = 3"))
    assert call("--seeds", "8", "--only", "whole") == 0
    (folder / "tiny.toml").write_text(NETWORK)
    assert call("--seeds", "8") == 0
    assert trained == ["plain.seed8", "whole.seed8"]


def test_an_unfinished_run_is_finished_to_the_same_result(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--only", "whole", "--seeds", "3") == 0
    before = results()
    assert "epoch 1/1" in capsys.readouterr().err
    (name,) = before
    Path("out", name).unlink()
    assert call("--only", "whole", "--seeds", "3") == 0
    assert results() == before
    assert "epoch 1/1" not in capsys.readouterr().err


def test_a_field_that_is_new_keeps_results_if_it_has_its_default(
    folder: Path, trained: Trainings
) -> None:
    assert call("--only", "whole", "--seeds", "3") == 0
    ((name, text),) = results().items()
    kept = json.loads(text)
    del kept["experiment"]["schedule"]  # as if written before there was one
    Path("out", name).write_text(json.dumps(kept))
    assert call("--only", "whole", "--seeds", "3") == 0
    assert len(trained) == 1
    for section, field, value in (("schedule", "warm_up", 0.5), ("gone", "strength", 1)):
        Path("out", name).write_text(
            json.dumps(kept | {"experiment": kept["experiment"] | {section: {field: value}}})
        )
        assert accuracy.find(Path("out"), load_table(Path("table.toml")).variants[0], 3) is None


def test_parts_are_joined_and_missing_ones_named(
    folder: Path, trained: Trainings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--only", "plain", "--seeds", "3") == 0
    assert "Preliminary, of 2 seeds there are: whole (0), plain (1)." in capsys.readouterr().out
    assert call("--cached", "--report", "page.md", records=False) == 0
    assert "| plain | without noise | 1 |" in Path("page.md").read_text()
    assert trained == ["plain.seed3"]
    assert capsys.readouterr().out == ""


def test_pareto_report_with_its_picture(folder: Path) -> None:
    table = TABLE.replace('"ablation"', '"pareto"').split('[[variants]]\nname = "plain"')[0]
    other = '[[variants]]\nname = "other"\nwhat = "less"\n' + SHAPE
    (folder / "table.toml").write_text(table + other)
    assert call("--seeds", "3", "--report", "page.md") == 0
    page = Path("page.md").read_text()
    assert "| 4-5 | 5-3 | 4-2 | 7/4-no |" in page and "| 4-5 | 7-5 | 8-1 | 7/4-no |" in page
    assert "](page.svg)" in page
    ElementTree.parse("page.svg")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "ablation"', 'kind = "poll"', "kind: Input should be"),
        ("seeds = [3, 8]", "seeds = [3, 3]", "a seed is named twice"),
        ("epochs = 1\n", "epochs = 0\n", "epochs: "),
        ('base = "base.toml"', 'base = "none.toml"', "none.toml cannot be read"),
        ('name = "plain"', 'name = "whole"', "a variant is named twice"),
        ('name = "plain"', 'name = "../plain"', "not a plain identifier"),
        ('what = "all of it"', 'what = "a | b"', "what: "),
        ('what = "all of it"', 'what = "all of it"\nspeed = 1', "speed: Extra inputs"),
        ('"augmentation.noise"', '"augmentation.nose"', "the base has no such field"),
        ('"augmentation.noise"', '"twin"', "the base has no such field"),
        ('"augmentation.noise"', '"training.seeds"', "training.seeds is set for every run"),
        ("0.02", "-1", "variant plain: optimiser.learning_rate: "),
        ("0.02", '0.02, "estimator.sort" = 1', "variant plain: estimator.sort: Extra"),
        ("0.02", '0.02, "training.epochs.x" = 1', "epochs has no fields"),
        ("twin.epochs = 5", "teacher.epochs = 5", "variant plain: teacher: Extra"),
        ("0.02 }", "0.02 }\n" + SHAPE.replace("[4, 5]", "[4, 6]"), "has 5 classes"),
        ("0.02 }", "0.02 }\n" + SHAPE.replace("[5, 3]", "[5]"), "one entry a block"),
        ("0.02 }", "0.02 }\n" + SHAPE.replace("[7, 4]", "[7]"), "variants.1.network.pools"),
        ("0.02 }", "0.02 }\n" + SHAPE.replace("[7, 4]", "[901, 4]"), "left after block 1"),
        ("0.02 }", "0.02 }\n" + SHAPE.replace("[5, 3]", "[5, 300]"), "left after block 2"),
        ("[[variants]]", "[[variants]", "table table.toml: "),
    ],
)
def test_illegal_tables_are_refused_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert old in TABLE
    (folder / "table.toml").write_text(TABLE.replace(old, new, 1))
    assert call() == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith("error: ") and said in captured.err
    assert not Path("out").exists()


def test_the_same_variant_twice_is_refused(folder: Path) -> None:
    same = '[[variants]]\nname = "again"\nwhat = "?"\nchange = { "augmentation.noise" = 2 }\n'
    (folder / "table.toml").write_text(TABLE + same)
    with pytest.raises(UserError, match="variant again is the same as whole"):
        load_table(Path("table.toml"))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--only", "whole,nobody"), "--only 'nobody': table trial has whole, plain"),
        (("--seeds", "3,4"), "--seeds 4: table trial has seeds 3, 8"),
        (("--seeds", "x"), "--seeds: 'x' is no list of seeds"),
        (("--report", "page.html"), "name it FILE.md"),
        ((), "records"),
    ],
)
def test_illegal_calls_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert call(*more, records=False) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and said in captured.err.splitlines()[-1]
    assert "Traceback" not in captured.err and not Path("out").exists()


def test_a_refusal_of_the_training_ends_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tiny.toml").write_text(NETWORK.replace('"Q"', '"X"'))
    assert call() == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("bnn-hw: error: ") and "has labels" in error
    assert results() == {}


def test_a_torn_result_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out").mkdir()
    for text in ("{", "[]", '{"format": "bnn_hw.accuracy"}'):
        Path("out/whole.seed3.0123.json").write_text(text)
        assert call() == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "out/whole.seed3.0123.json" in error


def test_the_paper_shape_is_the_reference_network() -> None:
    paper = Shape.model_validate(
        {
            "channels": [8, 16, 32, 32, 64, 17],
            "kernels": [7] * 6,
            "strides": [2, 1, 1, 1, 1, 1],
            "pools": [[7, 2]] * 6,
            "padding": [[5, 5]] * 6,
        }
    )
    base = Description.load(ROOT / "networks/reference17_int8_peak.toml")
    built = paper.describe(base.name, base)
    # Made for another input, the reference pads its integers with -1.
    assert (built.layers[0].pad_value, base.layers[0].pad_value) == (0, -1)
    assert built.layers[0].model_copy(update={"pad_value": -1}) == base.layers[0]
    assert built.model_copy(update={"layers": base.layers}) == base
    assert built.layers[1:] == base.layers[1:]


@pytest.mark.parametrize("name", ["ablation17", "pareto17", "pareto5"])
def test_shipped_tables_are_legal_and_written_as_they_are_read(name: str, tmp_path: Path) -> None:
    table = load_table(ROOT / "benchmarks" / f"{name}.toml")
    assert table.name == name and len(table.variants) >= 3
    for variant in table.variants:
        for part, fields in variant.content(1).items():
            (tmp_path / f"{part}.toml").write_text(accuracy.toml_text(fields))
        read = load_experiment(tmp_path / "experiment.toml")
        assert read == (variant.of_seed(1), variant.network)


Make = Callable[..., Row]


@pytest.fixture
def make(folder: Path) -> Make:
    variant = load_table(Path("table.toml")).variants[0]

    def row(name: str, size: int, correct: dict[int, tuple[int, int]], data: str = "") -> Row:
        own = Variant(name, "made", variant.experiment, variant.network)
        results = []
        for seed, (validation, test) in correct.items():
            figures = [
                {"fragments": 200, "correct": n, "accuracy": n / 200, "macro_f1": 0.5}
                for n in (validation, test)
            ]
            entry = SeedEntry.model_validate(
                {
                    "seed": seed, "split_seed": seed, "digest": "0" * 64, "epoch": 1,
                    "storage_bytes": size + seed, "validation": figures[0],
                    "test": figures[1] | {"confusion": [[test, 200 - test], [0, 0]]},
                }
            )  # fmt: skip
            results.append(Result(seed, 1000 * size, 3600, entry, {"test_rows_sha256": data}))
        return Row(own, tuple(results))

    return row


def test_front(make: Make) -> None:
    rows = [
        make("small", 10, {1: (150, 100)}),
        make("worse", 12, {1: (140, 199)}),  # the test does not count
        make("middle", 20, {1: (160, 100)}),
        make("larger", 21, {1: (160, 100)}),
        make("twin", 20, {1: (160, 90)}),  # equal in both: neither surpasses the other
        make("best", 30, {1: (161, 100)}),
        make("huge", 99, {1: (161, 100)}),
    ]
    assert front(rows) == {"small", "middle", "twin", "best"}
    assert front(list(reversed(rows))) == front(rows)
    # Bytes are those of the largest seed, accuracy is the mean.
    rows = [make("two", 10, {1: (150, 1), 5: (170, 1)}), make("one", 13, {1: (160, 1)})]
    assert front(rows) == {"one"}


def test_differences_are_of_the_same_seeds_and_splits(make: Make) -> None:
    base = make("base", 1, {1: (100, 180), 2: (110, 190), 3: (120, 180)})
    row = make("own", 1, {2: (114, 194), 3: (120, 180), 4: (0, 0)})
    assert paired(row, base, "validation") == [100 * (114 / 200 - 110 / 200), 0.0]
    other_split = make("own", 1, {2: (114, 194)}, data="other")
    assert paired(other_split, base, "test") == []
    table = Table("made", "ablation", "base", (1, 2, 3, 4), (base.variant, row.variant))
    text = markdown(table, {"base": base.results, "own": row.results})
    # Validation +2 and 0 points: mean 1, standard deviation sqrt(2), standard error 1.
    assert "| own | made | 3 | 39.00 +- 33.81 | +1.00 +- 1.00 |" in text
    assert "| base | made | 3 | 55.00 +- 5.00 |  | 91.67 +- 2.89 |  |" in text
    assert "A seed has 200 validation and 200 test fragments." in text


def test_picture_has_a_name_a_network_and_the_same_bytes_again(make: Make) -> None:
    rows = [make(f"net{n}", 100 * n, {1: (150 + n, 140), 2: (150, 141)}) for n in range(1, 5)]
    table = Table("made", "pareto", "base", (1, 2), tuple(row.variant for row in rows))
    given = {row.variant.name: row.results for row in rows}
    drawn = picture(table, given)
    assert drawn == picture(table, given)
    assert all(drawn.decode().count(f"<!-- {row.variant.name} -->") == 2 for row in rows)
