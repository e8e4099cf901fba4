"""``python -m bnn_hw.verify``: the verb ``verify`` of ``bnn-hw`` under its other name."""

import sys

from bnn_hw.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["verify", *sys.argv[1:]]))
