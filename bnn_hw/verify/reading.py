"""Reads back the JSON that verify wrote, for a report that is made later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bnn_hw.errors import UserError
from bnn_hw.files import read_text
from bnn_hw.ir.file import first_line
from bnn_hw.verify.verdict import LEFT_OUT, LevelResult, Verdict

_MAX_BYTES = 16 << 20
_Count = Annotated[int, Field(ge=0)]


class _Level(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str
    fragments: _Count
    compared: _Count
    mismatches: _Count
    seconds: Annotated[float, Field(ge=0)]
    skipped: bool
    why: str | None


class _Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    passed: bool
    model: str
    digest: str
    levels: list[_Level]


_FILE: TypeAdapter[_Verdict | list[_Verdict]] = TypeAdapter(_Verdict | list[_Verdict])


def read_verdicts(path: Path) -> list[Verdict]:
    """The verdicts in ``path``, one object or a list of them.

    Raises
    ------
    UserError
        When the file cannot be read or is not what verify writes.
    """
    text = read_text(path, _MAX_BYTES, "verdict")
    try:
        parsed = _FILE.validate_python(json.loads(text))
    except ValidationError as error:
        raise UserError(
            f"verdict {path}: {first_line(error)}; run 'bnn-hw verify --json'"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"verdict {path} is not JSON: {error}; run 'bnn-hw verify --json'"
        ) from None
    found = parsed if isinstance(parsed, list) else [parsed]
    if not found:
        raise UserError(f"verdict {path} holds no network; run 'bnn-hw verify --json'")
    return [_verdict(one) for one in found]


def _verdict(one: _Verdict) -> Verdict:
    levels = tuple(
        LevelResult(**level.model_dump(), left_out=level.skipped and level.why == LEFT_OUT)
        for level in one.levels
    )
    return Verdict(one.model, one.digest, levels)
