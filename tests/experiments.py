"""An experiment as a user writes it, for the tests that train on the shipped slices."""

from __future__ import annotations

from pathlib import Path

ECG5_NETWORK = Path(__file__).parents[1] / "networks" / "ecg5.toml"


def full_experiment(name: str) -> str:
    """TOML of three seeds with float twin."""
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
"""
