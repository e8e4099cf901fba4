"""A block design in the stand-in for Vivado: cells, connections, addresses, and what makes it valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.generate.vivado_design import Interface, Port, Refused
from tests.generate.vivado_tables import IPS, Ip

_PROCESSOR = "xilinx.com:ip:processing_system7:5.5"
_KINDS = {"clock": "clk", "reset": "rst", "interrupt": "intr"}


@dataclass
class Cell:
    """A cell with what has been set on it."""

    vlnv: str
    ip: Ip
    config: dict[str, str] = field(default_factory=dict)
    # Bytes and TUSER bits of a stream, by interface; of an IP of the user's.
    streams: dict[str, tuple[int, int]] = field(default_factory=dict)

    def pins(self) -> dict[str, str]:
        """Its pins; a concatenation has as many inputs as it was told."""
        if ":xlconcat:" in self.vlnv:
            count = int(self.config.get("NUM_PORTS", "2"))
            return {**self.ip.pins, **{f"In{i}": "intr" for i in range(count)}}
        return self.ip.pins

    def interfaces(self) -> dict[str, str]:
        """Its interfaces; a SmartConnect has as many as it was told."""
        if ":smartconnect:" in self.vlnv:
            slaves, masters = (int(self.config.get(key, "1")) for key in ("NUM_SI", "NUM_MI"))
            return {f"S{i:02}_AXI": "mm" for i in range(slaves)} | {
                f"M{i:02}_AXI": ">mm" for i in range(masters)
            }
        return self.ip.interfaces

    def stream(self, name: str) -> tuple[int, int] | None:
        """Bytes and TUSER bits of a stream; None where the IP follows its neighbour."""
        if name in self.streams:
            return self.streams[name]
        if name == "M_AXIS_MM2S":
            return int(self.config["c_m_axis_mm2s_tdata_width"]) // 8, 0
        if name == "S_AXIS_S2MM":
            return None
        side = name[0]
        tuser = self.config.get(f"{side}_TUSER_WIDTH", "0")
        return int(self.config[f"{side}_TDATA_NUM_BYTES"]), int(tuser)


def user_ip(interfaces: Mapping[str, Interface], ports: Mapping[str, Port]) -> Cell:
    """A cell of the packaged IP; what it lacks for a block design is refused here."""
    pins: dict[str, str] = {}
    kinds: dict[str, str] = {}
    streams: dict[str, tuple[int, int]] = {}
    for name, entry in interfaces.items():
        kind = entry.vlnv.split(":")[2]
        if kind in _KINDS:
            (port,) = entry.ports.values()
            pins[port] = (">" if ports[port].output else "") + _KINDS[kind]
            continue
        kinds[name] = (">" if entry.master else "") + {"axis": "axis", "aximm": "mm"}[kind]
        if kind == "axis":
            width = ports[entry.ports["TDATA"]].width
            tuser = ports[entry.ports["TUSER"]].width if "TUSER" in entry.ports else 0
            streams[name] = (width // 8, tuser)
    return Cell("", Ip(pins, kinds, frozenset()), {}, streams)


class BlockDesign:
    """Cells, nets and addresses; pins and interfaces go by ``cell/name``."""

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}
        self.nets: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.addresses: dict[str, tuple[int, int]] = {}
        self.memory_assigned = False
        self.external = False
        self.valid = False

    def add(self, name: str, vlnv: str, user: Mapping[str, Cell]) -> None:
        """A cell of an IP that Vivado or the repository has."""
        if name in self.cells:
            raise Refused(f"cell {name} exists")
        if vlnv in user:
            ip = user[vlnv]
            self.cells[name] = Cell(vlnv, ip.ip, {}, ip.streams)
        elif vlnv in IPS:
            self.cells[name] = Cell(vlnv, IPS[vlnv])
        else:
            raise Refused(f"no IP {vlnv} in the catalogue")

    def configure(self, name: str, key: str, value: str) -> None:
        """Set a CONFIG property."""
        cell = self.cells[name]
        if not key.startswith("CONFIG.") or key[7:] not in cell.ip.config:
            raise Refused(f"{cell.vlnv} has no property {key}")
        cell.config[key[7:]] = value

    def kind(self, path: str, interface: bool) -> str:
        """Kind of a pin or interface."""
        name, _, pin = path.partition("/")
        if name not in self.cells:
            raise Refused(f"no cell {name}")
        known = self.cells[name].interfaces() if interface else self.cells[name].pins()
        if pin not in known:
            what = "interface" if interface else "pin"
            raise Refused(f"{self.cells[name].vlnv} has no {what} {pin}")
        return known[pin]

    def connect(self, source: str, sink: str) -> None:
        """A net from an output to an input of the same kind."""
        start, end = self.kind(source, False), self.kind(sink, False)
        if not start.startswith(">") or end.startswith(">"):
            raise Refused(f"{source} to {sink} is not from an output to an input")
        if start[1:] != end and not (end == "intr" and start == ">intr"):
            raise Refused(f"{source} is a {start[1:]}, {sink} a {end}")
        if sink in self.nets:
            raise Refused(f"{sink} is driven twice")
        self.nets[sink] = source

    def link(self, one: str, other: str) -> None:
        """A connection of two interfaces, master first or last."""
        kinds = self.kind(one, True), self.kind(other, True)
        master, slave = (one, other) if kinds[0].startswith(">") else (other, one)
        if sorted(kind.startswith(">") for kind in kinds) != [False, True]:
            raise Refused(f"{one} and {other} are not a master and a slave")
        if kinds[0].strip(">") != kinds[1].strip(">"):
            raise Refused(f"{one} and {other} are of two kinds")
        if slave in self.links or master in self.links.values():
            raise Refused(f"{master} or {slave} is connected already")
        self.links[slave] = master

    def assign(self, slave: str, offset: int, size: int) -> None:
        """Addresses of a slave; two that overlap are refused."""
        if offset % size:
            raise Refused(f"{slave}: {offset:#x} is no multiple of {size:#x}")
        for other, (start, length) in self.addresses.items():
            if offset < start + length and start < offset + size:
                raise Refused(f"{slave} lies on {other}")
        self.addresses[slave] = (offset, size)

    def validate(self) -> None:
        """Refuse what is not connected, not clocked, not addressed, or does not fit."""
        if not self.external:
            raise Refused("DDR and FIXED_IO are not external")
        for name, cell in self.cells.items():
            for pin, kind in cell.pins().items():
                if not kind.startswith(">") and f"{name}/{pin}" not in self.nets:
                    raise Refused(f"{name}/{pin} is not connected")
            for interface in cell.interfaces():
                path = f"{name}/{interface}"
                if path not in self.links and path not in self.links.values():
                    raise Refused(f"{path} is not connected")
        for slave, master in self.links.items():
            if self.kind(slave, True) == "axis":
                self._check_stream(master, slave)
        for slave in self.links:
            owner = self.cells[slave.split("/")[0]].vlnv
            inner = ":smartconnect:" in owner or owner == _PROCESSOR
            if self.kind(slave, True) == "mm" and not inner and slave not in self.addresses:
                raise Refused(f"{slave} has no address")
        if not self.memory_assigned:
            raise Refused("the DMA has no addresses of the memory")
        self.valid = True

    def _check_stream(self, master: str, slave: str) -> None:
        ends = []
        for path in (master, slave):
            name, _, interface = path.partition("/")
            ends.append(self.cells[name].stream(interface))
        start, end = ends
        assert start is not None
        if end is None:
            end = (int(self.cells[slave.split("/")[0]].config["c_m_axi_s2mm_data_width"]) // 8, 0)
            if start[0] > end[0]:
                raise Refused(f"{slave}: the stream is wider than the memory's port")
            end = (start[0], 0)
        if start != end:
            raise Refused(f"{master} has {start} bytes and TUSER bits, {slave} {end}")
