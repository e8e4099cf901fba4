"""Level ``freeze``: proof by exhaustion, with the checkpoint against the exact real formula."""

from __future__ import annotations

from bnn_hw.errors import ToolMissing
from bnn_hw.freeze import load_checkpoint, prove, prove_network
from bnn_hw.verify.provenance import description_of
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome


def run_freeze(subject: Subject, count: int) -> Outcome:
    """Every reachable integer of every channel; weights and head too where the checkpoint is."""
    network = subject.network
    description = description_of(network)
    checkpoint = None
    if subject.checkpoint is not None and description is not None:
        try:
            checkpoint = load_checkpoint(subject.checkpoint)
        except ToolMissing:  # a PyTorch file where there is no torch: the proof without it remains
            checkpoint = None
    if checkpoint is not None and description is not None:
        proof = prove(network, description, checkpoint)
        remark = "against the exact formula of the checkpoint"
    else:
        proof = prove_network(network)
        remark = "forms of each threshold against each other; no checkpoint"
    compared = proof.integers + proof.weights + proof.coefficients
    first = proof.failures[0] if proof.failures else None
    return Outcome(0, compared, proof.mismatches, first, remark)
