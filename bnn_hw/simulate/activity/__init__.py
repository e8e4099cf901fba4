"""Toggle counts of every cell of the RTL, on real samples, back to back and at low rate.

Beside the checks of a build folder. Reads its ``rtl`` folder and samples; gives how many bits change at the
clock's edges, cell by cell, and whether the clock may stand still between samples. ``counts`` is what was
counted in one run, ``counting`` runs Verilator, ``measurement`` makes the runs of a build and keeps them.
Counts are zero-delay counts of the RTL: they hold no glitch, no clock net, and no energy.
"""
