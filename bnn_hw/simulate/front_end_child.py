"""Runs one front end in a process of its own, since both can end or flood the process they run in.

Called by :mod:`bnn_hw.simulate.lint` as a script, without bnn_hw on its path:
``front_end_child.py slang|yosys TOP FILE...``. Prints what the front end prints; the last line is
``front end done`` only if it got to the end.
"""

from __future__ import annotations

import sys
from pathlib import Path


def slang(top: str, files: list[str]) -> bool:
    """Elaborate and analyse with slang's default warnings; True without errors."""
    from pyslang import driver

    front_end = driver.Driver()
    front_end.addStandardArgs()
    command = " ".join(f'"{word}"' for word in ["slang", "--top", top, *files])
    return bool(
        front_end.parseCommandLine(command)
        and front_end.processOptions()
        and front_end.parseAllSources()
        and front_end.runFullCompilation(False)
    )


def yosys(top: str, files: list[str]) -> bool:
    """Read with read_slang, then hierarchy, proc and check; ends the process on an error."""
    from pyosys import libyosys

    for name in (top, *files):
        if any(ch in ' \t\n";#\\' for ch in name):
            print(f"ERROR: {name!r} can't be given to Yosys; use a path without blanks and quotes")
            return False
    design = libyosys.Design()
    # one thread: with more, read_slang may print its messages in another order each time
    design.run_pass(f"read_slang --threads 1 --top {top} {' '.join(files)}")
    design.run_pass(f"hierarchy -check -top {top}")
    design.run_pass("proc")
    design.run_pass("check")
    return True


def main(arguments: list[str]) -> int:
    """Run the named front end; exit status 0 when it found no error."""
    name, top, *files = arguments
    passed = {"slang": slang, "yosys": yosys}[name](top, [str(Path(file)) for file in files])
    sys.stdout.flush()
    print("front end done", flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
