"""What disturbances cost a frozen network: golden on the disturbed test part of a split.

Reads a network, a fragment set and the rows of its test part; gives plain JSON, and from it the
Markdown page. Integers from the converter to the class: what is measured here is what the
hardware would answer, bit for bit. ``docs/robustness.md`` defines the disturbances.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnn_hw.ecg.disturbances import ADC_BITS, DISTURBANCES, DRAW_SEED, disturb
from bnn_hw.ecg.fragments import FragmentSet
from bnn_hw.errors import UserError
from bnn_hw.golden.packed import PackedNetwork, Progress
from bnn_hw.ir.network import Network
from bnn_hw.metrics import score
from bnn_hw.report.text import percent, points
from bnn_hw.verify.inputs import prepare_fragments

# The loss that is allowed at gain x0.8 to x1.25 and 18 dB, in points (hundredths of the accuracy).
MARK_POINTS = 1


def study(
    network: Network,
    fragments: FragmentSet,
    rows: NDArray[np.int64],
    seed: int = DRAW_SEED,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Scores of ``network`` under every disturbance and level, as plain JSON values.

    Parameters
    ----------
    rows
        ``(n,)`` rows of ``fragments`` to measure, the test part.
    seed
        Of the draws, not of the split.
    progress
        Called after every level with the levels done and the levels in all.

    Returns
    -------
    ``clean`` and each of ``rows`` hold ``correct``, ``fragments``, ``accuracy`` (0 to 1) and
    ``macro_f1``. A row adds ``disturbance``, ``unit``, ``level``, ``label``, ``difference_points``
    (to clean, in points), ``lost`` and ``gained`` (fragments whose answer became wrong, and right)
    and ``in_mark``. ``mark`` tells whether no row of the mark lost more than ``points``, and which
    lost most.

    Raises
    ------
    UserError
        When the labels of the network and of the set differ, when there are no rows, and for
        fragments that the network does not take.
    """
    if network.labels != tuple(fragments.class_names):
        raise UserError(
            f"network {network.name} has labels {', '.join(network.labels)}; set {fragments.name} has "
            f"{', '.join(fragments.class_names)}"
        )
    if len(rows) == 0:
        raise UserError(
            f"set {fragments.name}: the test part has 0 fragments; choose another split"
        )
    shape = network.input
    # Other preparations scale the samples themselves, so that only the converter limits them.
    bits = shape.bits if shape.preparation == "raw" else ADC_BITS
    golden = PackedNetwork(network)
    samples, labels = fragments.samples[rows], fragments.labels[rows]
    clean = golden.run(prepare_fragments(samples, shape)).classes
    right = clean == labels
    figures = _figures(labels, clean, network.labels)
    total = sum(len(disturbance.levels) for disturbance in DISTURBANCES)
    entries: list[dict[str, Any]] = []
    for disturbance in DISTURBANCES:
        for level in disturbance.levels:
            disturbed = disturb(disturbance, level, samples, rows, seed=seed, bits=bits)
            classes = golden.run(prepare_fragments(disturbed, shape)).classes
            still = classes == labels
            gained, lost = int((still & ~right).sum()), int((right & ~still).sum())
            entries.append(
                {
                    "disturbance": disturbance.name,
                    "unit": disturbance.unit,
                    "level": level,
                    "label": disturbance.label(level),
                    **_figures(labels, classes, network.labels),
                    "difference_points": 100 * (gained - lost) / len(rows),
                    "lost": lost,
                    "gained": gained,
                    "in_mark": level in disturbance.mark_levels,
                }
            )
            if progress is not None:
                progress(len(entries), total)
    return {
        "network": network.name,
        "digest": network.digest(),
        "set": fragments.name,
        "draw_seed": seed,
        "clean": figures,
        "mark": _mark([entry for entry in entries if entry["in_mark"]]),
        "rows": entries,
    }


def _figures(
    labels: NDArray[np.int64], classes: NDArray[np.int64], names: tuple[str, ...]
) -> dict[str, Any]:
    scores = score(labels, classes, names)
    return {
        "correct": scores.correct,
        "fragments": scores.fragments,
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
    }


def _mark(entries: list[dict[str, Any]]) -> dict[str, Any]:
    worst = max(entries, key=lambda entry: int(entry["lost"]) - int(entry["gained"]))
    # In integers: a loss of exactly the allowed points passes.
    passed = 100 * (worst["lost"] - worst["gained"]) <= MARK_POINTS * worst["fragments"]
    return {
        "points": MARK_POINTS,
        "passed": passed,
        "worst": {
            key: worst[key] for key in ("disturbance", "level", "label", "difference_points")
        },
    }


def mark_line(results: dict[str, Any]) -> str:
    """One sentence: the mark, whether it holds, and its worst row."""
    mark = results["mark"]
    worst = mark["worst"]
    return (
        f"mark (gain x0.8 to x1.25 and 18 dB lose at most {mark['points']} point): "
        f"{'pass' if mark['passed'] else 'FAIL'}, worst {worst['disturbance']} {worst['label']} with "
        f"{points(worst['difference_points'])} points"
    )


def clean_line(results: dict[str, Any]) -> str:
    """One sentence: the figures without disturbance, and what one fragment weighs."""
    clean = results["clean"]
    return (
        f"clean: {clean['correct']} of {clean['fragments']} = {percent(clean['accuracy'])} %, macro-F1 "
        f"{percent(clean['macro_f1'])} %; one fragment is {100 / clean['fragments']:.2f} points"
    )


def markdown(results: dict[str, Any], picture: str = "robustness.svg") -> str:
    """The page: what was measured, the mark, the picture's place, one line a level."""
    split = (
        f" of the {results['protocol']} split, seed {results['split_seed']}"
        if "protocol" in results
        else ""
    )
    lines = [
        f"# Robustness of {results['network']}",
        "",
        f"The frozen integer network (digest `{results['digest'][:16]}`) on the disturbed test part"
        f"{split}, set {results['set']}; draws by seed {results['draw_seed']}. Nothing was trained or "
        "chosen on it.",
        "",
        f"- {_capital(clean_line(results))}.",
        f"- {_capital(mark_line(results))}. Rows of the mark bear a +.",
        "- The difference is to clean, in points; noise is given as SNR against the fragment without "
        "its mean.",
        "",
        f"![Accuracy under each disturbance]({picture})",
        "",
        "| disturbance | level | correct | accuracy % | difference | macro-F1 % | mark |",
        "|---|---|---:|---:|---:|---:|:---:|",
    ]
    previous = ""
    for row in results["rows"]:
        name = row["disturbance"]
        lines.append(
            f"| {'' if name == previous else name} | {row['label']} | {row['correct']} | "
            f"{percent(row['accuracy'])} | {points(row['difference_points'])} | "
            f"{percent(row['macro_f1'])} | {'+' if row['in_mark'] else ''} |"
        )
        previous = name
    return "\n".join(lines) + "\n"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
