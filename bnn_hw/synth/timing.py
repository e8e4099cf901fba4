"""What nextpnr says about a routed or packed design: Fmax, longest path, cells in use.

Reads nextpnr's ``--report`` JSON and the log of a run that only packed; gives a :class:`Timing` and
plain counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bnn_hw.simulate.tools import ToolFailed

# Cells that hold a LUT and a flip-flop each, by nextpnr's name.
_LOGIC_CELLS = ("TRELLIS_COMB", "ICESTORM_LC")
_USED = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s", re.MULTILINE)
_NETWORK = "u_network."


@dataclass(frozen=True)
class LongestPath:
    """The longest path between registers; ``start`` and ``end`` are cells of the netlist."""

    start: str
    end: str
    ns: float
    logic_ns: float
    routing_ns: float
    logic_levels: int
    nets: tuple[str, ...]

    @property
    def in_network(self) -> bool:
        """Whether the path both starts and ends within the network."""
        return self.start.startswith(_NETWORK) and self.end.startswith(_NETWORK)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "in_network": self.in_network}


@dataclass(frozen=True)
class Timing:
    """A routed design: what its clock may be, why, and the cells in use by nextpnr's names."""

    fmax_mhz: float
    critical_path: LongestPath
    used: Mapping[str, int]
    available: Mapping[str, int]


def read_timing(report: Path) -> Timing:
    """The figures of a routed design from nextpnr's report.

    Raises
    ------
    ToolFailed
        When the report does not tell of exactly one clock.
    """
    try:
        data: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        ((clock, figures),) = data["fmax"].items()
        edge = f"posedge {clock}"
        paths = [p for p in data["critical_paths"] if p["from"] == edge and p["to"] == edge]
        (path,) = paths
        utilisation = data["utilization"]
        return Timing(
            fmax_mhz=round(float(figures["achieved"]), 2),
            critical_path=_path(path["path"]),
            used={name: int(u["used"]) for name, u in utilisation.items() if u["used"]},
            available={name: int(u["available"]) for name, u in utilisation.items() if u["used"]},
        )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ToolFailed(
            f"nextpnr left no timing of one clock in {report.name}: {problem}"
        ) from None


def _path(hops: list[dict[str, Any]]) -> LongestPath:
    routing = sum(hop["delay"] for hop in hops if hop["type"] == "routing")
    total = sum(hop["delay"] for hop in hops)
    return LongestPath(
        start=str(hops[0]["from"]["cell"]),
        end=str(hops[-1]["to"]["cell"]),
        ns=round(total, 3),
        logic_ns=round(total - routing, 3),
        routing_ns=round(routing, 3),
        logic_levels=sum(hop["type"] == "logic" for hop in hops),
        nets=tuple(str(hop["net"]) for hop in hops if hop["type"] == "routing"),
    )


@dataclass(frozen=True)
class Use:
    """Logic cells that a design takes, and those of the device."""

    used: int
    available: int


def read_logic_cells(log: Path) -> Use:
    """Logic cells of a design that was packed, from nextpnr's log.

    Raises
    ------
    ToolFailed
        When the log holds no such line.
    """
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    for name, used, available in _USED.findall(text):
        if name in _LOGIC_CELLS:
            return Use(int(used), int(available))
    raise ToolFailed(f"nextpnr left no count of logic cells in {log.name}")


def logic_cells(used: Mapping[str, int]) -> int:
    """Logic cells among the cells in use."""
    return next((used[name] for name in _LOGIC_CELLS if name in used), 0)
