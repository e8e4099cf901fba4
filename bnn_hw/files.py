"""Reading bounded text and writing without ever leaving half a file or half a folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bnn_hw.errors import UserError


def read_text(path: Path, max_bytes: int, what: str) -> str:
    """UTF-8 text of a file of at most ``max_bytes``; :class:`UserError` names ``what`` and why."""
    return _decode(read_bytes(path, max_bytes, what), path, what)


def read_bytes(path: Path, max_bytes: int, what: str) -> bytes:
    """Content of a file of at most ``max_bytes``; :class:`UserError` names ``what`` and why."""
    try:
        with open(path, "rb") as stream:
            content = stream.read(max_bytes + 1)
    except OSError as error:
        raise UserError(
            f"{what} {path} cannot be read: {error.strerror or error}; check the path"
        ) from None
    if len(content) > max_bytes:
        raise UserError(
            f"{what} {path} is larger than {max_bytes} bytes: not one that bnn_hw reads"
        )
    return content


def _decode(content: bytes, path: Path, what: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{what} {path} is not UTF-8 text: is it the right file?") from None


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step (beside, then renamed)."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` in one step (beside, then renamed)."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; choose a folder you can write to"
        ) from None


def write_folder(
    folder: Path,
    files: Mapping[str, bytes],
    check_old: Callable[[Path], None],
    keep: Sequence[str] = (),
) -> None:
    """Make ``files`` all that stands in ``folder``, in one step.

    Written beside, then swapped in: whatever goes wrong while writing, the old folder stays whole.
    What stands behind a link is replaced, not the link.

    Parameters
    ----------
    files
        Content by path below ``folder``.
    check_old
        Gets the real path of what already stands there; raises :class:`UserError` if it must stay.
    keep
        Names in the old folder that move into the new one.

    Raises
    ------
    UserError
        When the folder cannot be written.
    """
    target = Path(os.path.realpath(folder))
    staging = None
    try:
        if target.exists():
            check_old(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        staging.chmod(0o755)
        for path, content in files.items():
            place = staging / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        if target.exists():
            retired = staging.with_name(staging.name + ".old")
            os.replace(target, retired)
            os.replace(staging, target)
            for name in keep:
                if (retired / name).exists():
                    os.replace(retired / name, target / name)
            shutil.rmtree(retired)
        else:
            os.replace(staging, target)
    except OSError as error:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        raise UserError(
            f"{folder} cannot be written: {error.strerror or error}; choose a folder you can write to"
        ) from None
