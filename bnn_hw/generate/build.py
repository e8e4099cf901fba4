"""The build folder: everything rendered beside, then swapped in, so that none is ever half-written.

Reads a frozen network and a folding; gives ``build/<model>/`` with ``rtl``, ``sim``, ``hls``,
``handoff``, ``vectors``, ``network.json`` and ``manifest.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bnn_hw import __version__
from bnn_hw.errors import UserError
from bnn_hw.files import write_folder
from bnn_hw.generate.axil import axil_top, render_axil
from bnn_hw.generate.estimate import estimate
from bnn_hw.generate.folding import Fold, Folding, fastest, override
from bnn_hw.generate.handoff import render_handoff
from bnn_hw.generate.hls import render_hls
from bnn_hw.generate.manifest import NAME as MANIFEST
from bnn_hw.generate.manifest import SYNTHESES, manifest_text, read_manifest
from bnn_hw.generate.open_flow import render_open_flow
from bnn_hw.generate.plan import Plan, build_plan
from bnn_hw.generate.rtl import render_rtl
from bnn_hw.generate.vectors import render_vectors
from bnn_hw.generate.vendor import render_vendor
from bnn_hw.ir.file import load_network, network_text
from bnn_hw.ir.network import Network


@dataclass(frozen=True)
class Build:
    """A build folder and what it was made from."""

    path: Path
    network: Network
    plan: Plan
    axi_lite: bool = False

    @property
    def top(self) -> str:
        """The module that holds everything else."""
        return axil_top(self.plan) if self.axi_lite else f"{self.plan.name}_top"


def generate(
    network: Network,
    folding: Folding,
    target: Path,
    samples: npt.NDArray[np.integer],
    axi_lite: bool = False,
) -> Build:
    """Render everything of ``network`` at ``folding`` into the folder ``target``.

    Parameters
    ----------
    samples
        Prepared fragments for ``vectors/``, ``(fragments, channels, samples)`` integers.
    axi_lite
        Whether to add registers behind AXI4-Lite, and the software that goes with them.

    Raises
    ------
    UserError
        When ``target`` cannot be written, or is a folder that bnn_hw did not make.
    """
    plan = build_plan(network, folding)
    files: dict[str, bytes] = {"network.json": network_text(network).encode()}
    area = estimate(network, folding)
    rendered = render_rtl(plan, axi_lite) | render_hls(plan) | render_handoff(plan, axi_lite, area)
    rendered |= render_vendor(plan, axi_lite) | render_open_flow(plan)
    if axi_lite:
        rendered |= render_axil(plan)
    files.update({path: text.encode() for path, text in rendered.items()})
    files.update(render_vectors(network, plan, samples))
    header = {
        "name": network.name,
        "digest": network.digest(),
        "generator": f"bnn_hw {__version__}",
        "cycles_per_fragment": plan.cycles,
        "samples_per_cycle": plan.samples_per_beat,
        "folding": {
            s.name: {
                **{"pe": s.pe, "simd": s.simd, "block_bits": s.block_bits, "digits": s.digits},
                "ring": s.ring_depth > 0,
            }
            for s in plan.stages
        },
        "estimate": area.as_dict(),
        **({"axi_lite": True} if axi_lite else {}),
    }
    files[MANIFEST] = manifest_text(header, files).encode()
    write_folder(target, files, _check_old, keep=(SYNTHESES,))
    return Build(target, network, plan, axi_lite)


def open_build(path: Path, network: Network | None = None) -> Build:
    """A build folder as it lies there; its plan comes from the manifest's folding.

    ``network`` is what the files are to be compared with; by default the folder's own
    ``network.json``.
    """
    manifest = read_manifest(path)
    network = network or load_network(path / "network.json")
    try:
        samples = int(manifest.get("samples_per_cycle", 1))
        folds = {
            str(name): Fold(
                *(int(of["pe"]), int(of["simd"])),
                *(int(of.get("block_bits", 0)), int(of.get("digits", 1))),
                ring=of.get("ring") is True,
            )
            for name, of in manifest["folding"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(
            f"{path / MANIFEST}: 'folding' is not one PE and SIMD a layer; run 'make generate' again"
        ) from None
    plan = build_plan(network, override(network, fastest(network, samples), folds))
    return Build(path, network, plan, manifest.get("axi_lite") is True)


def _check_old(target: Path) -> None:
    """Raise :class:`UserError` for all but a build folder and an empty one."""
    if not target.is_dir():
        raise UserError(f"{target} cannot be written: it is a file; choose another folder")
    if not (target / MANIFEST).is_file() and {p.name for p in target.iterdir()} - {SYNTHESES}:
        raise UserError(
            f"{target} exists and is not a build folder of bnn_hw: choose another or remove it"
        )
