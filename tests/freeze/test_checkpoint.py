"""Checkpoints: both kinds of file, equal digests, and files that must not be read."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bnn_hw.errors import ToolMissing, UserError
from bnn_hw.freeze import Checkpoint, checkpoint, load_checkpoint


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {
        "block1.conv.weight": rng.normal(size=(2, 1, 3)).astype(np.float32),
        "block1.bn.running_var": rng.random(2),
        "block1.bn.num_batches_tracked": np.array(12),
        "half": np.array([1.5, -2.0], dtype=np.float16),
        "flag": np.array(True),
    }


def tensors() -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays().items()}


def test_npz_and_torch_are_the_same_checkpoint(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays())
    np.savez_compressed(tmp_path / "b.npz", **arrays())
    torch.save(tensors(), tmp_path / "c.pth")
    torch.save({"state_dict": tensors(), "epoch": 3}, tmp_path / "d.pt")
    torch.save(tensors(), tmp_path / "e.pth", _use_new_zipfile_serialization=False)
    read = [load_checkpoint(path) for path in sorted(tmp_path.iterdir())]
    assert len({found.digest for found in read}) == 1
    for found in read:
        assert sorted(found.arrays) == sorted(n for n in arrays() if "num_batches" not in n)
        for name, array in found.arrays.items():
            assert array.dtype == arrays()[name].dtype and not array.flags.writeable
            assert np.array_equal(array, arrays()[name])


def test_digest_follows_every_part() -> None:
    first = Checkpoint.from_arrays(arrays()).digest
    value, shape, dtype, name = arrays(), arrays(), arrays(), arrays()
    value["half"] = np.nextafter(value["half"], np.float16(9))
    shape["half"] = shape["half"].reshape(2, 1)
    dtype["half"] = dtype["half"].view(np.int16)
    name["halves"] = name.pop("half")
    others = [Checkpoint.from_arrays(a).digest for a in (value, shape, dtype, name)]
    assert len({first, *others}) == 5


def test_digest_does_not_follow_layout() -> None:
    plain = np.arange(6, dtype=np.float64).reshape(2, 3)
    variants = [plain, np.asfortranarray(plain), plain.astype(">f8")]
    assert len({Checkpoint.from_arrays({"w": v}).digest for v in variants}) == 1


def test_fortran_order_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", w=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    found = load_checkpoint(tmp_path / "f.npz").arrays["w"]
    assert np.array_equal(found, np.arange(6.0).reshape(2, 3))


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    torch.save({"w": torch.tensor([0.1, -3.0], dtype=torch.bfloat16)}, tmp_path / "w.pth")
    found = load_checkpoint(tmp_path / "w.pth").arrays["w"]
    assert found.dtype == np.float32 and found.tolist() == [0.10009765625, -3.0]


class Evil:
    """Runs a command when unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_pickles_are_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    torch.save({"block1.conv.weight": Evil(marker)}, tmp_path / "zip.pth")
    torch.save({"w": Evil(marker)}, tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps(Evil(marker)))
    np.savez(tmp_path / "object.npz", w=np.array([Evil(marker)], dtype=object))
    for name in ("zip.pth", "legacy.pth", "bare.pkl", "object.npz"):
        with pytest.raises(UserError, match=r"run code") as caught:
            load_checkpoint(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    assert not marker.exists()


def test_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(UserError, match=r"Linear.*save the parameters alone .*state_dict"):
        load_checkpoint(tmp_path / "module.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3}, "entry 'epoch' is a int, not a tensor"),
        ([torch.zeros(2)], "holds a list, not a state_dict"),
        ({}, "holds a dict, not a state_dict"),
        ({"w": torch.zeros(2, dtype=torch.complex64)}, "sparse, quantised or complex"),
        ({"w": torch.eye(2).to_sparse()}, "sparse, quantised or complex"),
        ({"w": torch.zeros(1).expand(1 << 30)}, "larger than"),
    ],
)
def test_foreign_torch_files(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(UserError, match=message):
        load_checkpoint(tmp_path / "x.pth")


def npy(header: str, body: bytes) -> bytes:
    text = (header + " " * (117 - len(header)) + "\n").encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.npy": npy("{'descr':'<f8','fortran_order':False,'shape':(1<<40,)}", b"")}, "cannot"),
        (
            {"a.npy": npy("{'descr':'<f8','fortran_order':False,'shape':(1099511627776,)}", b"")},
            "needs 8796093022208 bytes, 0 follow",
        ),
        (
            {"a.npy": npy("{'descr':'<f8','fortran_order':False,'shape':(1,)}", b"123456789")},
            "needs 8 bytes, 9 follow",
        ),
        (
            {"a.npy": npy("{'descr':'|O','fortran_order':False,'shape':(1,)}", b"12345678")},
            "Python objects",
        ),
        (
            {"a.npy": npy("{'descr':'<U2','fortran_order':False,'shape':(1,)}", b"a" * 8)},
            "dtype <U2",
        ),
        ({"a.npy": b"not an array"}, "cannot be read"),
        ({"a.txt": b"hello"}, "is not a .npz of arrays"),
    ],
)
def test_damaged_npz(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match=message):
        load_checkpoint(path)


def test_zip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "MAX_BYTES", 1 << 16)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", bytes(1 << 20))
    assert (tmp_path / "bomb.npz").stat().st_size < 1 << 16
    with pytest.raises(UserError, match="unpacks to 1048576 bytes, at most 65536"):
        load_checkpoint(tmp_path / "bomb.npz")


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", **{f"w{i}": np.zeros(1) for i in range(5)})
    monkeypatch.setattr(checkpoint, "MAX_ARRAYS", 4)
    with pytest.raises(UserError, match="holds 5 entries, at most 4"):
        load_checkpoint(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["x.npz", "x.pth"])
def test_damaged_files(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    if name == "x.npz":
        np.savez_compressed(buffer, w=np.arange(1000.0))
    else:
        torch.save({"w": torch.arange(1000.0)}, buffer)
    whole = buffer.getvalue()
    for content in (b"", b"PK\x03\x04", whole[: len(whole) // 2], b"hello", bytes(100)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=name):
            load_checkpoint(tmp_path / name)
    for at in range(0, len(whole), 97):
        flipped = bytearray(whole)
        flipped[at] ^= 0x55
        (tmp_path / name).write_bytes(bytes(flipped))
        try:
            load_checkpoint(tmp_path / name)
        except UserError as error:
            assert name in str(error)


def test_missing_file_and_long_double(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing.pth cannot be read: No such file"):
        load_checkpoint(tmp_path / "nothing.pth")
    with pytest.raises(UserError, match="dtype"):
        Checkpoint.from_arrays({"w": np.zeros(2, dtype=np.longdouble)})


def test_torch_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(tensors(), tmp_path / "a.pth")
    np.savez(tmp_path / "a.npz", **arrays())
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ToolMissing, match="pip install"):
        load_checkpoint(tmp_path / "a.pth")
    assert load_checkpoint(tmp_path / "a.npz").arrays


def test_freeze_of_npz_never_imports_torch(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays())
    code = (
        "import sys; from bnn_hw.freeze import load_checkpoint; "
        f"load_checkpoint({str(tmp_path / 'a.npz')!r}); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
