"""Freeze: a checkpoint and its description become integers, exactly."""

from bnn_hw.freeze.calibration import HeadReport, HeadSums
from bnn_hw.freeze.checkpoint import Checkpoint, load_checkpoint
from bnn_hw.freeze.freezer import Frozen, freeze
from bnn_hw.freeze.proof import Proof, prove, prove_network
from bnn_hw.freeze.report import FreezeReport

__all__ = [
    "Checkpoint",
    "FreezeReport",
    "Frozen",
    "HeadReport",
    "HeadSums",
    "Proof",
    "freeze",
    "load_checkpoint",
    "prove",
    "prove_network",
]
