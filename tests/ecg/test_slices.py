"""The shipped slices: real, complete, equal to the records, rebuilt exactly by their script."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from bnn_hw.ecg.fragments import FragmentSet, load_set
from bnn_hw.ecg.make_slices import main
from bnn_hw.ecg.slices import SLICE_RECORD, load_slices, slices_dir

Refused = Callable[..., AbstractContextManager[None]]


@pytest.mark.parametrize(("name", "per_class", "classes"), [("ecg5", 8, 5), ("ecg17", 3, 17)])
def test_every_class_is_there(name: str, per_class: int, classes: int) -> None:
    fragments = load_slices(name)  # type: ignore[arg-type]
    assert fragments.name == name
    assert fragments.samples.dtype == np.int16
    assert fragments.samples.shape == (per_class * classes, 3600)
    assert fragments.class_counts().tolist() == [per_class] * classes
    # 10 s of ECG is no flat line.
    assert np.all(np.ptp(fragments.samples, axis=1) > 50)
    assert np.unique(fragments.twins).size == len(fragments)
    assert len(set(fragments.records)) > 20


@pytest.mark.parametrize("name", ["ecg5", "ecg17"])
def test_slices_are_rows_of_the_set(name: str, request: pytest.FixtureRequest) -> None:
    whole: FragmentSet = request.getfixturevalue(name)
    slices = load_slices(name)  # type: ignore[arg-type]
    assert slices.class_names == whole.class_names
    places = zip(whole.records, whole.leads, whole.starts.tolist(), strict=True)
    row_of = {place: row for row, place in enumerate(places)}
    for i, record in enumerate(slices.records):
        row = row_of[record, slices.leads[i], int(slices.starts[i])]
        assert slices.labels[i] == whole.labels[row]
        assert np.array_equal(slices.samples[i], whole.samples[row])


def test_script_rebuilds_the_shipped_files(mitdb: Path, tmp_path: Path) -> None:
    assert main(["--records", str(mitdb), "--out", str(tmp_path)]) == 0
    for name in ("ecg5", "ecg17"):
        rebuilt, shipped = (load_slices(name, where) for where in (tmp_path, slices_dir()))  # type: ignore[arg-type]
        assert np.array_equal(rebuilt.samples, shipped.samples)
    exact = ["ecg5_slices.json", "ecg17_slices.json"]
    exact += [SLICE_RECORD + suffix for suffix in (".hea", ".dat", ".atr")]
    for name in exact:
        assert (tmp_path / name).read_bytes() == (slices_dir() / name).read_bytes(), name
    # The compressed arrays may differ from one zlib to the next, so they are compared unpacked.
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {*exact, "ecg5_slices.npz", "ecg17_slices.npz"}


def test_small_and_attributed() -> None:
    files = [path for path in slices_dir().iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 500_000
    text = (slices_dir() / "ATTRIBUTION.md").read_text()
    for name in ("10.13026/C2F305", "Attribution License 1.0", "10.17632/7dybx7wyfn.3", "CC BY"):
        assert name in text
    assert "10.13026/C2F305" in (slices_dir() / f"{SLICE_RECORD}.hea").read_text()


def test_script_without_records(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BNN_HW_RECORDS", raising=False)
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: records: ")
    assert shown.err.count("\n") == 1


def test_script_that_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--records", str(tmp_path), "--out", str(tmp_path / "file" / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_unknown_slices(refused: Refused) -> None:
    with refused("'ecg6'", "ecg5 or ecg17"):
        load_slices("ecg6")  # type: ignore[arg-type]


def damaged(tmp_path: Path) -> Path:
    for suffix in ("json", "npz"):
        shutil.copy(slices_dir() / f"ecg5_slices.{suffix}", tmp_path)
    return tmp_path


@pytest.mark.parametrize("suffix", ["json", "npz"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b"\x00\xff"])
def test_damaged_files(
    suffix: str, content: bytes | None, tmp_path: Path, refused: Refused
) -> None:
    file = damaged(tmp_path) / f"ecg5_slices.{suffix}"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with refused("slices ecg5", "install bnn_hw again"):
        load_slices("ecg5", tmp_path)


def test_wrong_shape_type_or_a_pickle(tmp_path: Path, refused: Refused) -> None:
    file = damaged(tmp_path) / "ecg5_slices.npz"
    samples = load_slices("ecg5").samples
    for array in (samples[:-1], samples.astype(np.int32), samples[:, :-1]):
        np.savez_compressed(file, samples=array)
        with refused("slices ecg5", "int16", "(40, 3600)"):
            load_slices("ecg5", tmp_path)
    np.savez_compressed(file, samples=np.array([{"a": 1}], dtype=object))
    with refused("slices ecg5"):
        load_slices("ecg5", tmp_path)


def test_label_that_is_no_class(tmp_path: Path, refused: Refused) -> None:
    file = damaged(tmp_path) / "ecg5_slices.json"
    described = json.loads(file.read_text())
    described["fragments"][3]["label"] = "X"
    file.write_text(json.dumps(described))
    with refused("slices ecg5", "install bnn_hw again"):
        load_slices("ecg5", tmp_path)


def test_records_setting_is_the_only_way_in(monkeypatch: pytest.MonkeyPatch, mitdb: Path) -> None:
    # The set is read from the folder given, not from the variable.
    monkeypatch.setitem(os.environ, "BNN_HW_RECORDS", "/nonexistent")
    assert len(load_set("ecg17", mitdb)) == 1000
