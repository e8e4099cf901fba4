"""The packed golden model: 64 products of a sum in one word.

Reads a frozen network and integer fragments; gives the same scores and classes as the plain model,
bit for bit, many times faster. A sum of +1 and -1 is the popcount of ``window XNOR row``; thresholds
stand on the popcount and before the pools, pools are ORs, polarities come last. This is also what
the hardware does, so its equality with the plain model is the proof of those steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bnn_hw.golden.stages import IntegerStage, PopcountStage, Stage
from bnn_hw.golden.types import Bits, Integers, Result, head_result, view_samples
from bnn_hw.golden.words import Scratch, bits_from_planes
from bnn_hw.ir import Network

Progress = Callable[[int, int], None]

# Bytes of the arrays of one chunk of fragments in its widest block: most of them stay in the cache.
_CHUNK_BYTES = 1 << 21
_CHUNK_FRAGMENTS = 4096


class PackedNetwork:
    """A network prepared for many fragments; holds constants only, so threads may share it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._stages: tuple[Stage, ...] = tuple(
            PopcountStage(block) if block.input_bits is None else IntegerStage(block)
            for block in network.blocks
        )
        widest = max(stage.bytes_per_fragment for stage in self._stages)
        self.chunk_fragments = max(1, min(_CHUNK_FRAGMENTS, _CHUNK_BYTES // widest))

    def run(self, samples: npt.ArrayLike, progress: Progress | None = None) -> Result:
        """Scores and classes of every fragment.

        Parameters
        ----------
        samples
            Integers as :func:`bnn_hw.golden.types.check_samples` takes them.
        progress
            Called after every chunk with the fragments done and the fragments in all.

        Raises
        ------
        UserError
            When the samples do not fit the network.
        """
        return head_result(self.network, *self.head_sums(samples, progress))

    def head_sums(
        self, samples: npt.ArrayLike, progress: Progress | None = None
    ) -> tuple[Integers, Integers]:
        """``S_plus`` and ``S_minus`` of every fragment, each ``(fragments, classes) int64``.

        Parameters and errors are those of :meth:`run`.
        """
        fragments = view_samples(self.network, samples)
        shape = (len(fragments), self.network.classes)
        s_plus, s_minus = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int64)
        scratch = Scratch()
        for part in self._chunks(len(fragments)):
            values: npt.NDArray[Any] = fragments[part]
            for stage in self._stages[:-1]:
                values = stage.bits(values, scratch)
            s_plus[part], s_minus[part] = self._stages[-1].head_sums(
                values, scratch, self.network.head.peak_weight
            )
            if progress is not None:
                progress(part.stop, len(fragments))
        return s_plus, s_minus

    def bits(self, samples: npt.ArrayLike) -> list[Bits]:
        """Output bits of every block but the last, each ``(fragments, out_length, out) uint8``.

        Takes about 30 KB a fragment for the reference network. Errors are those of :meth:`run`.
        """
        fragments = view_samples(self.network, samples)
        scratch = Scratch()
        blocks = self.network.blocks[:-1]
        result = [
            np.empty((len(fragments), block.out_length, block.out_channels), dtype=np.uint8)
            for block in blocks
        ]
        for part in self._chunks(len(fragments)):
            values: npt.NDArray[Any] = fragments[part]
            for index, stage in enumerate(self._stages[:-1]):
                values = stage.bits(values, scratch)
                result[index][part] = bits_from_planes(values, blocks[index].out_channels)
        return result

    def _chunks(self, fragments: int) -> Iterator[slice]:
        for start in range(0, fragments, self.chunk_fragments):
            yield slice(start, min(start + self.chunk_fragments, fragments))
