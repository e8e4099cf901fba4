"""C simulation of the HLS C++: compile it with g++ against Xilinx' own headers, run it, read it back.

Reads the ``hls`` folder of a build and integer fragments; gives class, error flag and scores of each
fragment and, on request, the tap files that :mod:`bnn_hw.simulate.taps` compares with golden. A read
of an empty stream or a stream that is left non-empty, where hls::stream only warns, is a failure.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import ToolMissing, UserError, install
from bnn_hw.simulate.tools import Finished, ToolFailed, check_tool, find_gxx, first_error, run_tool

_COMPILE_S = 900.0
_RUN_S = 3600.0
# -O2 is what makes bit-exact integers of any width quick enough. The last two: ap_int.h clears the
# unused bits of numbers it has not set yet, by design, and g++ says so at each place it inlines them.
_FLAGS = (
    "-std=c++17",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Wno-unknown-pragmas",
    "-Wno-uninitialized",
    "-Wno-maybe-uninitialized",
)
# How bnn_csim.hpp starts its messages.
_OWN_MESSAGE = "csim: "
# What hls::stream prints, in this or that release of its header, when a design would hang.
_STREAM_FAULTS = ("read while empty", "leftover data")


@dataclass(frozen=True, eq=False)
class CsimResult:
    """What left the top function, a fragment a row.

    ``scores`` is ``(fragments, classes) int64``, ``classes`` ``(fragments,) int64`` and ``errors``
    (``tuser``: the fragment broke the contract) ``(fragments,) bool``.
    """

    scores: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    errors: npt.NDArray[np.bool_]


def xilinx_headers(vitis_include: Path | None = None) -> Path:
    """Folder that holds ``ap_int.h`` and ``hls_stream.h``.

    Parameters
    ----------
    vitis_include
        Vitis' ``include`` folder; by default the headers in the hls4ml package, which is looked up
        and not imported.

    Raises
    ------
    ToolMissing
        When the headers are not there.
    """
    if vitis_include is not None:
        if not (vitis_include / "ap_int.h").is_file():
            raise ToolMissing(
                f"{vitis_include} holds no ap_int.h; name the 'include' folder of a Vitis HLS installation"
            )
        return vitis_include.resolve()
    spec = importlib.util.find_spec("hls4ml")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "templates" / "vivado" / "ap_types"
        if (folder / "ap_int.h").is_file():
            return folder
    raise ToolMissing(
        f"Xilinx' ap_int.h is not installed; {install('verify')} (or name Vitis' include folder)"
    )


def compile_csim(build_dir: Path, work_dir: Path, vitis_include: Path | None = None) -> Path:
    """Compile the HLS C++ of a build folder into a program.

    Parameters
    ----------
    build_dir
        A build folder; its ``hls/`` is compiled as it lies there and not written to.
    work_dir
        Takes the program; made if it is not there.
    vitis_include
        As in :func:`xilinx_headers`.

    Returns
    -------
    Path of the program.

    Raises
    ------
    ToolMissing
        When g++ or the headers are not installed.
    ToolFailed
        When the C++ does not compile: the first error.
    UserError
        When ``build_dir`` holds no HLS C++.
    """
    folder = build_dir.resolve() / "hls"
    drivers = sorted(folder.glob("*_csim.cpp"))
    if len(drivers) != 1:
        raise UserError(
            f"{build_dir / 'hls'} holds {len(drivers)} C-simulation drivers (*_csim.cpp), a build has one; "
            "run 'make generate' again"
        )
    driver = drivers[0]
    top = driver.with_name(driver.name.removesuffix("_csim.cpp") + ".cpp")
    program = _folder(work_dir) / "csim"
    include = ("-isystem", str(xilinx_headers(vitis_include)))
    command = [str(find_gxx()), *_FLAGS, *include, str(top), str(driver), "-o", str(program)]
    check_tool("C simulation does not compile", command, timeout_s=_COMPILE_S)
    return program


def run_csim(
    binary: Path,
    samples: npt.NDArray[np.integer],
    taps_dir: Path | None = None,
    lengths: Sequence[int] | None = None,
) -> CsimResult:
    """Send fragments through a compiled C simulation.

    Parameters
    ----------
    samples
        Integers of 16 bits: ``(fragments, samples)`` for one channel or ``(fragments, channels,
        samples)``; with ``lengths`` ``(beats,)`` or ``(channels, beats)``, the fragments end to end.
    taps_dir
        Takes one file a tap (:mod:`bnn_hw.simulate.taps`); made if it is not there.
    lengths
        Sample times of each fragment, where they are not those of the network: short and long ones.

    Raises
    ------
    UserError
        When the samples do not fit into 16 bits or their shape does not suit.
    ToolFailed
        When the simulation failed: an empty stream was read, a stream was not empty at the end, a
        packet had the wrong length.
    """
    beats, fragments = _beats(np.asarray(samples), lengths)
    with tempfile.TemporaryDirectory(prefix="bnn_hw_csim_") as folder:
        stimulus = Path(folder) / "samples.bin"
        beats.tofile(stimulus)
        command = [str(binary.resolve()), str(stimulus), str(fragments)]
        if lengths is not None:
            lengths_file = Path(folder) / "lengths.txt"
            lengths_file.write_text("".join(f"{length}\n" for length in lengths))
            command += ["--lengths", str(lengths_file)]
        if taps_dir is not None:
            command += ["--taps", str(_folder(taps_dir))]
        finished = run_tool(command, timeout_s=_RUN_S)
    return _result(finished, fragments)


def _folder(path: Path) -> Path:
    """The folder ``path``, made where it is not there, as an absolute path."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; choose a folder you can write to"
        ) from None
    return path.resolve()


