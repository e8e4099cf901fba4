"""Builds and runs one cocotb bench in a process of its own, so that a timeout can end all of it.

Called by :mod:`bnn_hw.simulate.cocotb_runner` as a script: ``cocotb_child.py JOB.json``. cocotb's
runner returns normally even when tests fail; the caller reads the results file, not the exit status.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(job_file: str) -> None:
    """Build, then test, as the job file says."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    sys.path[:0] = job["python_path"]  # cocotb hands this process's path on to the simulator
    from cocotb_tools.runner import get_runner

    runner = get_runner(job["simulator"])
    timescale = ("1ns", "1ps")
    runner.build(
        sources=job["sources"],
        hdl_toplevel=job["top"],
        parameters=job["parameters"],
        build_args=job["build_args"],
        build_dir=job["build_dir"],
        always=job["simulator"] == "icarus",  # Verilator's make knows by itself what changed
        timescale=timescale,
        log_file=job["build_log"],
    )
    runner.test(
        test_module=job["module"],
        hdl_toplevel=job["top"],
        build_dir=job["build_dir"],
        test_dir=job["build_dir"],
        results_xml=job["results"],
        extra_env=job["environment"],
        seed=job["seed"],
        timescale=timescale,
        log_file=job["log"],
    )


if __name__ == "__main__":
    main(sys.argv[1])
