"""Checkpoints: the float parameters that freeze reads, and nothing else from their file.

Between training and freeze. Reads a ``.npz`` with numpy alone, anything else as a PyTorch
``state_dict`` through torch, which is imported only then. Nothing in a checkpoint is ever run: a
``.npz`` is read array by array without pickle, torch reads with ``weights_only=True``. Gives a
:class:`Checkpoint` of plain arrays whose digest does not depend on the kind of file.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import ToolMissing, UserError, install
from bnn_hw.files import read_bytes

# Far above any network for an FPGA with its optimiser's state, far below what hurts.
MAX_BYTES = 512 << 20
MAX_ARRAYS = 4096
_DROPPED = "num_batches_tracked"
_WRAPPERS = ("state_dict", "model_state_dict")

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The arrays of a ``state_dict``, read-only, and a digest of their values.

    The digest is sha256 (hex) over the arrays in the order of their names; each gives its name,
    its dtype as numpy writes it in little-endian order (``<f4``), its shape as decimals joined by
    ``,``, each followed by a zero byte, then its values, little-endian, last axis fastest.
    """

    arrays: Mapping[str, Array]
    digest: str

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Checkpoint:
        """A checkpoint of arrays at hand; ``num_batches_tracked`` is dropped.

        Raises
        ------
        UserError
            When an array holds anything but real numbers of at most 64 bits.
        """
        kept = {}
        for name in sorted(arrays):
            if name.rpartition(".")[2] == _DROPPED:
                continue
            array = np.asarray(arrays[name])
            if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
                raise UserError(
                    f"checkpoint: array {name[:80]!r} has dtype {array.dtype}; allowed are real "
                    "numbers of at most 64 bits"
                )
            plain = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")
            plain.setflags(write=False)
            kept[name] = plain
        return cls(kept, _digest(kept))


def _digest(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        shape = ",".join(str(size) for size in array.shape)
        digest.update(f"{name}\0{array.dtype.newbyteorder('<').str}\0{shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Read a checkpoint file.

    Raises
    ------
    UserError
        When the file is missing, too large, damaged, wants to run code, or is no ``state_dict``.
    ToolMissing
        When it is a PyTorch file and torch is not installed.
    """
    path = Path(path)
    content = read_bytes(path, MAX_BYTES, "checkpoint")
    try:
        members = _zip_members(content)
        if members and all(member.filename.endswith(".npy") for member in members):
            return Checkpoint.from_arrays(_read_npz(content, members))
        if path.suffix == ".npz":
            raise UserError(
                "is not a .npz of arrays; write it with numpy.savez, or give the PyTorch file"
            )
        return Checkpoint.from_arrays(_read_torch(content))
    except ToolMissing:
        raise
    except UserError as error:
        raise UserError(f"checkpoint {path}: {error}") from None


def _zip_members(content: bytes) -> list[zipfile.ZipInfo]:
    """Members of a zip (both formats are zips), sizes checked before anything is unpacked."""
    if not content.startswith(b"PK"):
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise UserError(f"is damaged: {error}; save it again") from None
    if len(members) > MAX_ARRAYS:
        raise UserError(f"holds {len(members)} entries, at most {MAX_ARRAYS}")
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_BYTES:
        raise UserError(f"unpacks to {unpacked} bytes, at most {MAX_BYTES}")
    return members


def _read_npz(content: bytes, members: list[zipfile.ZipInfo]) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in members:
            name = member.filename.removesuffix(".npy")
            if name in arrays:
                raise UserError(f"array {name[:80]!r} stands in it twice")
            try:
                # zipfile never unpacks more than the size that was checked above.
                raw = archive.read(member)
                arrays[name] = _read_npy(raw)
            except (ValueError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
                raise UserError(f"array {name[:80]!r} cannot be read: {error}") from None
            except Exception as error:  # a damaged deflate stream raises zlib.error
                raise UserError(f"array {name[:80]!r} is damaged: {error}") from None
    return arrays


def _read_npy(raw: bytes) -> Array:
    """One ``.npy``; the header must promise exactly the bytes that follow it."""
    stream = io.BytesIO(raw)
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"npy version {version} is unknown")
    shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which could run code")
    body = raw[stream.tell() :]
    count = 1
    for size in shape:
        count *= int(size)
    if count < 0 or count * dtype.itemsize != len(body):
        raise ValueError(
            f"shape {shape} of {dtype} needs {count * dtype.itemsize} bytes, {len(body)} follow"
        )
    flat = np.frombuffer(body, dtype=dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _read_torch(content: bytes) -> dict[str, Array]:
    try:
        import torch
    except ImportError:
        raise ToolMissing(
            "this checkpoint is a PyTorch file and torch is not installed; "
            f"{install('train')}, or save the arrays with numpy.savez"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on old formats; the result is checked below
            loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a foreign or damaged file
        raise UserError(_why_not(str(error))) from None
    return _tensors(torch, loaded)


def _why_not(message: str) -> str:
    name = re.search(r"GLOBAL ([\w.]+)", message)
    if name or "weights_only" in message.lower() or "Weights only" in message:
        what = f" ({name.group(1)})" if name else ""
        return (
            f"wants to run code when it is loaded{what}: a whole module or a foreign pickle is never "
            "read; save the parameters alone with torch.save(model.state_dict(), FILE)"
        )
    return f"is not a PyTorch file that can be read: {message[:120]}; save model.state_dict() again"


def _tensors(torch: Any, loaded: object) -> dict[str, Array]:
    for wrapper in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
            break
    if not isinstance(loaded, Mapping) or not loaded:
        raise UserError(
            f"holds a {type(loaded).__name__}, not a state_dict; save model.state_dict()"
        )
    if len(loaded) > MAX_ARRAYS:
        raise UserError(f"holds {len(loaded)} entries, at most {MAX_ARRAYS}")
    arrays = {}
    for name, value in loaded.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise UserError(
                f"entry {str(name)[:80]!r} is a {type(value).__name__}, not a tensor; save "
                "model.state_dict() alone or under the key 'state_dict'"
            )
        if value.layout != torch.strided or value.is_quantized or value.is_complex():
            raise UserError(f"tensor {name[:80]!r} is sparse, quantised or complex; save it dense")
        if value.is_floating_point() and value.dtype not in (
            torch.float16,
            torch.float32,
            torch.float64,
        ):
            value = value.to(torch.float32)  # bfloat16 and the 8-bit floats fit exactly
        if value.numel() * value.element_size() > MAX_BYTES:  # a broadcast view can claim any size
            raise UserError(f"tensor {name[:80]!r} is larger than {MAX_BYTES} bytes")
        arrays[name] = value.detach().contiguous().numpy()
    return arrays
