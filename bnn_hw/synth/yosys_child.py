"""Runs one Yosys script in a process of its own, since an error ends the process it happens in.

Called by :mod:`bnn_hw.synth.tools` as a script, without bnn_hw on its path:
``yosys_child.py LOG SCRIPT`` in the folder that the script's paths start from. What Yosys says goes
into LOG; the exit status is 0 only if the script got to its end.
"""

from __future__ import annotations

import sys


def main(log: str, script: str) -> None:
    """Run ``script``, everything it says into ``log``."""
    from pyosys import libyosys

    libyosys.Design().run_pass(f"tee -q -o {log} script {script}")


if __name__ == "__main__":
    main(*sys.argv[1:])
