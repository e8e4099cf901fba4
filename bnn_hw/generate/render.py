"""jinja2 for hardware: delimiters that cannot clash with SystemVerilog, C++, Tcl or Markdown.

``${ name }`` is a variable and ``//% for ...`` (``#% for ...`` in Tcl, Markdown and lists) a line
statement; ``//##`` / ``###%`` starts a comment of the template. An undefined name is an error.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bnn_hw.assets import templates_dir

_HASH_COMMENTS = (".tcl", ".md", ".f", ".ys", ".xdc", ".txt", ".cfg")


@cache
def environment(hash_comments: bool = False) -> Environment:
    """The environment for C-like files, or for files whose comments start with ``#``."""
    prefix = "#" if hash_comments else "//"
    return Environment(
        loader=FileSystemLoader(templates_dir()),
        undefined=StrictUndefined,
        autoescape=False,  # hardware, not HTML; every name is checked before it comes here
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="${",
        variable_end_string="}",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        line_statement_prefix=prefix + "%",
        line_comment_prefix="###%" if hash_comments else "//##",
    )


def render(template: str, context: Any) -> str:
    """Render ``template`` (a path below ``templates/``, ending in ``.j2``) with a frozen dataclass.

    Each field of ``context`` is a variable of the template, and so is each public property.
    """
    assert is_dataclass(context) and not isinstance(context, type), (
        "a template's context is a dataclass"
    )
    values = {field.name: getattr(context, field.name) for field in fields(context)}
    for name in dir(type(context)):
        if not name.startswith("_") and isinstance(getattr(type(context), name), property):
            values[name] = getattr(context, name)
    target = template.removesuffix(".j2")
    return environment(target.endswith(_HASH_COMMENTS)).get_template(template).render(values)
