"""Level ``manifest``: the files of the build folder are those that were rendered."""

from __future__ import annotations

from bnn_hw.generate.manifest import check_manifest, read_manifest
from bnn_hw.verify.subject import Subject
from bnn_hw.verify.verdict import Outcome


def run_manifest(subject: Subject, count: int) -> Outcome:
    """Every file of the folder, and the network that the manifest names."""
    path = subject.build.path
    check = check_manifest(path)
    wrong = [
        *(f"{name} differs from its manifest" for name in check.changed),
        *(f"{name} is missing" for name in check.missing),
        *(f"{name} is not in the manifest" for name in check.added),
    ]
    digest = read_manifest(path).get("digest")
    if digest != subject.network.digest():
        wrong.append(
            f"the manifest is of network {str(digest)[:16]}, not {subject.network.digest()[:16]}"
        )
    first = None
    if wrong:
        first = wrong[0] + (f" ({len(wrong)} such files)" if len(wrong) > 1 else "")
    return Outcome(0, check.compared + 1, len(wrong), first)
