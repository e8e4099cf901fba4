"""Plants one fault in the RTL or the C++ of a build folder, as a hand or a broken generator would.

Every function changes one number of the rendered constants and nothing else; it fails when it finds
nothing to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path


def _edit(path: Path, pattern: str, change: Callable[[re.Match[str]], str]) -> None:
    text = path.read_text()
    found = re.search(pattern, text, re.DOTALL)
    assert found, f"{path.name}: nothing matches {pattern}"
    changed = text[: found.start()] + change(found) + text[found.end() :]
    assert changed != text
    path.write_text(changed)


def _constants(build: Path, language: str) -> Path:
    name = {"rtl": "rtl/*_pkg.sv", "cpp": "hls/*_weights.hpp"}[language]
    (path,) = build.glob(name)
    return path


def _camel(layer: str) -> str:
    return layer[0].upper() + layer[1:]


def flip_weight(build: Path, language: str, layer: str) -> None:
    """The lowest weight bit of the first ROM word that stands in the file."""
    path = _constants(build, language)
    if language == "rtl":
        pattern = rf"({_camel(layer)}Weights = {{\s*\d+'h)([0-9a-f]+)"
        _edit(path, pattern, lambda m: m[1] + f"{int(m[2], 16) ^ 1:0{len(m[2])}x}")
    else:
        pattern = rf"({layer}_weights\[\d+\]\[\d+\] = {{\s*{{)(0x[0-9a-f]+)"
        _edit(path, pattern, lambda m: m[1] + hex(int(m[2], 16) ^ 1))


def move_threshold(build: Path, language: str, layer: str, channel: int = 0) -> None:
    """One lower threshold, by one."""
    path = _constants(build, language)
    if language == "rtl":
        pattern = rf"({_camel(layer)}Thresholds = {{.*?)(\d+)'h([0-9a-f]+)(,?  // (?:low, )?channel {channel}:)"

        def change(m: re.Match[str]) -> str:
            # Down where there is room, so that the constant keeps its width.
            value = int(m[3], 16)
            value += 1 if value == 0 else -1
            return f"{m[1]}{m[2]}'h{value:0{len(m[3])}x}{m[4]}"

        _edit(path, pattern, change)
    else:
        pattern = rf"({layer}_thresholds(?:\[\d+\]){{3}} = {{\s*{{\s*{{)(-?\d+)"
        _edit(path, pattern, lambda m: m[1] + str(int(m[2]) + (1 if int(m[2]) == 0 else -1)))


def flip_pad(build: Path, language: str, layer: str) -> None:
    """One bit of the padding word."""
    path = _constants(build, language)
    if language == "rtl":
        pattern = rf"({_camel(layer)}PadWord = {{\s*\d+'h)([0-9a-f]+)"
        _edit(path, pattern, lambda m: m[1] + f"{int(m[2], 16) ^ 1:0{len(m[2])}x}")
    else:
        pattern = rf"({layer}_padding\[\d+\] = {{)(0x[0-9a-f]+)"
        _edit(path, pattern, lambda m: m[1] + hex(int(m[2], 16) ^ 1))


def swap_channels(build: Path, language: str, layer: str) -> None:
    """Thresholds of two neighbouring channels change places."""
    path = _constants(build, language)
    if language == "rtl":
        number = r"(\d+'h[0-9a-f]+)"
        pattern = rf"({_camel(layer)}Thresholds = {{\s*(?:\d+'h[^\n]*\n\s*)*?){number}(,  //[^\n]*\n\s*)(?!\2){number}"
        _edit(path, pattern, lambda m: m[1] + m[4] + m[3] + m[2])
    else:
        pattern = rf"({layer}_thresholds(?:\[\d+\]){{3}} = {{\s*{{\s*(?:{{[^}}]*}},\s*)*?{{)(-?\d+)(, )(?!\2,)(-?\d+)"
        _edit(path, pattern, lambda m: m[1] + m[4] + m[3] + m[2])


def flip_polarity(build: Path, language: str, layer: str) -> None:
    """The polarity of channel 0."""
    path = _constants(build, language)
    if language == "rtl":
        pattern = rf"({_camel(layer)}Invert = {{\s*\d+'h)([0-9a-f]+)"
        _edit(path, pattern, lambda m: m[1] + f"{int(m[2], 16) ^ 1:0{len(m[2])}x}")
    else:
        pattern = rf"({layer}_invert(?:\[\d+\]){{2}} = {{\s*{{)([01])"
        _edit(path, pattern, lambda m: m[1] + str(1 - int(m[2])))


def change_head(build: Path, language: str, layer: str) -> None:
    """One offset of the head, by one; ``layer`` does not matter."""
    path = _constants(build, language)
    if language == "rtl":
        pattern = r"(HeadOffset = {\s*\d+'h)([0-9a-f]+)"
        _edit(path, pattern, lambda m: m[1] + f"{int(m[2], 16) ^ 1:0{len(m[2])}x}")
    else:
        _edit(path, r"(head_offset\[\d+\] = {)(-?\d+)", lambda m: m[1] + str(int(m[2]) - 1))


FAULTS: dict[str, Callable[[Path, str, str], None]] = {
    "one weight bit": flip_weight,
    "one threshold": move_threshold,
    "one pad bit": flip_pad,
    "two channels swapped": swap_channels,
    "one polarity": flip_polarity,
    "one head offset": change_head,
}
