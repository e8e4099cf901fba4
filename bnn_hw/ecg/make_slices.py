"""Writes the real ECG slices that ship with bnn_hw: ``python -m bnn_hw.ecg.make_slices``.

A maintainer's tool beside the way from record to report. Reads the MIT-BIH records, writes a few
fragments of each set and one short WFDB record into the data folder. Two runs write equal arrays
and equal text; nothing depends on the date.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bnn_hw.ecg.fragments import FragmentSet, SetName, load_set
from bnn_hw.ecg.records import import_wfdb, read_record, records_dir
from bnn_hw.ecg.slices import SLICE_RECORD, SLICE_SETS, slices_dir
from bnn_hw.errors import UserError

FRAGMENTS_PER_CLASS: dict[SetName, int] = {"ecg5": 8, "ecg17": 3}
SLICE_SOURCE_RECORD = "100"
# Three fragments and half a fragment, so that a remainder is dropped.
SLICE_RECORD_SAMPLES = 12600

SOURCE = {
    "samples": (
        "MIT-BIH Arrhythmia Database 1.0.0, PhysioNet, doi:10.13026/C2F305, "
        "Open Data Commons Attribution License 1.0"
    ),
    "ecg17_labels": (
        "P. Plawiak, ECG signals (1000 fragments), Mendeley Data v3, "
        "doi:10.17632/7dybx7wyfn.3, CC BY 4.0"
    ),
    "unit": "adu less 1024, 200 adu/mV, 360 Hz",
}


def choose_rows(fragments: FragmentSet, per_class: int) -> list[int]:
    """Return ``per_class`` rows of every class, from as many records as the class has.

    The rows of a class are ordered by how often their record came before, then evenly spaced
    ones among the first of each record are taken. Ascending, deterministic.
    """
    chosen: list[int] = []
    for label in range(len(fragments.class_names)):
        seen: dict[str, int] = {}
        ranked: list[tuple[int, int]] = []
        for row in np.flatnonzero(fragments.labels == label).tolist():
            record = fragments.records[row]
            ranked.append((seen.get(record, 0), row))
            seen[record] = seen.get(record, 0) + 1
        ranked.sort()
        reach = max(len(seen), per_class)
        chosen.extend(ranked[i * reach // per_class][1] for i in range(per_class))
    return sorted(chosen)


def write_slices(name: SetName, records: Path, folder: Path) -> None:
    """Write the chosen fragments of one set as ``.npz`` (int16) and ``.json`` into ``folder``."""
    fragments = load_set(name, records)
    rows = choose_rows(fragments, FRAGMENTS_PER_CLASS[name])
    np.savez_compressed(folder / f"{name}_slices.npz", samples=fragments.samples[rows])
    described: dict[str, object] = {
        "name": name,
        "source": SOURCE,
        "class_names": list(fragments.class_names),
        "fragments": [
            {
                "record": fragments.records[row],
                "lead": fragments.leads[row],
                "start": int(fragments.starts[row]),
                "label": fragments.class_names[fragments.labels[row]],
            }
            for row in rows
        ],
    }
    (folder / f"{name}_slices.json").write_text(_json(described), encoding="utf-8")


def write_slice_record(records: Path, folder: Path) -> None:
    """Write the first 35 s of record 100, both leads and its annotations, as a WFDB record."""
    wfdb = import_wfdb()
    source = records / SLICE_SOURCE_RECORD
    first = read_record(source)
    leads = [read_record(source, lead) for lead in first.leads]
    wfdb.wrsamp(
        SLICE_RECORD,
        fs=first.sampling_rate_hz,
        units=["mV"] * len(leads),
        sig_name=list(first.leads),
        d_signal=np.stack([lead.samples[:SLICE_RECORD_SAMPLES] for lead in leads], axis=1),
        fmt=["212"] * len(leads),
        adc_gain=[lead.gain_adu_per_mv for lead in leads],
        baseline=[lead.zero_adu for lead in leads],
        comments=[
            "First 35 s of record 100 of the MIT-BIH Arrhythmia Database 1.0.0,",
            "doi:10.13026/C2F305, Open Data Commons Attribution License 1.0",
        ],
        write_dir=str(folder),
    )
    annotation = wfdb.rdann(str(source), "atr", sampto=SLICE_RECORD_SAMPLES - 1)
    wfdb.wrann(
        SLICE_RECORD,
        "atr",
        annotation.sample,
        symbol=annotation.symbol,
        subtype=annotation.subtype,
        chan=annotation.chan,
        num=annotation.num,
        aux_note=annotation.aux_note,
        write_dir=str(folder),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return 0, or 2 after one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m bnn_hw.ecg.make_slices", description=__doc__)
    parser.add_argument("--records", help="folder of the MIT-BIH records")
    parser.add_argument("--out", type=Path, help="folder to write to (default: the shipped one)")
    options = parser.parse_args(arguments)
    try:
        records = records_dir(options.records)
        folder = slices_dir() if options.out is None else options.out
        folder.mkdir(parents=True, exist_ok=True)
        for name in SLICE_SETS:
            write_slices(name, records, folder)
        write_slice_record(records, folder)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"error: slices can't be written: {problem}; choose another --out", file=sys.stderr)
        return 2
    return 0


def _json(described: dict[str, object]) -> str:
    """Return JSON with one line a fragment, so that git shows what changed."""
    fragments = described["fragments"]
    assert isinstance(fragments, list)
    head = json.dumps({k: v for k, v in described.items() if k != "fragments"}, indent=1)
    rows = ",\n".join("  " + json.dumps(row) for row in fragments)
    return head.removesuffix("\n}") + ',\n "fragments": [\n' + rows + "\n ]\n}\n"


if __name__ == "__main__":
    sys.exit(main())
