"""What a freeze found and decided, for the console and for JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from bnn_hw.freeze.calibration import HeadReport
from bnn_hw.freeze.proof import Proof
from bnn_hw.ir import Network
from bnn_hw.ir.storage import storage


@dataclass(frozen=True)
class FreezeReport:
    """Figures of one freeze.

    ``zero_weights`` has one count a block: latent weights of exactly 0, which become +1 here and 0
    in ``torch.sign``. ``ignored`` names arrays of the checkpoint that no layer uses. ``accept_kinds``
    counts the channels of each kind of accept set.
    """

    name: str
    digest: str
    checkpoint_digest: str
    storage_bytes: int
    zero_weights: tuple[int, ...]
    ignored: tuple[str, ...]
    accept_kinds: dict[str, int]
    head: HeadReport
    proof: Proof

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = asdict(self)
        values["proof"]["passed"] = self.proof.passed
        return values

    def lines(self) -> list[str]:
        """The report for a console, one fact a line."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.accept_kinds.items())
        lines = [
            f"network {self.name}, digest {self.digest[:16]}, {self.storage_bytes} bytes in all",
            f"thresholds: {kinds or 'none'}",
            f"proof: {self.proof.integers} sums of {self.proof.channels} channels, {self.proof.weights} weights and "
            f"{self.proof.coefficients} head coefficients compared, {self.proof.mismatches} mismatches",
            *self._head_lines(),
        ]
        zeros = sum(self.zero_weights)
        if zeros:
            lines.append(
                f"zero weights: {zeros} ({', '.join(str(z) for z in self.zero_weights)} a block) are +1 here; "
                "torch.sign makes them 0, so a torch model that uses it differs"
            )
        if self.ignored:
            names = ", ".join(self.ignored[:5]) + (", ..." if len(self.ignored) > 5 else "")
            lines.append(f"ignored: {len(self.ignored)} arrays that no layer uses: {names}")
        return lines

    def _head_lines(self) -> list[str]:
        head = self.head
        width = (
            f"head: coefficients of at most {head.coefficient_bits} bits, unit 2^{-head.exponent}, "
            f"scores differ by at most {head.bound:g} units from exact"
        )
        if not head.fragments:
            return [width + "; no calibration data"]
        margin = "none" if head.smallest_margin is None else f"{head.smallest_margin:.6g} units"
        proven = "" if head.below_bound else ", each proven by the bound of its sums"
        return [
            width,
            f"head on {head.fragments} calibration fragments: {head.differences} differences{proven}; smallest "
            f"margin {margin}, {head.ties} exact ties, {head.below_bound} margins within the bound of their sums",
        ]


def build_report(
    network: Network,
    checkpoint_digest: str,
    zero_weights: tuple[int, ...],
    ignored: tuple[str, ...],
    head: HeadReport,
    proof: Proof,
) -> FreezeReport:
    """Collect the figures of one freeze."""
    kinds = Counter(
        accept.kind.value
        for block in network.blocks
        if block.threshold is not None
        for accept in block.threshold.accept
    )
    return FreezeReport(
        name=network.name,
        digest=network.digest(),
        checkpoint_digest=checkpoint_digest,
        storage_bytes=storage(network).storage_bytes,
        zero_weights=zero_weights,
        ignored=ignored,
        accept_kinds=dict(sorted(kinds.items())),
        head=head,
        proof=proof,
    )
