"""A study: the frozen networks of every seed of one experiment, measured on their own test parts.

Between training and the model card; :mod:`bnn_hw.report.study_files` keeps it in a folder. Reads
frozen networks and a fragment set, gives what ``study.json`` holds. Figures of a frozen network are
golden's; those of the float twin come from torch, in single precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.ecg.splits import Split
from bnn_hw.golden.packed import PackedNetwork
from bnn_hw.ir.network import Network
from bnn_hw.ir.storage import macs, storage
from bnn_hw.metrics import Scores, confidence_interval, score, score_confusion
from bnn_hw.report.evaluation import check_labels, split_rows
from bnn_hw.report.study_model import (
    PARTS,
    Class,
    Counted,
    Figures,
    Header,
    Part,
    Pooled,
    SeedEntry,
    Spread,
    Study,
    Summaries,
    Summary,
)
from bnn_hw.verify.inputs import prepare_fragments


def study_split(header: Header, fragments: FragmentSet, split_seed: int) -> Split:
    """The split that a seed was trained on; with protocol paper the test also validates."""
    shares = (header.test_share, header.validation_share)
    split = split_rows(fragments, header.protocol, split_seed, shares)
    return replace(split, validation=split.test) if header.protocol == "paper" else split


def figures(scores: Scores) -> Figures:
    """Scores without their confusion."""
    return Figures(
        fragments=scores.fragments,
        correct=scores.correct,
        accuracy=scores.accuracy,
        macro_f1=scores.macro_f1 or 0.0,
    )


def counted(scores: Scores) -> Counted:
    """Scores with their confusion."""
    return Counted(**dict(figures(scores)), confusion=scores.confusion)


def measure_seed(
    header: Header,
    fragments: FragmentSet,
    network: Network,
    seed: int,
    split_seed: int,
    epoch: int,
    twin: Part | None,
) -> SeedEntry:
    """Measure a frozen network with golden on validation and test of its own split.

    ``twin`` has the figures of the float twin. Raises UserError when the labels of network and set
    differ.
    """
    check_labels(network, fragments)
    split = study_split(header, fragments, split_seed)
    golden = PackedNetwork(network)

    def scores(rows: NDArray[np.int64]) -> Scores:
        samples = prepare_fragments(fragments.samples[rows], network.input)
        return score(fragments.labels[rows], golden.run(samples).classes, network.labels)

    return SeedEntry(
        seed=seed,
        split_seed=split_seed,
        digest=network.digest(),
        storage_bytes=storage(network).storage_bytes,
        epoch=epoch,
        validation=figures(scores(split.validation)),
        test=counted(scores(split.test)),
        twin=twin,
    )


def build_study(
    header: Header,
    fragments: FragmentSet,
    entries: Sequence[SeedEntry],
    chosen: int,
    network: Network,
) -> Study:
    """A study of measured seeds; ``network`` is any of theirs."""
    rows = [study_split(header, fragments, entry.split_seed).test for entry in entries]
    distinct = len(np.unique(np.concatenate(rows)))
    summaries = {}
    for name in PARTS:
        parts = [part for part in (entry.part(name) for entry in entries) if part is not None]
        if len(parts) == len(entries):
            summaries[name] = _summary(parts, network.labels, distinct)
    return Study(
        **dict(header),
        labels=network.labels,
        macs=macs(network),
        seeds=tuple(entries),
        chosen=chosen,
        summary=Summaries(**summaries),
    )


def _summary(parts: Sequence[Part], labels: tuple[str, ...], distinct: int) -> Summary:
    confusion = np.array([part.test.confusion for part in parts], np.int64).sum(axis=0)
    scores = score_confusion(confusion, labels)
    # The share of all tests, on as many draws as there are different fragments.
    share = confidence_interval(scores.accuracy * distinct, distinct)
    return Summary(
        accuracy=_spread([part.test.accuracy for part in parts]),
        macro_f1=_spread([part.test.macro_f1 for part in parts]),
        validation_accuracy=_spread([part.validation.accuracy for part in parts]),
        validation_macro_f1=_spread([part.validation.macro_f1 for part in parts]),
        pooled=Pooled(
            **dict(counted(scores)),
            distinct_fragments=distinct,
            interval_95=confidence_interval(scores.correct, scores.fragments),
            interval_95_distinct=share,
            classes=tuple(Class(**asdict(entry)) for entry in scores.classes),
        ),
    )


def _spread(values: Sequence[float]) -> Spread:
    sd = stdev(values) if len(values) > 1 else None
    return Spread(mean=mean(values), sd=sd, min=min(values), max=max(values))
