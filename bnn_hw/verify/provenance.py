"""What a frozen file says about where it came from: description and digest of the checkpoint."""

from __future__ import annotations

from bnn_hw.description import Description
from bnn_hw.ir import Network


def description_of(network: Network) -> Description | None:
    """The float network's description; None when the file holds none.

    Raises
    ------
    UserError
        When the file holds one that is not legal.
    """
    described = network.provenance.get("description")
    return Description.from_dict(described) if isinstance(described, dict) else None


def checkpoint_digest_of(network: Network) -> str | None:
    """sha256 of the checkpoint that was frozen; None when the file does not say."""
    digest = network.provenance.get("checkpoint_digest")
    return digest if isinstance(digest, str) else None
