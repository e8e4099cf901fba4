"""What the stand-in for Vivado knows: commands with their options, and IPs with their pins.

Commands after UG835 (Vivado Tcl command reference) and, for ``ipx::``, UG1118; those that a script
does not use need not be here. IPs after their product guides (PG021 AXI DMA, PG085 AXI4-Stream
infrastructure, PG099 AXI INTC, PG164 reset, PG247 SmartConnect) and UG585 for the processing system.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """Options that take a value, options that take none, and how many words may stand alone."""

    values: frozenset[str]
    flags: frozenset[str]
    least: int
    most: int


def _command(values: str = "", flags: str = "", least: int = 0, most: int = 0) -> Command:
    flags += " -quiet -verbose"
    return Command(frozenset(values.split()), frozenset(flags.split()), least, most)


COMMANDS = {
    "read_verilog": _command("-library", "-sv", 1, 1),
    "read_xdc": _command("-cells -ref -mode", "-quiet_diags -unmanaged -no_add", 1, 1),
    "synth_design": _command(
        "-name -part -constrset -top -include_dirs -generic -verilog_define -mode "
        "-flatten_hierarchy -directive -fanout_limit",
        "-retiming -rtl",
    ),
    "opt_design": _command("-directive", "-retarget -propconst -sweep -remap"),
    "place_design": _command("-directive", "-no_timing_driven -unplace -post_place_opt"),
    "phys_opt_design": _command("-directive", "-fanout_opt -placement_opt -retime"),
    "route_design": _command("-directive", "-unroute -tns_cleanup"),
    "write_checkpoint": _command("-cell", "-force", 1, 1),
    "write_bitstream": _command("-reference_bitfile", "-force -bin_file -raw_bitfile", 1, 1),
    "report_utilization": _command(
        "-file -cells -hierarchical_depth", "-append -hierarchical -return_string"
    ),
    "report_timing_summary": _command(
        "-file -max_paths -nworst -delay_type", "-append -return_string -report_unconstrained"
    ),
    "report_power": _command("-file -format", "-append -return_string"),
    "report_drc": _command("-file -name -checks -ruledecks", "-append -return_string"),
    "report_methodology": _command("-file -name -checks", "-append -return_string"),
    "get_timing_paths": _command("-max_paths -nworst -delay_type -from -to", "-setup -hold"),
    "get_clocks": _command("-of_objects -filter", "-regexp", 0, 1),
    "get_ports": _command("-of_objects -filter", "-regexp", 0, 1),
    "get_cells": _command("-of_objects -filter", "-regexp -hierarchical", 0, 1),
    "get_property": _command("", "-min -max", 2, 2),
    "set_property": _command("-dict", "", 1, 3),
    "create_project": _command("-part -ip", "-force -in_memory -rtl_kernel", 1, 2),
    "close_project": _command("", "-delete"),
    "current_project": _command(),
    "current_fileset": _command("", "-constrset -simset -srcset"),
    "add_files": _command("-fileset -scan_for_includes", "-norecurse -copy_to", 1, 1),
    "update_compile_order": _command("-fileset"),
    "update_ip_catalog": _command("-repo_path", "-rebuild"),
    "get_board_parts": _command("-filter", "-latest_file_version", 0, 1),
    "ipx::package_project": _command(
        "-root_dir -vendor -library -taxonomy -module", "-import_files -force"
    ),
    "ipx::current_core": _command("", "", 0, 1),
    "ipx::get_bus_interfaces": _command("-of_objects", "", 1, 1),
    "ipx::get_bus_parameters": _command("-of_objects", "", 1, 1),
    "ipx::add_bus_parameter": _command("", "", 2, 2),
    "ipx::remove_bus_parameter": _command("", "", 2, 2),
    "ipx::get_memory_maps": _command("-of_objects", "", 1, 1),
    "ipx::add_memory_map": _command("", "", 2, 2),
    "ipx::get_address_blocks": _command("-of_objects", "", 1, 1),
    "ipx::add_address_block": _command("", "", 2, 2),
    "ipx::create_xgui_files": _command("", "", 1, 1),
    "ipx::update_checksums": _command("", "", 1, 1),
    "ipx::check_integrity": _command("", "", 1, 1),
    "ipx::save_core": _command("", "", 1, 1),
    "create_bd_design": _command("-dir -cell", "", 1, 1),
    "create_bd_cell": _command("-type -vlnv -reference", "", 1, 1),
    "apply_bd_automation": _command("-rule -config", "", 1, 1),
    "get_bd_cells": _command("-of_objects -filter", "", 0, 1),
    "get_bd_pins": _command("-of_objects -filter", "", 0, 1),
    "get_bd_intf_pins": _command("-of_objects -filter", "", 0, 1),
    "get_bd_addr_spaces": _command("-of_objects -filter", "", 0, 1),
    "get_bd_addr_segs": _command("-of_objects -filter", "", 0, 1),
    "connect_bd_net": _command("-net", "", 2, 99),
    "connect_bd_intf_net": _command("-intf_net", "", 2, 2),
    "assign_bd_address": _command(
        "-target_address_space -offset -range", "-force -boundary -combine_segments", 0, 1
    ),
    "validate_bd_design": _command("", "-force"),
    "save_bd_design": _command("", "", 0, 1),
    "get_files": _command("-of_objects -filter", "", 0, 1),
    "generate_target": _command("", "-force", 2, 2),
    "make_wrapper": _command("-files", "-top -testbench -import -force"),
    "launch_runs": _command("-jobs -to_step -dir", "-force -scripts_only", 1, 1),
    "wait_on_run": _command("-timeout", "", 1, 1),
    "get_runs": _command("-filter", "", 0, 1),
    "open_run": _command("-name", "", 1, 1),
}

# Constraint files: UG903 allows "set", "list", "expr", and these among others.
XDC_COMMANDS = {
    "create_clock": _command("-period -name -waveform", "-add", 0, 1),
    "set_false_path": _command("-from -to -through", "-setup -hold"),
    "set_property": COMMANDS["set_property"],
    "get_ports": COMMANDS["get_ports"],
    "get_cells": COMMANDS["get_cells"],
    "current_design": _command(),
}

PORT_PROPERTIES = {"PACKAGE_PIN", "IOSTANDARD", "HD.CLK_SRC", "SLEW", "DRIVE", "PULLUP"}
CELL_PROPERTIES = {"ASYNC_REG"}
DESIGN_PROPERTIES = {"CFGBVS", "CONFIG_VOLTAGE"}
CORE_PROPERTIES = {
    "name",
    "version",
    "core_revision",
    "display_name",
    "description",
    "supported_families",
}
PARTS = {"xc7z020clg400-1": "zynq", "xc7a100tcsg324-1": "artix7", "xc7a35ticsg324-1L": "artix7"}


@dataclass(frozen=True)
class Ip:
    """An IP of a block design.

    ``pins`` maps a pin to its kind: ``clk``, ``rst`` (active low), ``intr`` or ``intrs`` (a vector),
    with ``>`` before it for an output. ``interfaces`` maps a name to its kind: ``mm`` or ``axis``,
    with ``>`` before it for a master. ``spaces`` are what a master addresses from.
    """

    pins: dict[str, str]
    interfaces: dict[str, str]
    config: frozenset[str]
    spaces: tuple[str, ...] = ()


def _words(text: str) -> dict[str, str]:
    return dict(word.split(":") for word in text.split())


IPS = {
    "xilinx.com:ip:processing_system7:5.5": Ip(
        _words(
            "M_AXI_GP0_ACLK:clk S_AXI_HP0_ACLK:clk FCLK_CLK0:>clk FCLK_RESET0_N:>rst IRQ_F2P:intr"
        ),
        _words("M_AXI_GP0:>mm S_AXI_HP0:mm"),
        frozenset(
            "PCW_CRYSTAL_PERIPHERAL_FREQMHZ PCW_FPGA0_PERIPHERAL_FREQMHZ PCW_USE_M_AXI_GP0 "
            "PCW_USE_S_AXI_HP0 PCW_S_AXI_HP0_DATA_WIDTH PCW_USE_FABRIC_INTERRUPT "
            "PCW_IRQ_F2P_INTR".split()
        ),
        ("Data",),
    ),
    "xilinx.com:ip:proc_sys_reset:5.0": Ip(
        _words("slowest_sync_clk:clk ext_reset_in:rst peripheral_aresetn:>rst"), {}, frozenset()
    ),
    "xilinx.com:ip:axi_dma:7.1": Ip(
        _words(
            "s_axi_lite_aclk:clk m_axi_mm2s_aclk:clk m_axi_s2mm_aclk:clk axi_resetn:rst "
            "mm2s_introut:>intr s2mm_introut:>intr"
        ),
        _words("S_AXI_LITE:mm M_AXI_MM2S:>mm M_AXI_S2MM:>mm M_AXIS_MM2S:>axis S_AXIS_S2MM:axis"),
        frozenset(
            "c_include_sg c_sg_include_stscntrl_strm c_sg_length_width c_include_mm2s "
            "c_include_s2mm c_m_axi_mm2s_data_width c_m_axis_mm2s_tdata_width "
            "c_m_axi_s2mm_data_width".split()
        ),
        ("Data_MM2S", "Data_S2MM"),
    ),
    "xilinx.com:ip:axis_subset_converter:1.1": Ip(
        _words("aclk:clk aresetn:rst"),
        _words("S_AXIS:axis M_AXIS:>axis"),
        frozenset(
            "S_TDATA_NUM_BYTES M_TDATA_NUM_BYTES S_HAS_TLAST M_HAS_TLAST S_TUSER_WIDTH "
            "M_TUSER_WIDTH TDATA_REMAP TLAST_REMAP TUSER_REMAP".split()
        ),
    ),
    "xilinx.com:ip:axis_dwidth_converter:1.1": Ip(
        _words("aclk:clk aresetn:rst"),
        _words("S_AXIS:axis M_AXIS:>axis"),
        frozenset("S_TDATA_NUM_BYTES M_TDATA_NUM_BYTES HAS_TLAST".split()),
    ),
    "xilinx.com:ip:smartconnect:1.0": Ip(
        _words("aclk:clk aresetn:rst"), {}, frozenset({"NUM_SI", "NUM_MI"})
    ),
    "xilinx.com:ip:axi_intc:4.1": Ip(
        _words("s_axi_aclk:clk s_axi_aresetn:rst intr:intrs irq:>intr"),
        _words("s_axi:mm"),
        frozenset({"C_IRQ_CONNECTION"}),
    ),
    "xilinx.com:ip:xlconcat:2.1": Ip(_words("dout:>intrs"), {}, frozenset({"NUM_PORTS"})),
}

# UG1399 and UG1702, "HLS Config File Commands"; "part" stands before the section.
HLS_KEYS = {
    "clock",
    "clock_uncertainty",
    "flow_target",
    "syn.top",
    "syn.file",
    "syn.cflags",
    "syn.csimflags",
    "tb.file",
    "tb.cflags",
    "csim.argv",
    "csim.clean",
    "csim.code_analyzer",
    "package.output.file",
    "package.output.format",
    "package.output.syn",
    "package.ip.vendor",
    "package.ip.library",
    "package.ip.name",
    "package.ip.version",
    "package.ip.description",
}
