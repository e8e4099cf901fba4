"""Options that several verbs take, written once: which records, which split of them, JSON out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def records_option(help_text: str = "Folder of the WFDB records.") -> Decorator:
    """``--records PATH``, from BNN_HW_RECORDS where it is not given: ``records: Path | None``."""
    return click.option(
        "--records",
        type=click.Path(path_type=Path),
        envvar="BNN_HW_RECORDS",
        show_envvar=True,
        help=help_text,
    )


def json_option(what: str) -> Decorator:
    """``--json``: ``as_json: bool``; ``what`` is printed then."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} as JSON.")


def split_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--set --protocol --seed``: ``set_name, protocol, seed``, each None where MODEL decides."""
    options = (
        click.option(
            "--set",
            "set_name",
            type=click.Choice(["ecg5", "ecg17"]),
            help="Default: the set of MODEL's classes.",
        ),
        click.option(
            "--protocol",
            type=click.Choice(["random", "paper", "inter-patient"]),
            help="Default: the one that MODEL's figures are of, else random.",
        ),
        click.option(
            "--seed", type=int, help="Seed of the split. Default: as for --protocol, else 1."
        ),
    )
    for option in reversed(options):  # the decorator next to the function is the last option
        command = option(command)
    return command
