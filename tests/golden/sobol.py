#!/usr/bin/env python3
"""Points of Sobol's sequence by SciPy: tests/golden/sobol.txt. Needs SciPy.

A line for each point: its number, then 32 coordinates times 2^32.
"""
import pathlib

from scipy.stats import qmc

DIMENSIONS, POINTS = 32, [0, 1, 2, 3, 4, 5, 6, 7, 100, 1000, 4095]

if __name__ == "__main__":
    points = qmc.Sobol(DIMENSIONS, scramble=False, bits=32).random(4096)
    lines = ["%d %s" % (i, " ".join("%d" % (x * 2**32) for x in points[i])) for i in POINTS]
    (pathlib.Path(__file__).parent / "sobol.txt").write_text("\n".join(lines) + "\n")
