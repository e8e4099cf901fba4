"""A stand-in for Vivado: runs its Tcl in a real Tcl interpreter and refuses what Vivado would refuse.

It knows the commands and options of :mod:`tests.generate.vivado_tables`; files are looked for, modules
and ports come from slang, pins and interfaces of a block design from the tables and the packaged IP.
It knows nothing of synthesis, placement, timing or of an IP's inside.
"""

from __future__ import annotations

import tkinter
from pathlib import Path

from tests.generate.vivado_block_design import BlockDesign, Cell, user_ip
from tests.generate.vivado_design import Design, Interface, Refused
from tests.generate.vivado_tables import (
    CELL_PROPERTIES,
    COMMANDS,
    CORE_PROPERTIES,
    DESIGN_PROPERTIES,
    PARTS,
    PORT_PROPERTIES,
    XDC_COMMANDS,
    Command,
)

_BRIDGE = """
proc {name} args {{
  lassign [stand_in {{{name}}} {{*}}$args] failed result
  if {{$failed}} {{ error $result }}
  return $result
}}
"""
_XDC_TCL = {"set", "list", "expr"}


class _Interpreter:
    """A Tcl interpreter whose extra commands are methods here."""

    commands: dict[str, Command]

    def __init__(self) -> None:
        self.tcl = tkinter.Tcl()
        self.tcl.createcommand("stand_in", self._call)
        self.calls: list[tuple[str, ...]] = []
        for name in self.commands:
            space, _, _ = name.rpartition("::")
            if space:
                self.tcl.eval(f"namespace eval {space} {{}}")
            self.tcl.eval(_BRIDGE.format(name=name))

    def words(self, text: str) -> list[str]:
        """A Tcl list."""
        return [str(word) for word in self.tcl.splitlist(text)]

    def _call(self, name: str, *words: str) -> tuple[int, object]:
        self.calls.append((name, *words))
        try:
            options, alone = self._parse(name, [str(word) for word in words])
            method = getattr(self, "do_" + name.replace("ipx::", "ipx_"), None)
            return 0, "" if method is None else method(options, *alone) or ""
        except Refused as refused:
            return 1, f"{name}: {refused}"

    def _parse(self, name: str, words: list[str]) -> tuple[dict[str, str], list[str]]:
        command = self.commands[name]
        options: dict[str, str] = {}
        alone: list[str] = []
        rest = iter(words)
        for word in rest:
            if word in command.flags:
                options[word] = "1"
            elif word in command.values:
                options[word] = next(rest)
            elif word.startswith("-") and not word[1:2].isdigit():
                raise Refused(f"no option {word}")
            else:
                alone.append(word)
        if not command.least <= len(alone) <= command.most:
            raise Refused(f"{len(alone)} words, expected {command.least} to {command.most}")
        return options, alone

    def pairs(self, options: dict[str, str], words: tuple[str, ...]) -> tuple[dict[str, str], str]:
        """Names and values of ``set_property``, and its object."""
        if "-dict" in options:
            flat = self.words(options["-dict"])
            if len(flat) % 2:
                raise Refused("-dict has an odd number of words")
            return dict(zip(flat[::2], flat[1::2], strict=True)), words[0]
        return {words[0]: words[1]}, words[2]


