"""What each verb prints and writes when all is well."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bnn_hw.ecg.slices import slice_record_path
from bnn_hw.golden import plain
from bnn_hw.ir import load_network, save_network
from bnn_hw.ir.storage import storage
from tests.cli.conftest import Run
from tests.reference import reference_network
from tests.strategies import random_samples

INFO_FIELDS = [
    "name", "digest", "storage_bytes", "weight_bits", "threshold_bits", "head_bits", "macs",
    "layers", "metrics",
]  # fmt: skip


def test_info_json_has_the_fields_of_the_contract(run: Run, model: Path) -> None:
    ended = run("info", model, "--json")
    facts = json.loads(ended.out)
    network = load_network(model)
    assert ended.status == 0 and list(facts) == INFO_FIELDS
    assert facts["digest"] == network.digest()
    assert facts["storage_bytes"] == storage(network).storage_bytes
    assert [layer["name"] for layer in facts["layers"]] == ["conv1", "conv2", "conv3"]
    assert facts["metrics"] == {}


def test_info_for_people_shows_the_same_figures(run: Run, model: Path) -> None:
    ended = run("info", model)
    assert ended.status == 0 and ended.err == ""
    for word in ("little", load_network(model).digest(), "conv3", "2 inside", "multiply-adds"):
        assert word in ended.out


def test_classify_npy_gives_the_rows_of_golden(run: Run, model: Path, tmp_path: Path) -> None:
    network = load_network(model)
    samples = random_samples(network.input, 9, seed=4)[:, 0]
    np.save(tmp_path / "in.npy", samples.astype(np.int16))
    golden = plain.run(network, samples)
    rows = list(csv.DictReader(io.StringIO(run("classify", model, "in.npy").out)))
    assert [list(row) for row in rows] == [["index", "class", "label", "scores"]] * 9
    assert [int(row["class"]) for row in rows] == golden.classes.tolist()
    assert [[int(s) for s in row["scores"].split()] for row in rows] == golden.scores.tolist()
    found = json.loads(run("classify", model, "in.npy", "--json").out)
    assert [row["scores"] for row in found] == golden.scores.tolist()
    assert [row["label"] for row in found] == [network.labels[c] for c in golden.classes]
    assert [row["index"] for row in found] == list(range(9))


def test_classify_writes_a_file(run: Run, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.zeros((2, 40), dtype=np.int32))
    ended = run("classify", model, "in.npy", "-o", "out/rows.csv")
    assert ended.out == "" and ended.status == 0
    assert len((tmp_path / "out" / "rows.csv").read_text().splitlines()) == 3


def test_classify_record_takes_every_whole_fragment(run: Run, tmp_path: Path) -> None:
    save_network(reference_network(classes=5, bits=11), tmp_path / "net.json")
    ended = run("classify", "net.json", slice_record_path())
    assert ended.status == 0 and len(ended.out.splitlines()) == 1 + 3
    assert "last 1800 samples fill no fragment" in ended.err


def test_prepare_applies_the_networks_preparation(
    run: Run, tmp_path: Path, checkpoint: Path, description: Path
) -> None:
    text = description.read_text().replace("bits = 6", 'bits = 6\npreparation = "peak"\npeak = 31')
    description.write_text(text)
    assert run("freeze", checkpoint, description, "-o", "net.json").status == 0
    raw = np.arange(-1200, 1200, 100)[np.newaxis]
    np.save("raw.npy", raw)
    np.save("ready.npy", np.rint(raw * 31 / 1200).astype(np.int8))
    ready = run("classify", "net.json", "ready.npy").out
    assert run("classify", "net.json", "raw.npy", "--prepare").out == ready
    assert run("classify", "net.json", "raw.npy").status == 2


def test_freeze_writes_a_network_that_can_be_read(
    run: Run, tmp_path: Path, checkpoint: Path, description: Path
) -> None:
    np.save("few.npy", np.zeros((3, 24), dtype=np.int16))
    (tmp_path / "m.json").write_text('{"test": {"accuracy": 0.5, "correct": 1, "fragments": 2}}')
    ended = run(
        "freeze", checkpoint, description, "-o", "out/tiny.json", "--json",
        "--calibrate", "few.npy", "--metrics", "m.json",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    report = json.loads(ended.out)
    network = load_network(tmp_path / "out" / "tiny.json")
    assert report["digest"] == network.digest() and report["proof"]["passed"]
    assert report["head"]["fragments"] == 3
    assert "50.00 % (1 of 2 fragments)" in run("info", "out/tiny.json").out


def test_freeze_for_people_ends_with_the_file(
    run: Run, checkpoint: Path, description: Path
) -> None:
    ended = run("freeze", checkpoint, description, "-o", "tiny.json")
    assert ended.status == 0 and ended.out.splitlines()[-1] == "written tiny.json"
    assert "0 mismatches" in ended.out


def test_freeze_reads_a_torch_state_dict(
    run: Run, arrays: dict[str, np.ndarray], checkpoint: Path, description: Path
) -> None:
    torch = pytest.importorskip("torch")
    torch.save({k: torch.from_numpy(v) for k, v in arrays.items()}, "tiny.pth")
    assert run("freeze", "tiny.pth", description, "-o", "a.json").status == 0
    assert run("freeze", checkpoint, description, "-o", "b.json").status == 0
    assert Path("a.json").read_text() == Path("b.json").read_text()


def test_generate_prints_its_folding_and_ends_with_the_folder(run: Run, model: Path) -> None:
    ended = run("generate", model, "--fold", "conv2=3x4")
    assert ended.status == 0 and "written build/little/" in ended.out
    assert "'bnn-hw verify --build build/little'" in ended.out, "verify MODEL would fold anew"
    plain = run("generate", model, "-o", "plain", "--estimate")
    assert plain.status == 0 and "--build" not in plain.out
    found = json.loads(run("generate", model, "--fold", "conv2=3x4", "-o", "x", "--json").out)
    assert found["folding"]["conv2"] | {"cycles": 0} == {
        "pe": 3, "simd": 4, "nf": 2, "sf": 3, "block_bits": 0, "digits": 1, "ring": False,
        "cycles": 0,
    }  # fmt: skip
    in_block = run(
        "generate", model, "--fold", "conv2=3x4", "--rom", "block", "--estimate", "--json"
    )
    assert json.loads(in_block.out)["folding"]["conv2"]["block_bits"] == 12
    refused = run("generate", model, "--latency", "1", "--estimate")
    assert refused.status == 2 and "nearest found is" in refused.err
    assert found["path"] == "x" and found["files"] == sum(p.is_file() for p in Path("x").rglob("*"))
    manifests = [Path(folder, "manifest.json").read_bytes() for folder in ("build/little", "x")]
    assert manifests[0] == manifests[1]


def test_importing_the_command_line_needs_neither_torch_nor_wfdb() -> None:
    code = (
        "import sys, bnn_hw.cli.main; "
        "print([m for m in ('torch', 'wfdb', 'matplotlib', 'cocotb') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_closed_pipe_ends_quietly(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", np.zeros((20000, 40), dtype=np.int16))
    command = [
        sys.executable, "-c", "import sys; from bnn_hw.cli import main; sys.exit(main())",
        "classify", str(model), str(tmp_path / "many.npy"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()  # long before the first row is written
    errors = process.stderr.read()
    assert process.wait(timeout=60) == 141 and errors == ""
