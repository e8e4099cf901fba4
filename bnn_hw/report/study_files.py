"""The folder of a study: ``study.json`` and the frozen networks ``seedS.json`` beside it.

Reads and writes the folder, and measures every frozen network in it again: with the records at
hand a mean is reproduced in seconds, without training. Reading trusts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import ValidationError

from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.errors import UserError
from bnn_hw.files import read_text, write_folder
from bnn_hw.ir import load_network
from bnn_hw.ir.file import first_line, network_text, render_json
from bnn_hw.ir.network import Network
from bnn_hw.metrics import score_confusion
from bnn_hw.report.evaluation import Protocol
from bnn_hw.report.study import build_study, counted, measure_seed
from bnn_hw.report.study_model import PARTS, Condensed, Part, SeedEntry, Study, Summary

FILE = "study.json"
FORMAT = "bnn_hw.study"
_MAX_BYTES = 16 << 20


def save_study(study: Study, networks: Mapping[int, Network], folder: Path) -> None:
    """Write the folder beside, then swap it in; ``networks`` has one for each seed.

    Raises :class:`UserError` when it can't be written or holds what is no study.
    """
    files = {FILE: (render_json(study.to_dict()) + "\n").encode()}
    for entry in study.seeds:
        files[f"seed{entry.seed}.json"] = network_text(networks[entry.seed]).encode()
    write_folder(folder, files, _check_old)


def _check_old(target: Path) -> None:
    if not (target / FILE).is_file():
        raise UserError(f"{target} exists and is no folder of a study: choose another or remove it")


def load_study(folder: Path) -> Study:
    """Read ``study.json`` of a folder.

    Raises
    ------
    UserError
        When it is missing, too large, not JSON, of another format, or not legal.
    """
    path = folder / FILE
    text = read_text(path, _MAX_BYTES, "study")
    try:
        data = json.loads(text, parse_constant=_refuse)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise UserError(f"study {path} is none: 'format' must be {FORMAT!r}")
        if data.get("version") != 1:
            raise UserError(
                f"study {path} has schema version {str(data.get('version'))[:20]}, this bnn_hw reads "
                "1; make it again with 'bnn-hw train --resume'"
            )
        return Study.model_validate(data)
    except ValidationError as error:
        raise UserError(f"study {path}: {first_line(error)}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"study {path} is not JSON: {error}") from None


def load_seeds(folder: Path, study: Study) -> dict[int, Network]:
    """Read the frozen network of every seed; :class:`UserError` when one is missing or not legal."""
    networks = {
        entry.seed: load_network(folder / f"seed{entry.seed}.json") for entry in study.seeds
    }
    for seed, network in networks.items():
        if network.labels != study.labels:
            raise UserError(
                f"study {folder}: seed{seed}.json has labels {', '.join(network.labels)}; study.json "
                f"has {', '.join(study.labels)}; fetch the folder again"
            )
    return networks


def measure_again(study: Study, networks: Mapping[int, Network], fragments: FragmentSet) -> Study:
    """The study as it comes out now.

    Every figure of a frozen network is measured; of the float twins, which are not here, only what
    follows from their confusion is computed anew.
    """
    entries = []
    for entry in study.seeds:
        twin = entry.twin and _derived(entry.twin, study.labels)
        network = networks[entry.seed]
        entries.append(
            measure_seed(study, fragments, network, entry.seed, entry.split_seed, entry.epoch, twin)
        )
    return build_study(study.header(), fragments, entries, study.chosen, networks[study.chosen])


def _derived(part: Part, labels: tuple[str, ...]) -> Part:
    scores = score_confusion(np.array(part.test.confusion, np.int64), labels)
    return part.model_copy(update={"test": counted(scores)})


def differences(kept: Study, measured: Study) -> list[str]:
    """What two studies differ in, one line each: where, and the two values."""
    return list(_different(kept.to_dict(), measured.to_dict(), ""))


def _different(kept: Any, measured: Any, where: str) -> Iterator[str]:
    if isinstance(kept, dict) and isinstance(measured, dict):
        for key in [*kept, *(key for key in measured if key not in kept)]:
            yield from _different(kept.get(key), measured.get(key), f"{where}.{key}".lstrip("."))
    elif isinstance(kept, list) and isinstance(measured, list) and len(kept) == len(measured):
        for index, (one, two) in enumerate(zip(kept, measured, strict=True)):
            name = f"{one['seed']}" if isinstance(one, dict) and "seed" in one else f"{index}"
            yield from _different(one, two, f"{where}[{name}]")
    elif kept != measured:
        yield f"{where}: kept {kept}, measured {measured}"


def unequal_counts(entry: SeedEntry, torch_correct: Mapping[str, int]) -> list[str]:
    """Where torch in single precision counted otherwise than golden: "test 195 (torch 194)".

    ``torch_correct`` has the correct fragments of "validation" and "test".
    """
    golden = {"validation": entry.validation.correct, "test": entry.test.correct}
    return [
        f"{part} {golden[part]} (torch {count})"
        for part, count in torch_correct.items()
        if golden[part] != count
    ]


def _share(experiment: dict[str, Any], field: str) -> float:
    """A share in ``data`` of an experiment; 0 in one from before there was such a field."""
    data = experiment.get("data")
    share = data.get(field, 0.0) if isinstance(data, dict) else 0.0
    return share if isinstance(share, float) else 0.0


def condense(study: Study) -> Condensed:
    """What the provenance of a network keeps of a study."""
    return Condensed(
        name=study.name,
        smoke=study.smoke,
        set=study.set,
        protocol=study.protocol,
        labels=study.labels,
        seeds=tuple(entry.seed for entry in study.seeds),
        chosen=study.chosen,
        chosen_digest=study.chosen_entry.digest,
        stretch_share=_share(study.experiment, "stretch_share"),
        ectopy_share=_share(study.experiment, "ectopy_share"),
        summary=study.summary.model_copy(
            update={
                name: _without_classes(summary)
                for name in PARTS
                if (summary := getattr(study.summary, name)) is not None
            }
        ),
    )


def noted_studies(network: Network) -> tuple[Condensed, ...]:
    """The studies in the provenance of a network, random, paper, inter-patient as far as there.

    Raises :class:`UserError` for what is not legal: a network file comes from outside.
    """
    metrics = network.provenance.get("metrics")
    noted = metrics.get("studies", {}) if isinstance(metrics, dict) else {}
    where = f"network {network.name}: metrics.studies in its provenance"
    if not isinstance(noted, dict) or not set(noted) <= set(get_args(Protocol)):
        raise UserError(f"{where} is not one study a protocol; run 'bnn-hw evaluate --write' again")
    studies = []
    for protocol in get_args(Protocol):
        if protocol in noted:
            try:
                study = Condensed.model_validate(noted[protocol])
            except ValidationError as error:
                raise UserError(f"{where}: {protocol}.{first_line(error)}") from None
            if study.protocol != protocol or study.labels != network.labels:
                raise UserError(
                    f"{where}: {protocol} is a study of other classes or of protocol "
                    f"{study.protocol}; run 'bnn-hw evaluate --write' again"
                )
            studies.append(study)
    return tuple(studies)


def _without_classes(summary: Summary) -> Summary:
    # They follow from the confusion.
    pooled = summary.pooled.model_copy(update={"classes": None})
    return summary.model_copy(update={"pooled": pooled})


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")