class Constraints(_Interpreter):
    """Constraint files over the ports and registers of an elaborated top."""

    commands = XDC_COMMANDS

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        self.clocks: dict[str, tuple[str, float]] = {}
        self.properties: dict[str, dict[str, str]] = {}
        self.untimed: set[str] = set()
        # Vivado takes no other Tcl in a constraint file.
        for name in self.words(self.tcl.eval("info commands")):
            if name not in {*_XDC_TCL, *XDC_COMMANDS, "stand_in", "lassign", "return", "if"} | {
                "error",
                "proc",
                "rename",
            }:
                self.tcl.eval(f"rename {{{name}}} {{}}")

    def read(self, file: Path) -> None:
        """Apply a constraint file."""
        try:
            self.tcl.eval(file.read_text())
        except tkinter.TclError as error:
            raise Refused(f"{file.name}: {error}") from None

    def _names(self, patterns: str, known: str) -> str:
        for name in self.words(patterns):
            found = name in self.design.ports if known == "port" else self.design.has_register(name)
            if not found:
                raise Refused(f"no {known} {name}")
        return patterns

    def do_get_ports(self, _: dict[str, str], patterns: str) -> str:
        return self._names(patterns, "port")

    def do_get_cells(self, _: dict[str, str], patterns: str) -> str:
        return self._names(patterns, "register")

    def do_current_design(self, _: dict[str, str]) -> str:
        return "design"

    def do_create_clock(self, options: dict[str, str], port: str) -> None:
        self.clocks[options["-name"]] = (port, float(options["-period"]))

    def do_set_false_path(self, options: dict[str, str]) -> None:
        self.untimed.update(self.words(options.get("-from", "")))
        self.untimed.update(self.words(options.get("-to", "")))

    def do_set_property(self, options: dict[str, str], *words: str) -> None:
        values, objects = self.pairs(options, words)
        for target in self.words(objects):
            legal = CELL_PROPERTIES
            if target == "design":
                legal = DESIGN_PROPERTIES
            elif target in self.design.ports:
                legal = PORT_PROPERTIES
            if not set(values) <= legal:
                raise Refused(f"{target} has no property among {sorted(values)}")
            self.properties.setdefault(target, {}).update(values)


