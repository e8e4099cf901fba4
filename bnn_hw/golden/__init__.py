"""The meaning of a frozen network, twice: plain and obviously right, packed and quick."""

from bnn_hw.golden.packed import PackedNetwork
from bnn_hw.golden.types import BlockTrace, Result, Trace, check_samples

__all__ = ["BlockTrace", "PackedNetwork", "Result", "Trace", "check_samples"]