def _beats(
    samples: npt.NDArray[np.integer], lengths: Sequence[int] | None
) -> tuple[npt.NDArray[np.int16], int]:
    """Sample times in the order of the wire, ``(beats, channels)``, and the number of fragments."""
    if not np.issubdtype(samples.dtype, np.integer):
        raise UserError(f"samples have dtype {samples.dtype}, C simulation takes integers")
    if samples.size == 0:
        raise UserError("samples hold 0 fragments; give at least 1")
    if samples.min() < -(1 << 15) or samples.max() >= 1 << 15:
        raise UserError(
            f"samples reach from {samples.min()} to {samples.max()}, a channel of s_axis has 16 bits signed"
        )
    if lengths is None:
        if samples.ndim == 2:
            samples = samples[:, np.newaxis, :]
        if samples.ndim != 3:
            raise UserError(
                f"samples have shape {samples.shape}, C simulation takes (fragments, samples) or "
                "(fragments, channels, samples)"
            )
        fragments = samples.shape[0]
        beats = samples.transpose(0, 2, 1).reshape(-1, samples.shape[1])
    else:
        fragments = len(lengths)
        beats = np.atleast_2d(samples).T
        if samples.ndim > 2 or beats.shape[0] != sum(lengths) or min(lengths, default=0) < 1:
            raise UserError(
                f"samples have shape {samples.shape}, lengths of {fragments} fragments (each at least 1) add up to "
                f"{sum(lengths)}; give (beats,) or (channels, beats)"
            )
    return np.ascontiguousarray(beats, dtype="<i2"), fragments


def _complaint(finished: Finished) -> str:
    """The driver's own message, else whatever looks like one."""
    own = [line for line in finished.errors.splitlines() if line.startswith(_OWN_MESSAGE)]
    return own[0].removeprefix(_OWN_MESSAGE)[:300] if own else first_error(finished)


def _result(finished: Finished, fragments: int) -> CsimResult:
    if finished.status != 0 or any(fault in finished.text for fault in _STREAM_FAULTS):
        raise ToolFailed(f"C simulation: {_complaint(finished)} (exit status {finished.status})")
    try:
        rows = np.array([line.split() for line in finished.output.splitlines()], dtype=np.int64)
    except ValueError:
        raise ToolFailed(
            "C simulation printed something else than class, tuser and scores"
        ) from None
    if rows.ndim != 2 or rows.shape[0] != fragments or rows.shape[1] < 3:
        raise ToolFailed(
            f"C simulation gave {len(rows)} results for {fragments} fragments; it must give one each"
        )
    return CsimResult(scores=rows[:, 2:], classes=rows[:, 0], errors=rows[:, 1] != 0)
