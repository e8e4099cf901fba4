"""manifest.json: what a build folder holds, with a sha256 a file, to see what changed since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnn_hw.errors import UserError
from bnn_hw.files import read_bytes, read_text

NAME = "manifest.json"
FORMAT = "bnn_hw.manifest"
# Folder of a build folder in which 'bnn-hw synth' keeps what it makes; no part of the build.
SYNTHESES = "synth"
_MAX_FILE_BYTES = 64 << 20


@dataclass(frozen=True)
class ManifestCheck:
    """Files compared with the manifest and those that differ, are missing or are not in it."""

    compared: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]


def manifest_text(header: dict[str, Any], files: dict[str, bytes]) -> str:
    """The manifest's text: ``header`` and the sha256 of every file, sorted."""
    digests = {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}
    return json.dumps({"format": FORMAT, **header, "files": digests}, indent=2) + "\n"


def read_manifest(build: Path) -> dict[str, Any]:
    """The manifest of a build folder; :class:`UserError` when it is not one."""
    path = build / NAME
    try:
        data = json.loads(read_text(path, _MAX_FILE_BYTES, "manifest"))
    except ValueError as error:
        raise UserError(
            f"manifest {path} is not JSON: {error}; run 'make generate' again"
        ) from None
    if (
        not isinstance(data, dict)
        or data.get("format") != FORMAT
        or not isinstance(data.get("files"), dict)
    ):
        raise UserError(f"{path} is not a manifest of bnn_hw; run 'make generate' again")
    return data


def check_manifest(build: Path) -> ManifestCheck:
    """Compare the files of ``build`` with its manifest."""
    listed = read_manifest(build)["files"]
    present = {
        path.relative_to(build).as_posix()
        for path in sorted(build.rglob("*"))
        if path.is_file() and path.name != NAME and path.relative_to(build).parts[0] != SYNTHESES
    }
    changed = [
        path
        for path in sorted(present & set(listed))
        if hashlib.sha256(read_bytes(build / path, _MAX_FILE_BYTES, "file")).hexdigest()
        != listed[path]
    ]
    return ManifestCheck(
        compared=len(listed),
        changed=tuple(changed),
        missing=tuple(sorted(set(listed) - present)),
        added=tuple(sorted(present - set(listed))),
    )
