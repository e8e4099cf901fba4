"""MODEL on the command line: a shipped name or the path of a frozen network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bnn_hw.assets import models_dir
from bnn_hw.errors import UserError
from bnn_hw.ir import Network, load_network


@dataclass(frozen=True)
class Model:
    """A frozen network, its file, and the checkpoint that ships beside it (None if there is none)."""

    network: Network
    path: Path

    @property
    def name(self) -> str:
        """The shipped name, which may hold a hyphen (``ecg5-small``); else the network's own name.

        Names the build folder, the verdict and the commands of the model card.
        """
        shipped = shipped_models().get(self.path.stem)
        if shipped is not None and shipped.resolve() == self.path.resolve():
            return self.path.stem
        return self.network.name

    @property
    def checkpoint(self) -> Path | None:
        """The ``.npz`` beside the file, for the torch level of verify."""
        beside = self.path.with_suffix(".npz")
        return beside if beside.is_file() else None


def shipped_models() -> dict[str, Path]:
    """Name and file of every network that ships."""
    try:
        folder = models_dir()
    except UserError:
        return {}
    return {path.stem: path for path in sorted(folder.glob("*.json"))}


def find_model(model: str) -> Model:
    """The network that ``model`` names; :class:`UserError` when there is none."""
    shipped = shipped_models()
    path = shipped.get(model, Path(model))
    if model not in shipped and not _exists(path):
        known = ", ".join(shipped) or "none"
        raise UserError(
            f"MODEL {model[:200]!r} is neither a shipped network ({known}) nor a file; check the name or "
            "freeze a checkpoint with 'bnn-hw freeze'"
        )
    return Model(load_network(path), path)


def shipped_twin(network: Network) -> Model | None:
    """The shipped network of the same digest; None when there is none."""
    for path in shipped_models().values():
        twin = load_network(path)
        if twin.digest() == network.digest():
            return Model(twin, path)
    return None


def _exists(path: Path) -> bool:
    """``Path.exists`` raises for a name that no file can have, such as one of 5000 letters."""
    try:
        return path.exists()
    except OSError:
        return False
