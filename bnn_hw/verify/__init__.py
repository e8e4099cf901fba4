"""Verify: one network, many levels, one answer: torch = golden = C++ = RTL, by equality alone.

Stands after generate and simulate. Reads a frozen network, a build folder, fragments and, where it
is at hand, the checkpoint; gives a verdict a level. It writes nothing; the command line and the
report do.
"""
