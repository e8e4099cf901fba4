"""The frozen network as integers, its file, its bit order and its accept sets."""

from bnn_hw.ir.accept import AcceptKind, AcceptSet, Band, Reach, popcount_threshold
from bnn_hw.ir.blocks import Block
from bnn_hw.ir.file import load_network, parse_network, save_network
from bnn_hw.ir.layers import Conv, Dense, Head, MaxPool, NetworkInput, Threshold
from bnn_hw.ir.network import Network

__all__ = [
    "AcceptKind",
    "AcceptSet",
    "Band",
    "Block",
    "Conv",
    "Dense",
    "Head",
    "MaxPool",
    "Network",
    "NetworkInput",
    "Reach",
    "Threshold",
    "load_network",
    "parse_network",
    "popcount_threshold",
    "save_network",
]
