"""The model card: one Markdown page a shipped network, rendered from its frozen file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bnn_hw.errors import UserError
from bnn_hw.generate.render import render
from bnn_hw.identifiers import check_identifier
from bnn_hw.ir.network import Network
from bnn_hw.ir.storage import Storage, macs, storage
from bnn_hw.report.evaluation import majority_share
from bnn_hw.report.study_card import ClassSection, ProtocolRow, study_context
from bnn_hw.report.study_files import noted_studies
from bnn_hw.report.text import percent

_SETS = {
    "ecg5": "7,740 fragments of 10 s in five AAMI classes",
    "ecg17": "1,000 fragments of 10 s in seventeen rhythm classes (Plawiak)",
}
_SMOKE_DATA = "Nothing but the few shipped slices"
_PROTOCOLS = {
    "random": "honest random: 80/20 over fragments, validation cut from the training part, every "
    "choice made on validation, the test part read once; twins on one side. The same patients are "
    "on both sides, so a new wearer would meet less",
    "paper": "paper: 80/20 over fragments, the best epoch chosen on the test part; only to compare",
    "inter-patient": "inter-patient: trained on the records of DS1, tested on those of DS2",
}


@dataclass(frozen=True)
class ClassRow:
    """One line of the per-class table, ready to print."""

    label: str
    fragments: int
    sensitivity: str
    positive_predictivity: str
    f1: str


@dataclass(frozen=True)
class CardContext:
    """What ``templates/report/model_card.md.j2`` sees."""

    name: str
    digest: str
    labels: str
    samples: int
    input_bits: int
    unit: str
    layers: tuple[str, ...]
    storage: Storage
    macs: str
    data: str
    protocol: str
    split_seed: int
    test_line: str
    validation_line: str
    macro_f1: str
    majority: str
    rows: tuple[ClassRow, ...]
    confusion: tuple[tuple[str, tuple[int, ...]], ...]
    experiment: str
    command: str
    is_seventeen: bool
    studies: bool
    smoke: bool
    protocol_name: str
    protocols_in_words: str
    protocol_rows: tuple[ProtocolRow, ...]
    class_sections: tuple[ClassSection, ...]
    origin: str
    study_commands: tuple[str, ...]
    with_stretches: str
    with_ectopy: str


def model_card(network: Network, shipped_name: str | None = None) -> str:
    """The card as Markdown.

    Parameters
    ----------
    shipped_name
        What the commands call the network (``ecg5-small``); None for its own name.

    Raises
    ------
    UserError
        When the provenance holds no metrics; ``bnn-hw evaluate --write`` puts them there. Also for
        studies in it that are not legal and for an experiment whose name is no plain identifier.
    """
    metrics = network.provenance.get("metrics")
    if not isinstance(metrics, dict) or "test" not in metrics:
        raise UserError(
            f"network {network.name} holds no metrics: run 'bnn-hw evaluate MODEL --write' first"
        )
    test = metrics["test"]
    name = shipped_name or network.name
    studies = noted_studies(network)
    card = study_context(studies, network.digest(), is_seventeen=metrics["set"] == "ecg17")
    smoke = any(study.smoke for study in studies)
    command = (
        f"bnn-hw evaluate {name} --set {metrics['set']} --protocol {metrics['protocol']} "
        f"--seed {metrics['split_seed']} --records DIR"
    )
    return render(
        "report/model_card.md.j2",
        CardContext(
            name=name,
            digest=network.digest(),
            labels=", ".join(network.labels),
            samples=network.input.samples,
            input_bits=network.input.bits,
            unit=network.input.unit,
            layers=tuple(_layer_line(network)),
            storage=storage(network),
            macs=f"{macs(network):,}",
            data=_SMOKE_DATA if smoke else _SETS.get(str(metrics["set"]), str(metrics["set"])),
            protocol=_PROTOCOLS.get(str(metrics["protocol"]), str(metrics["protocol"])),
            split_seed=int(metrics["split_seed"]),
            test_line=_share_line(test),
            validation_line=_share_line(metrics["validation"])
            if "validation" in metrics
            else "none",
            macro_f1=percent(test["macro_f1"], 1),
            majority=f"{percent(majority_share(metrics), 1)} %",
            rows=tuple(_class_row(entry) for entry in test["classes"]),
            confusion=tuple(
                (label, tuple(row))
                for label, row in zip(network.labels, test["confusion"], strict=True)
            ),
            experiment=f"experiments/{_experiment(network)}.toml",
            command=command,
            is_seventeen=metrics["set"] == "ecg17",
            studies=bool(studies),
            smoke=smoke,
            protocol_name=str(metrics["protocol"]),
            **vars(card),
        ),
    )


def _experiment(network: Network) -> str:
    """Name of the experiment that trained it; the network's own name where none is noted."""
    training = network.provenance.get("training")
    noted = training.get("experiment") if isinstance(training, dict) else None
    return network.name if noted is None else check_identifier(str(noted), "experiment")


def _layer_line(network: Network) -> list[str]:
    lines = []
    for block in network.blocks:
        pools = ", ".join(f"pool {p.size}/{p.stride}" for p in (*block.sum_pools, *block.bit_pools))
        weight = network.head.peak_weight
        head = f"head, the largest sum counted {weight} times more" if weight else "head"
        end = head if block.threshold is None else "threshold"
        lines.append(
            f"{block.name}: {block.in_channels} x {block.in_length} -> {block.out_channels}, kernel "
            f"{block.kernel}, stride {block.stride}, padding {block.pad_left}/{block.pad_right} of "
            f"{block.pad_value:+d}" + (f", {pools}" if pools else "") + f", {end}"
        )
    return lines


def _share_line(part: dict[str, Any]) -> str:
    low, high = part["interval_95"]
    return (
        f"{percent(part['accuracy'])} % ({part['correct']} of {part['fragments']}; 95 % interval "
        f"{percent(low, 1)} to {percent(high, 1)})"
    )


def _class_row(entry: dict[str, Any]) -> ClassRow:
    return ClassRow(
        label=entry["label"],
        fragments=entry["fragments"],
        sensitivity=percent(entry["sensitivity"], 1),
        positive_predictivity=percent(entry["positive_predictivity"], 1),
        f1=percent(entry["f1"], 1),
    )
