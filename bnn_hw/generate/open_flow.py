"""Open-flow part of the hand-off: Yosys, nextpnr and packer scripts, board top and pin files.

Reads a plan and the targets; gives the texts below ``handoff/open/``. A person runs them in the
build folder, ``make synth`` runs the same ones in a folder of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from bnn_hw import __version__
from bnn_hw.assets import rtl_dir
from bnn_hw.files import read_text
from bnn_hw.generate.fpga_targets import TARGETS, Board, Target
from bnn_hw.generate.manifest import SYNTHESES
from bnn_hw.generate.plan import Plan
from bnn_hw.generate.render import render

FOLDER = "handoff/open"
_MAX_CELL_BYTES = 1 << 20


@dataclass(frozen=True)
class OpenFlowContext:
    """What the templates of one target see; without a board ``board`` is None."""

    name: str
    digest: str
    generator_version: str
    top: str
    board_top: str
    board_cells: tuple[str, ...]
    target: Target

    @property
    def folder(self) -> str:
        """Where the scripts lie, from the build folder."""
        return FOLDER

    @property
    def out(self) -> str:
        """Where the scripts write, from the build folder."""
        return output_folder(self.target)

    @property
    def board(self) -> Board | None:
        """The board of the target."""
        return self.target.board

    @property
    def synthesis_top(self) -> str:
        """What is synthesised: the board's top, or the network where there is no board."""
        return self.board_top if self.target.routed else self.top

    @property
    def network_module(self) -> str:
        """Name that ``read_slang --keep-hierarchy`` gives the network within the board's top."""
        return network_module(self.name, self.target.routed)

    @property
    def nextpnr_options(self) -> str:
        """Device options of nextpnr."""
        return " ".join(self.target.nextpnr)


@dataclass(frozen=True)
class BoardContext:
    """What the template of the board's top sees."""

    name: str
    digest: str
    generator_version: str
    top: str
    board_top: str
    beats: int
    beat_bytes: int
    axis_bits: int
    result_bytes: int
    result_bits: int
    classes: int


def network_module(name: str, board: bool) -> str:
    """Name of the network's module in Yosys: ``read_slang`` adds the path of its instance."""
    return f"{name}_top${name}_board.u_network" if board else f"{name}_top"


def output_folder(target: Target) -> str:
    """Where the scripts of ``target`` write, from the build folder."""
    return f"{SYNTHESES}/{target.name}"


def yosys_script(target: Target) -> str:
    """Path of the Yosys script of ``target`` from the build folder."""
    return f"{FOLDER}/{target.name}.ys"


def shell_script(target: Target) -> str:
    """Path of the script that runs all steps of ``target``, from the build folder."""
    return f"{FOLDER}/{target.name}.sh"


def count_script(name: str, digest: str, top: str, target: Target) -> str:
    """The Yosys script that counts the cells of ``top``, the network's or one of its stages'.

    Only for a target without a board; those with one are counted within it.
    """
    assert target.board is None, "a network with a board around it is counted there"
    context = OpenFlowContext(name, digest, __version__, top, "", (), target)
    return render(f"handoff/open/{target.family.value}.ys.j2", context)


def render_open_flow(plan: Plan) -> dict[str, str]:
    """The files below ``handoff/open/`` as path and text.

    Raises
    ------
    UserError
        When the installation lacks its templates or cells.
    """
    cells = {
        path.name: read_text(path, _MAX_CELL_BYTES, "cell")
        for path in sorted((rtl_dir() / "board").glob("*.sv"))
    }
    board_top = f"{plan.name}_board"
    board = BoardContext(
        name=plan.name,
        digest=plan.digest,
        generator_version=plan.generator_version,
        top=f"{plan.name}_top",
        board_top=board_top,
        beats=plan.beats,
        beat_bytes=plan.axis_bits // 8,
        axis_bits=plan.axis_bits,
        result_bytes=plan.result_bits // 8,
        result_bits=plan.result_bits,
        classes=plan.classes,
    )
    files = {f"{FOLDER}/rtl/{name}": text for name, text in cells.items()}
    files[f"{FOLDER}/rtl/{board_top}.sv"] = render("handoff/open/name_board.sv.j2", board)
    for target in TARGETS.values():
        context = OpenFlowContext(
            name=plan.name,
            digest=plan.digest,
            generator_version=plan.generator_version,
            top=board.top,
            board_top=board_top,
            board_cells=(*cells, f"{board_top}.sv"),
            target=target,
        )
        family = target.family
        files[yosys_script(target)] = render(f"handoff/open/{family.value}.ys.j2", context)
        if target.board is not None:
            files[shell_script(target)] = render(f"handoff/open/{family.value}.sh.j2", context)
            pins = target.board.pin_file
            files[f"{FOLDER}/{pins}"] = render(f"handoff/open/{pins}.j2", context)
    return files
