"""From a network and a folding to figures of a device: Yosys, then nextpnr and a bitstream."""
