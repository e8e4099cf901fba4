"""``bnn-hw data``: fetch the records from PhysioNet."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def data(folder: Path) -> None:
    """Fetch the 48 records of the MIT-BIH Arrhythmia Database into DIR and check their sums."""
    from bnn_hw.ecg.fetch import fetch_records

    fetched = fetch_records(folder)
    click.echo(f"48 records in {fetched}; give --records {fetched} or set BNN_HW_RECORDS to it")
