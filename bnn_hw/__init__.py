"""bnn_hw: trained binary neural networks as FPGA hardware that computes the same bits."""

__version__ = "0.1.0"
