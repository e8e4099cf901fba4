"""Bad input: one line, status 2, nothing half-written; each case of the issue's list."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Run

Refused = Callable[..., str]


def _with(model: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    data = json.loads(model.read_text())
    change(data)
    bad = model.with_name("bad.json")
    bad.write_text(json.dumps(data))
    return bad


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ('{"format": "onnx"}', "is not a bnn_hw network"),
        ("[1, 2]", "is not a bnn_hw network"),
        ("[" * 100_000, "is not JSON"),
        ('{"format": "bnn_hw.network", "format": "bnn_hw.network"}', "'format' stands twice"),
    ],
)
def test_corrupt_or_foreign_json(refused: Refused, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    assert says in refused("info", "bad.json")


def test_binary_file_as_model(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(bytes(range(256)))
    assert "is not UTF-8" in refused("info", "bad.json")


def test_missing_model_names_the_shipped_ones(refused: Refused) -> None:
    assert "neither a shipped network" in refused("info", "no_such_model")


def test_unknown_schema_version(refused: Refused, model: Path) -> None:
    bad = _with(model, lambda d: d.update(version=99))
    assert "schema version 99" in refused("generate", bad)


def test_unknown_field(refused: Refused, model: Path) -> None:
    bad = _with(model, lambda d: d.update(extra=1))
    assert "extra" in refused("info", bad)


@pytest.mark.parametrize("row", ["0", "000", "fz", ""])
def test_weight_row_of_wrong_length(refused: Refused, model: Path, row: str) -> None:
    def change(data: dict[str, Any]) -> None:
        data["layers"][0]["weights"][2] = row

    assert "weight row" in refused("info", _with(model, change))


def test_threshold_outside_reach(refused: Refused, model: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["layers"][2]["accept"][1] = ["at_most", 81]

    line = refused("generate", _with(model, change))
    assert "conv1, channel 1" in line and "81" in line and "outside the sums" in line


@pytest.mark.parametrize("name", ['a"; $finish; //', "a b", "", "module", "../x", "ä", "bnn_top"])
def test_name_that_is_no_identifier(refused: Refused, model: Path, name: str) -> None:
    assert "name" in refused("generate", _with(model, lambda d: d.update(name=name)))
    assert not Path("build").exists()


def test_layer_name_and_label_are_checked_too(refused: Refused, model: Path) -> None:
    def layer(data: dict[str, Any]) -> None:
        data["layers"][0]["name"] = 'x"; $finish; //'

    def label(data: dict[str, Any]) -> None:
        data["labels"][0] = "a*/"

    assert "layer name" in refused("generate", _with(model, layer))
    assert "class label" in refused("generate", _with(model, label))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("block1.bn.weight", np.nan, "finite"),
        ("block1.bn.bias", np.inf, "finite"),
        ("block2.bn.running_mean", -np.inf, "finite"),
        ("block1.conv.weight", np.nan, "finite"),
        ("block1.bn.running_var", -1.0, "running_var"),
        ("block2.bn.running_var", -1e-5, "running_var"),
    ],
)
def test_parameters_that_no_hardware_can_hold(
    refused: Refused,
    arrays: dict[str, np.ndarray],
    description: Path,
    key: str,
    value: float,
    says: str,
) -> None:
    arrays[key].reshape(-1)[1] = value
    np.savez("bad.npz", **arrays)
    assert says in refused("freeze", "bad.npz", description, "-o", "out.json")
    assert not Path("out.json").exists()


def test_zero_variance(refused: Refused, arrays: dict[str, np.ndarray], description: Path) -> None:
    arrays["block1.bn.running_var"][0] = 0
    np.savez("bad.npz", **arrays)
    text = description.read_text()
    description.write_text(text.replace('"batch_norm"', '"batch_norm"\neps = 0.0'))
    assert "running_var" in refused("freeze", "bad.npz", description, "-o", "out.json")
    assert not Path("out.json").exists()


def test_missing_key_is_named(
    refused: Refused, arrays: dict[str, np.ndarray], description: Path
) -> None:
    del arrays["block2.bn.running_mean"]
    np.savez("bad.npz", **arrays)
    assert "block2.bn.running_mean" in refused("freeze", "bad.npz", description, "-o", "out.json")


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("was_run"),))


@pytest.mark.parametrize("name", ["bad.pt", "bad.pth", "bad.npz"])
def test_pickle_that_wants_to_run_code(refused: Refused, description: Path, name: str) -> None:
    Path(name).write_bytes(pickle.dumps({"block1.conv.weight": _Runs()}))
    refused("freeze", name, description, "-o", "out.json")
    assert not Path("was_run").exists() and not Path("out.json").exists()


def test_torch_file_that_wants_to_run_code(refused: Refused, description: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"block1.conv.weight": _Runs()}, "bad.pt")
    assert "run code" in refused("freeze", "bad.pt", description, "-o", "out.json")
    assert not Path("was_run").exists()


def test_npz_of_objects(refused: Refused, description: Path) -> None:
    np.savez("bad.npz", **{"block1.conv.weight": np.array([_Runs()], dtype=object)})
    refused("freeze", "bad.npz", description, "-o", "out.json")
    assert not Path("was_run").exists()


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.full((2, 40), 16, dtype=np.int16), "allowed are -16 to 15"),
        (np.full((2, 40), -17, dtype=np.int16), "allowed are -16 to 15"),
        (np.full((2, 40), 1 << 60, dtype=np.int64), "allowed are -16 to 15"),
        (np.zeros((2, 40)), "dtype float64"),
        (np.zeros((2, 40), dtype=bool), "dtype bool"),
        (np.zeros((2, 40), dtype=object), "npy"),
        (np.zeros((2, 41), dtype=np.int16), "41"),
        (np.zeros(40, dtype=np.int16), "shape (40,)"),
        (np.zeros((0, 40), dtype=np.int16), "0 fragments"),
    ],
)
@pytest.mark.parametrize("verb", ["classify", "verify"])
def test_samples_that_do_not_fit(
    refused: Refused, model: Path, samples: np.ndarray, says: str, verb: str
) -> None:
    np.save("bad.npy", samples)
    given = (
        ["classify", model, "bad.npy"]
        if verb == "classify"
        else ["verify", model, "--input", "bad.npy"]
    )
    assert says in refused(*given)
    assert not Path("build").exists()


@pytest.mark.parametrize("content", [b"", b"not numpy at all", b"\x93NUMPY\x01\x00"])
def test_npy_that_is_none(refused: Refused, model: Path, content: bytes) -> None:
    Path("bad.npy").write_bytes(content)
    assert "is not an .npy" in refused("classify", model, "bad.npy")


def test_npy_whose_header_promises_more_than_the_file_holds(refused: Refused, model: Path) -> None:
    np.save("bad.npy", np.zeros((2, 40), dtype=np.int16))
    content = Path("bad.npy").read_bytes()
    Path("bad.npy").write_bytes(
        content.replace(b"(2, 40), ", b"(9999999999, 40), ").replace(b" " * 10, b"", 1)
    )
    assert "is not an .npy" in refused("classify", model, "bad.npy")


def test_missing_input(refused: Refused, model: Path) -> None:
    assert "no.npy" in refused("classify", model, "no.npy")
    assert "no_record" in refused("classify", model, "no_record")


@pytest.mark.parametrize(
    ("fold", "says"),
    [
        ("conv2=4x4", "nearest legal is 3"),
        ("conv2=6x7", "nearest legal is 6"),
        ("conv2=0x1", "nearest legal is 1"),
        ("conv9=1x1", "conv1, conv2, conv3"),
        ("conv2", "LAYER=PExSIMD"),
        ("conv2=1x", "LAYER=PExSIMD"),
        ("conv2=-1x1", "LAYER=PExSIMD"),
    ],
)
def test_illegal_fold_gives_the_nearest_legal(
    refused: Refused, model: Path, fold: str, says: str
) -> None:
    assert says in refused("generate", model, "--fold", fold)
    assert not Path("build").exists()


@pytest.mark.parametrize("cycles", [-1, 0, 1, 19])
def test_cycles_that_cannot_be_met_give_the_nearest_legal(
    refused: Refused, model: Path, cycles: int
) -> None:
    assert "nearest legal is" in refused("generate", model, "--cycles", cycles)


@pytest.mark.parametrize(
    "given",
    [
        ("generate", "MODEL", "-o", "file/below"),
        ("generate", "MODEL", "-o", "/proc/here"),
        ("freeze", "CHECKPOINT", "DESCRIPTION", "-o", "file/out.json"),
        ("classify", "MODEL", "in.npy", "-o", "file/rows.csv"),
        ("classify", "MODEL", "in.npy", "-o", "/proc/rows.csv"),
        ("verify", "MODEL", "--json", "file/verdict.json"),
        ("verify", "MODEL", "--html", "file/page.html"),
        ("report", "MODEL", "-o", "file/page.html"),
    ],
)
def test_folder_that_cannot_be_written(
    refused: Refused, model: Path, checkpoint: Path, description: Path, given: tuple[str, ...]
) -> None:
    """A file stands where the folder should be; /proc refuses even root."""
    Path("file").write_text("in the way")
    np.save("in.npy", np.zeros((1, 40), dtype=np.int16))
    stand_ins = {"MODEL": model, "CHECKPOINT": checkpoint, "DESCRIPTION": description}
    before = sorted(Path().rglob("*"))
    assert "cannot be written" in refused(*(stand_ins.get(word, word) for word in given))
    assert sorted(Path().rglob("*")) == before
    assert Path("file").read_text() == "in the way"


def test_generate_leaves_a_foreign_folder_alone(refused: Refused, model: Path) -> None:
    Path("mine").mkdir()
    Path("mine/work.txt").write_text("precious")
    assert "not a build folder" in refused("generate", model, "-o", "mine")
    assert [p.name for p in Path("mine").iterdir()] == ["work.txt"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("verify", "MODEL", "--levels", "nonsense"), "level 'nonsense' is unknown"),
        (("verify", "MODEL", "--levels", "lint,-lint"), "leaves nothing to verify"),
        (("verify", "MODEL", "--fragments", "0"), "--fragments"),
        (("verify", "MODEL", "--fragments", "-3"), "--fragments"),
        (("verify", "MODEL", "--fragments", "many"), "--fragments"),
        (("verify", "MODEL", "--checkpoint", "no.npz"), "no.npz"),
        (("verify", "--build", "nowhere"), "nowhere"),
        (("verify", "MODEL", "--build", "nowhere"), "nowhere"),
        (("verify", "MODEL", "--build", "nowhere", "--cycles", "50"), "--cycles"),
        (("verify", "MODEL", "--records", "nowhere", "--fragments", "all"), "nowhere"),
        (("report", "MODEL", "--from", "no.json"), "no.json"),
        (("info",), "Missing argument"),
        (("info", "MODEL", "--nonsense"), "--nonsense"),
        (("nonsense",), "nonsense"),
        (("train", "no.toml"), "no.toml"),
        (("data", "file/below"), "file"),
    ],
)
def test_wrong_use(refused: Refused, model: Path, given: tuple[str, ...], says: str) -> None:
    Path("file").write_text("in the way")
    assert says in refused(*(model if word == "MODEL" else word for word in given))


def test_no_arguments_show_the_help(run: Run) -> None:
    ended = run()
    assert ended.status == 2 and "Usage: bnn-hw" in ended.err


@pytest.mark.parametrize("levels", ["", ",", " "])
def test_no_level_named(refused: Refused, model: Path, levels: str) -> None:
    assert "names no level" in refused("verify", model, "--levels", levels)


def test_one_file_for_json_and_html(refused: Refused, model: Path, tmp_path: Path) -> None:
    line = refused("verify", model, "--levels", "packed", "--json", "same", "--html", "./same")
    assert "both name same" in line
    assert not (tmp_path / "same").exists()


def test_lead_of_an_array(refused: Refused, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((1, 24), dtype=np.int16))
    assert "goes with a WFDB record" in refused("classify", model, "x.npy", "--lead", "II")


def test_evaluate_without_records(refused: Refused) -> None:
    assert "--records" in refused("evaluate", "ecg17")


def test_evaluate_a_network_with_other_labels(run: Run, model: Path, tmp_path: Path) -> None:
    ended = run("evaluate", model, "--set", "ecg5", "--records", tmp_path)
    assert ended.status == 2 and "Traceback" not in ended.err