class Vivado(_Interpreter):
    """Vivado in batch mode; ``slack_ns`` is what every timing path has."""

    commands = COMMANDS

    def __init__(self, slack_ns: float = 0.5, boards: str = "") -> None:
        super().__init__()
        self.slack_ns = slack_ns
        self.boards = boards
        self.sources: list[Path] = []
        self.xdc: list[Path] = []
        self.top = ""
        self.constraints: Constraints | None = None
        self.out_of_context = False
        self.done: list[str] = []
        self.printed: list[str] = []
        self.folder: Path | None = None
        self.project = ""
        self.repository: Path | None = None
        self.core: dict[str, str] = {}
        self.interfaces: dict[str, Interface] = {}
        self.maps: dict[str, dict[str, dict[str, str]]] = {}
        self.catalogue: dict[str, Cell] = {}
        self.design: BlockDesign | None = None
        self.tcl.createcommand("puts_stand_in", self.printed.append)
        self.tcl.eval("rename puts tcl_puts")
        self.tcl.eval(
            "proc puts args {if {[llength $args] == 1} {puts_stand_in {*}$args} "
            "else {tcl_puts {*}$args}}"
        )

    def source(self, script: Path, *arguments: str) -> None:
        """Run a script as ``vivado -mode batch -source script -tclargs arguments``."""
        self.tcl.setvar("argv", self.tcl.call("list", *arguments))
        self.tcl.setvar("argc", len(arguments))
        try:
            self.tcl.call("source", str(script))
        except tkinter.TclError as error:
            raise Refused(str(error)) from None

    def _file(self, name: str) -> Path:
        if not Path(name).is_file():
            raise Refused(f"no file {name}")
        return Path(name)

    def _written(self, name: str) -> None:
        if not Path(name).parent.is_dir():
            raise Refused(f"no folder {Path(name).parent}")
        Path(name).write_text("written by the stand-in for Vivado\n")

    # ---- without a project ----------------------------------------------------------------------

    def do_read_verilog(self, options: dict[str, str], files: str) -> None:
        for name in self.words(files):
            if name.endswith(".sv") and "-sv" not in options:
                raise Refused(f"{name} without -sv")
            self.sources.append(self._file(name))

    def do_read_xdc(self, _: dict[str, str], file: str) -> None:
        self.xdc.append(self._file(file))

    def do_synth_design(self, options: dict[str, str]) -> None:
        if options["-part"] not in PARTS:
            raise Refused(f"no part {options['-part']}")
        design = Design(self.sources, options["-top"])
        generic = options.get("-generic", "").partition("=")[0]
        if generic and generic not in design.parameters:
            raise Refused(f"{options['-top']} has no parameter {generic}")
        self.out_of_context = options.get("-mode") == "out_of_context"
        self.constraints = Constraints(design)
        for file in self.xdc:
            self.constraints.read(file)
        self.done.append("synth_design")

    def _step(self, name: str, after: str) -> None:
        if not self.done or self.done[-1] != after:
            raise Refused(f"comes after {after}, not after {self.done}")
        self.done.append(name)

    def do_opt_design(self, _: dict[str, str]) -> None:
        self._step("opt_design", "synth_design")

    def do_place_design(self, _: dict[str, str]) -> None:
        self._step("place_design", "opt_design")

    def do_phys_opt_design(self, _: dict[str, str]) -> None:
        self._step("phys_opt_design", "place_design")

    def do_route_design(self, _: dict[str, str]) -> None:
        self._step("route_design", "phys_opt_design")

    def _report(self, options: dict[str, str]) -> None:
        if not self.done:
            raise Refused("no design is open")
        self._written(options["-file"])

    do_report_utilization = do_report_timing_summary = do_report_power = _report
    do_report_drc = do_report_methodology = _report

    def do_write_checkpoint(self, _: dict[str, str], file: str) -> None:
        self._written(file)

    def do_write_bitstream(self, _: dict[str, str], file: str) -> None:
        constraints = self.constraints
        if constraints is None or self.done[-1] != "route_design" or self.out_of_context:
            raise Refused("nothing is routed with its pins")
        pins = []
        for port in constraints.design.ports:
            properties = constraints.properties.get(port, {})
            if not {"PACKAGE_PIN", "IOSTANDARD"} <= set(properties):
                raise Refused(f"port {port} has no pin or no standard")
            pins.append(properties["PACKAGE_PIN"])
        if len(set(pins)) < len(pins):
            raise Refused("two ports have one pin")
        self._written(file)

    def do_get_clocks(self, _: dict[str, str], name: str) -> str:
        if self.constraints is None or name not in self.constraints.clocks:
            raise Refused(f"no clock {name}")
        return f"clock:{name}"

    def do_get_timing_paths(self, _: dict[str, str]) -> str:
        return "path"

    def do_get_property(self, _: dict[str, str], name: str, target: str) -> str:
        if (name, target) == ("SLACK", "path"):
            return str(self.slack_ns)
        if name == "PERIOD" and target.startswith("clock:") and self.constraints:
            return str(self.constraints.clocks[target[6:]][1])
        if (name, target) == ("PROGRESS", "impl_1"):
            return "100%"
        raise Refused(f"no property {name} of {target}")

    # ---- projects -------------------------------------------------------------------------------

    def do_create_project(self, options: dict[str, str], name: str, folder: str) -> None:
        if self.project or options["-part"] not in PARTS:
            raise Refused(f"project {self.project or name} is open, or no part {options['-part']}")
        self.project, self.folder = name, Path(folder)
        self.folder.mkdir(parents=True)

    def do_close_project(self, _: dict[str, str]) -> None:
        if not self.project:
            raise Refused("no project is open")
        self.project, self.sources, self.top = "", [], ""

    def do_current_project(self, _: dict[str, str]) -> str:
        return "project"

    def do_current_fileset(self, _: dict[str, str]) -> str:
        return "fileset"

    def do_add_files(self, _: dict[str, str], files: str) -> None:
        self.sources += [self._file(name) for name in self.words(files)]

    def do_get_board_parts(self, _: dict[str, str], pattern: str) -> str:
        return self.boards

    def do_set_property(self, options: dict[str, str], *words: str) -> None:
        values, target = self.pairs(options, words)
        kind, _, name = target.partition(":")
        for key, value in values.items():
            if target == "fileset" and key == "top":
                self.top = value
            elif target == "project" and key == "board_part":
                if value not in self.words(self.boards):
                    raise Refused(f"no board {value}")
            elif target == "project" and key == "ip_repo_paths":
                self.repository = Path(value)
            elif kind == "cell" and self.design is not None:
                self.design.configure(name, key, value)
            elif kind == "core" and key in CORE_PROPERTIES:
                self.core[key] = value
            elif kind == "parameter" and key == "value":
                interface, parameter = name.split(":")
                self.interfaces[interface].parameters[parameter] = value
            elif kind == "interface" and key == "slave_memory_map_ref" and value in self.maps:
                self.interfaces[name].parameters[key] = value
            elif kind == "block" and key in ("range", "width", "usage"):
                memory, block = name.split(":")
                self.maps[memory][block][key] = value
            else:
                raise Refused(f"{target} has no property {key}")

    # ---- the IP packager ------------------------------------------------------------------------

    def do_ipx_package_project(self, options: dict[str, str]) -> None:
        if not Path(options["-root_dir"]).is_dir():
            raise Refused("no folder for the IP")
        self.packaged = Design(self.sources, self.top)
        (file,) = [f for f in self.sources if f.stem == self.top]
        if file.suffix != ".v":
            raise Refused(f"{file.name}: the top of an IP is Verilog, not SystemVerilog")
        self.interfaces = self.packaged.interfaces()
        self.core = {key[1:]: value for key, value in options.items()}

    def do_ipx_current_core(self, _: dict[str, str]) -> str:
        return "core:0"

    def do_ipx_get_bus_interfaces(self, options: dict[str, str], name: str) -> str:
        return f"interface:{name}" if name in self.interfaces else ""

    def _interface(self, target: str) -> str:
        kind, _, name = target.partition(":")
        if kind != "interface" or name not in self.interfaces:
            raise Refused(f"{target} is no interface")
        return name

    def do_ipx_get_bus_parameters(self, options: dict[str, str], name: str) -> str:
        interface = self._interface(options["-of_objects"])
        found = name in self.interfaces[interface].parameters
        return f"parameter:{interface}:{name}" if found else ""

    def do_ipx_add_bus_parameter(self, _: dict[str, str], name: str, target: str) -> str:
        interface = self._interface(target)
        self.interfaces[interface].parameters[name] = ""
        return f"parameter:{interface}:{name}"

    def do_ipx_remove_bus_parameter(self, _: dict[str, str], name: str, target: str) -> None:
        del self.interfaces[self._interface(target)].parameters[name]

    def do_ipx_get_memory_maps(self, _: dict[str, str], name: str) -> str:
        return f"map:{name}" if name in self.maps else ""

    def do_ipx_add_memory_map(self, _: dict[str, str], name: str, core: str) -> None:
        self.maps[name] = {}

    def do_ipx_get_address_blocks(self, options: dict[str, str], name: str) -> str:
        memory = options["-of_objects"].split(":")[1]
        return f"block:{memory}:{name}" if name in self.maps[memory] else ""

    def do_ipx_add_address_block(self, _: dict[str, str], name: str, target: str) -> None:
        self.maps[target.split(":")[1]][name] = {}

    def do_ipx_check_integrity(self, _: dict[str, str], core: str) -> None:
        buses = [n for n, i in self.interfaces.items() if i.vlnv.startswith("xilinx.com:interface")]
        associated = self.interfaces["aclk"].parameters.get("ASSOCIATED_BUSIF", "").split(":")
        if sorted(buses) != sorted(associated):
            raise Refused(f"{sorted(buses)} are not all on the clock: {associated}")

    def do_ipx_save_core(self, _: dict[str, str], core: str) -> None:
        self._written(str(Path(self.core["root_dir"]) / "component.xml"))
        vlnv = ":".join(self.core[key] for key in ("vendor", "library", "name", "version"))
        self.catalogue[vlnv] = user_ip(self.interfaces, self.packaged.ports)

    # ---- block designs --------------------------------------------------------------------------

    @property
    def blocks(self) -> BlockDesign:
        """The block design; refused when there is none."""
        if self.design is None:
            raise Refused("no block design is open")
        return self.design

    def do_update_ip_catalog(self, _: dict[str, str]) -> None:
        if self.repository is None or not list(self.repository.glob("*/component.xml")):
            raise Refused(f"no IP in {self.repository}")

    def do_create_bd_design(self, _: dict[str, str], name: str) -> None:
        self.design = BlockDesign()

    def do_create_bd_cell(self, options: dict[str, str], name: str) -> str:
        if options["-type"] != "ip":
            raise Refused(f"-type {options['-type']}")
        self.blocks.add(name, options["-vlnv"], self.catalogue)
        return f"cell:{name}"

    def do_get_bd_cells(self, _: dict[str, str], name: str) -> str:
        if name not in self.blocks.cells:
            raise Refused(f"no cell {name}")
        return f"cell:{name}"

    def do_apply_bd_automation(self, options: dict[str, str], target: str) -> None:
        config = self.words(options["-config"])
        rule = options["-rule"] == "xilinx.com:bd_rule:processing_system7"
        if not rule or self.blocks.cells[target[5:]].vlnv.split(":")[2] != "processing_system7":
            raise Refused(f"no rule {options['-rule']} for {target}")
        if config[::2] != ["make_external", "apply_board_preset", "Master", "Slave"]:
            raise Refused(f"-config {config}")
        if config[3] == "1" and not self.boards:
            raise Refused("a preset without a board")
        self.blocks.external = "DDR" in config[1] and "FIXED_IO" in config[1]

    def do_get_bd_pins(self, _: dict[str, str], path: str) -> str:
        self.blocks.kind(path, False)
        return f"pin:{path}"

    def do_get_bd_intf_pins(self, _: dict[str, str], path: str) -> str:
        self.blocks.kind(path, True)
        return f"interface:{path}"

    def do_connect_bd_net(self, _: dict[str, str], source: str, *sinks: str) -> None:
        for sink in sinks:
            self.blocks.connect(source.split(":")[1], sink.split(":")[1])

    def do_connect_bd_intf_net(self, _: dict[str, str], one: str, other: str) -> None:
        self.blocks.link(one.split(":")[1], other.split(":")[1])

    def do_get_bd_addr_spaces(self, _: dict[str, str], path: str) -> str:
        name, _, space = path.partition("/")
        if name not in self.blocks.cells or space not in self.blocks.cells[name].ip.spaces:
            raise Refused(f"no address space {path}")
        return f"space:{path}"

    def do_get_bd_addr_segs(self, options: dict[str, str]) -> str:
        path = options["-of_objects"].split(":")[1]
        if self.blocks.kind(path, True) != "mm":
            raise Refused(f"{path} has no registers")
        return f"segment:{path}"

    def do_assign_bd_address(self, options: dict[str, str], segment: str = "") -> None:
        if not segment:
            self.blocks.memory_assigned = True
            return
        if not options["-target_address_space"].startswith("space:"):
            raise Refused("no address space")
        offset, size = (int(options[key], 0) for key in ("-offset", "-range"))
        self.blocks.assign(segment.split(":")[1], offset, size)

    def do_validate_bd_design(self, _: dict[str, str]) -> None:
        self.blocks.validate()

    def do_get_files(self, _: dict[str, str], name: str) -> str:
        return f"design:{name}"

    def do_generate_target(self, _: dict[str, str], what: str, target: str) -> None:
        if not self.blocks.valid or self.folder is None:
            raise Refused("the block design is not valid")
        name = target.split(":")[1].removesuffix(".bd")
        folder = self.folder / f"{self.project}.gen/sources_1/bd/{name}/hw_handoff"
        folder.mkdir(parents=True)
        self._written(str(folder / f"{name}.hwh"))

    def do_make_wrapper(self, options: dict[str, str]) -> str:
        assert self.folder is not None
        name = options["-files"].split(":")[1].removesuffix(".bd")
        wrapper = self.folder / f"{name}_wrapper.v"
        self._written(str(wrapper))
        return str(wrapper)

    def do_launch_runs(self, options: dict[str, str], run: str) -> None:
        if self.folder is None or not any(file.stem == self.top for file in self.sources):
            raise Refused(f"no top {self.top}")
        folder = self.folder / f"{self.project}.runs" / run
        folder.mkdir(parents=True)
        if options.get("-to_step") == "write_bitstream":
            self._written(str(folder / f"{self.top}.bit"))

    def do_get_runs(self, _: dict[str, str], name: str) -> str:
        return name

    def do_open_run(self, _: dict[str, str], name: str) -> None:
        self.done.append(name)
