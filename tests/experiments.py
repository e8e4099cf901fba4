"""An experiment as a user writes it, for the tests that train on the shipped slices."""

from __future__ import annotations

from pathlib import Path

ECG5_NETWORK = Path(__file__).parents[1] / "networks" / "ecg5.toml"


def full_experiment(name: str, teacher: str = "", distillation: str = "") -> str:
    """TOML of three seeds with float twin and teacher; lines to add to two of its tables."""
    return f"""
name = "{name}"
network = "{ECG5_NETWORK}"
[data]
set = "ecg5"
[training]
seeds = [4, 9, 2]
epochs = 5
[twin]
epochs = 2
[teacher]
epochs = 2
{teacher}
[distillation]
{distillation}
"""
