"""Learning rate of every step: a pure function, so that a resumed run needs no scheduler state."""

from __future__ import annotations

import math

from bnn_hw.training.experiment import ScheduleConfig


def learning_rate(config: ScheduleConfig, peak: float, step: int, total_steps: int) -> float:
    """Return the rate of optimiser step `step` (from 0) of `total_steps`.

    - one-cycle: cosine from peak/25 up to peak over the share `warm_up` of the steps, then cosine
      down to peak/10000 (Smith and Topin, arXiv 1708.07120);
    - cosine: linear from 0 to peak over `warm_up`, then cosine to 0 (arXiv 1608.03983);
    - constant: peak throughout.
    """
    if config.kind == "constant":
        return peak
    rising = config.warm_up * total_steps
    if step < rising:
        part = step / rising
        if config.kind == "cosine":
            return peak * (step + 1) / (rising + 1)
        return peak / 25 + (peak - peak / 25) * (1 - math.cos(math.pi * part)) / 2
    part = (step - rising) / max(1.0, total_steps - rising)
    end = peak / 10000 if config.kind == "one-cycle" else 0.0
    return end + (peak - end) * (1 + math.cos(math.pi * part)) / 2
