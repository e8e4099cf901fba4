"""Where the folders that are not Python lie: templates, cells, HLS headers, benches, models.

In a checkout (editable install) they stand beside the package; in a wheel the build puts them
inside it, under ``bnn_hw/_assets``. Every other module asks here and nowhere else.
"""

from __future__ import annotations

from pathlib import Path

from bnn_hw.errors import UserError

_PACKAGE = Path(__file__).resolve().parent


def _asset(name: str) -> Path:
    packaged = _PACKAGE / "_assets" / name
    if packaged.is_dir():
        return packaged
    checkout = _PACKAGE.parent / name
    if checkout.is_dir():
        return checkout
    raise UserError(
        f"folder '{name}' of bnn_hw is missing beside {_PACKAGE}: the installation is incomplete; "
        "install bnn_hw again (pip install --force-reinstall)"
    )


def templates_dir() -> Path:
    """Folder of the jinja2 templates (``rtl/``, ``hls/``, ``handoff/`` below it)."""
    return _asset("templates")


def rtl_dir() -> Path:
    """Folder of the hand-written SystemVerilog cells."""
    return _asset("rtl")


def hls_dir() -> Path:
    """Folder of the hand-written HLS C++ headers and the C-simulation driver."""
    return _asset("hls")


def sim_dir() -> Path:
    """Folder of the cocotb benches and of the Verilator main."""
    return _asset("sim")


def models_dir() -> Path:
    """Folder of the networks that ship."""
    return _asset("models")


def networks_dir() -> Path:
    """Folder of the network descriptions (NETWORK.toml) that ship."""
    return _asset("networks")


def data_dir() -> Path:
    """Folder of the real ECG slices that ship for the demo and the tests."""
    return _asset("tests/data")
