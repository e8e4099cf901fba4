"""The command line ``bnn-hw``: parses, calls one station, prints; nothing is computed here.

Stands above every other package and is imported by none. torch, wfdb and the simulators are
imported only by the verb that needs them.
"""

from bnn_hw.cli.main import main

__all__ = ["main"]
