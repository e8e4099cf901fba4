"""Stored results of benchmarks/performance.py: one JSON, an entry a measurement, each with its key.

The key of an entry is a sha256 over what it was measured from: rendered hardware without its
comments, folding and network in it, and versions of tools. An entry whose key is still the one that
would be measured now is not measured again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bnn_hw.errors import UserError
from bnn_hw.files import write_text

RESULTS = Path(__file__).with_name("performance_results.json")
PARTS = ("targets", "folds", "simulations", "popcount", "speed")
_FORMAT = "bnn_hw.performance"

_COMMENT = re.compile(r"//[^\n]*")

Entry = dict[str, Any]
Results = dict[str, dict[str, Entry]]


def key_of(files: Mapping[str, str], *more: str) -> str:
    """Key of a measurement made from ``files`` (path and text) and ``more``.

    Comments and blank lines of SystemVerilog do not count: what only explains changes no figure.
    """
    digest = hashlib.sha256()
    for path, text in sorted(files.items()):
        if path.endswith(".sv"):
            lines = (line.rstrip() for line in _COMMENT.sub("", text).splitlines())
            text = "\n".join(line for line in lines if line)
        digest.update(f"{path}\0{text}\0".encode())
    digest.update("\0".join(more).encode())
    return digest.hexdigest()


def read_results(path: Path = RESULTS) -> Results:
    """All parts, empty ones where nothing was measured yet.

    Raises
    ------
    UserError
        When the file holds something else.
    """
    stored: dict[str, Any] = {}
    if path.is_file():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise UserError(f"{path} is no JSON ({problem}); remove it and measure anew") from None
        if stored.get("format") != _FORMAT:
            raise UserError(f"{path} holds no results of {_FORMAT}; remove it and measure anew")
    return {part: dict(stored.get(part, {})) for part in PARTS}


def store(part: str, name: str, entry: Entry, path: Path = RESULTS) -> None:
    """Put one entry in its place; what else is stored stays."""
    results = read_results(path)
    results[part][name] = entry
    _write(results, path)


def keep_only(part: str, names: set[str], path: Path = RESULTS) -> None:
    """Remove entries of ``part`` that nobody asks for any more."""
    results = read_results(path)
    if set(results[part]) - names:
        results[part] = {name: e for name, e in results[part].items() if name in names}
        _write(results, path)


def _write(results: Results, path: Path) -> None:
    write_text(path, json.dumps({"format": _FORMAT, **results}, indent=1, allow_nan=False) + "\n")
