"""The beat reader: a layer beside the network, in training only, that asks where which beat lies.

A fragment's label may hang on one beat in ten seconds. The reader sits on the last hidden layer and
is trained, together with the network, to tell the kind of beat at every position; so the hidden
layers learn from some twelve annotated beats a fragment instead of one label. It is left out of
the checkpoint: no bit of the hardware comes of it. (Auxiliary supervision: Lee et al., "Deeply-
Supervised Nets", AISTATS 2015, arXiv 1409.5185.)
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnn_hw.ecg.beats import BEAT_KINDS
from bnn_hw.errors import UserError
from bnn_hw.training.layers import SignDense
from bnn_hw.training.network import BinaryNetwork

_KERNEL = 5
# No beat at all is the most frequent answer, an ectopic beat the one that decides.
_WEIGHTS = {"none": 0.3, "supraventricular": 3.0, "ventricular": 2.0, "fusion": 3.0}


class BeatReader(nn.Module):  # type: ignore[misc]  # torch is not followed
    """Convolution with real weights from the last hidden layer to the kinds of beats.

    Raises UserError for a network whose last layer with weights is dense.
    """

    def __init__(self, network: BinaryNetwork) -> None:
        super().__init__()
        if isinstance(network.matrices()[-1], SignDense):
            raise UserError(
                f"network {network.description.name} ends with a dense layer, which takes all "
                "positions at once; the beat reader needs a conv there: take out [beats]"
            )
        names = ("none", *(name for name, _ in BEAT_KINDS))
        channels = network.last_channels
        self.conv = nn.Conv1d(channels, len(names), _KERNEL, padding=_KERNEL // 2)
        self.weights = torch.tensor([_WEIGHTS.get(name, 1.0) for name in names])

    def loss(self, hidden: Tensor, beats: Tensor | None) -> Tensor:
        """Return the mean cross-entropy over all positions.

        `hidden` is (n, channels, 1, positions), `beats` (n, time): a position's answer is the rarest
        kind of beat in its share of the time.
        """
        assert beats is not None
        answers = self.conv(hidden.squeeze(2))
        wanted = F.adaptive_max_pool1d(beats.float()[:, None], answers.shape[2])[:, 0].long()
        loss: Tensor = F.cross_entropy(answers, wanted, self.weights)
        return loss
