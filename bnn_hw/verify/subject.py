"""What is verified: network, build folder, checkpoint and fragments, with golden traces kept.

Every level gets the same subject. Golden traces are made in portions and the last few are kept,
since the levels ask for the same fragments one after the other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bnn_hw.errors import UserError
from bnn_hw.golden import Trace, plain
from bnn_hw.ir import Network
from bnn_hw.verify.fragments import Fragments

if TYPE_CHECKING:
    from bnn_hw.generate.build import Build
    from bnn_hw.generate.plan import Plan

# A trace takes about 1 MB a fragment of the reference network.
PORTION_FRAGMENTS = 32
_MAX_PORTION_SAMPLES = 1 << 20
_KEPT_PORTIONS = 4


@dataclass(frozen=True, eq=False)
class Portion:
    """Consecutive fragments and their golden trace; ``start`` is the index of the first."""

    start: int
    samples: npt.NDArray[np.int16]
    trace: Trace

    def __len__(self) -> int:
        """Number of fragments."""
        return len(self.samples)


@dataclass(eq=False)
class Subject:
    """One network to verify.

    Attributes
    ----------
    network
        The reference: everything is compared with it.
    build
        The build folder as it lies there, its plan made from ``network``.
    checkpoint
        The float parameters for the torch level; None when they are not at hand.
    fragments
        All fragments; a level takes the first so many of them.
    kept
        Folder that keeps compiled simulations by the digest of their sources; None for none.
    model
        The name it ships under, told in the verdict; empty for the network's own name.
    stopped
        Set when the levels that still run are to end early.
    """

    network: Network
    build: Build
    checkpoint: Path | None
    fragments: Fragments
    kept: Path | None = None
    model: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)
    _traces: OrderedDict[tuple[int, int], Trace] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """What the verdict calls it."""
        return self.model or self.network.name

    @property
    def plan(self) -> Plan:
        """Plan of the network at the build's folding."""
        return self.build.plan

    def portions(self, count: int) -> Iterator[Portion]:
        """The first ``count`` fragments with their traces, a portion at a time."""
        size = self.network.input.samples * self.network.input.channels
        step = max(1, min(PORTION_FRAGMENTS, _MAX_PORTION_SAMPLES // size))
        for start in range(0, count, step):
            if self.stopped.is_set():
                raise UserError("stopped before all fragments were compared")
            samples = self.fragments.samples[start : min(start + step, count)]
            yield Portion(start, samples, self._trace(start, samples))

    def _trace(self, start: int, samples: npt.NDArray[Any]) -> Trace:
        key = (start, len(samples))
        with self._lock:
            kept = self._traces.get(key)
            if kept is None:
                kept = plain.trace(self.network, samples)
                self._traces[key] = kept
                while len(self._traces) > _KEPT_PORTIONS:
                    self._traces.popitem(last=False)
            return kept
