#!/usr/bin/env python3
"""Writes importance.txt, the truths of tests/search/test_importance.c: Pearson divergences as kt/importance.h defines them, by SciPy's quadrature.

A line: values n place... divergence. Places are in the order of trials, the best first; nan: without the option.

    pip install numpy==2.* scipy==1.*
    python3 tests/golden/make_importance.py tests/golden
"""
import os
import sys

import numpy as np
from scipy import integrate, stats


def of_any(x, best):
    width = max(1 / 32, 1.06 * np.std(x, ddof=1) * best**-0.2)
    kernels = [stats.truncnorm(-v / width, (1 - v) / width, loc=v, scale=width) for v in x]
    density = lambda some: lambda t: sum(k.pdf(t) for k in some) / len(some)
    p_all, p_best = density(kernels), density(kernels[:best])
    integrand = lambda t: (p_best(t) / p_all(t) - 1) ** 2 * p_all(t)
    return integrate.quad(integrand, 0, 1, limit=400, points=np.linspace(0, 1, 9)[1:-1])[0]


def of_values(x, best, values):
    cell = np.minimum((x * values).astype(int), values - 1)
    p_all = np.bincount(cell, minlength=values) / len(x)
    p_best = np.bincount(cell[:best], minlength=values) / best
    kept = p_all > 0
    return stats.chisquare(p_best[kept], p_all[kept]).statistic


def line(x, values):
    there = x[~np.isnan(x)]
    best = -(-len(there) // 4)
    d = of_values(there, best, values) if values else of_any(there, best)
    return " ".join([str(values), str(len(x))] + [f"{v:.17g}" for v in x] + [f"{d:.17g}"])


rng = np.random.default_rng(7)
lines = []
for n in (8, 13, 40, 90):
    even = rng.uniform(size=n)
    lines.append(line(even, 0))
    lines.append(line(np.sort(even), 0))  # the best have the smallest values
    lines.append(line(np.clip(0.02 * rng.normal(size=n) + 0.01, 0, 1), 0))  # narrow, at an end
    some = np.where(rng.uniform(size=n) < 0.3, np.nan, even)
    some[:6] = even[:6]
    lines.append(line(np.concatenate([some, even[:4]]), 0))
    for values in (2, 5):
        lines.append(line((rng.integers(values, size=n) + 0.5) / values, values))
        lines.append(line((np.arange(n) * values // n + 0.5) / values, values))
with open(os.path.join(sys.argv[1], "importance.txt"), "w") as out:
    out.write("\n".join(lines) + "\n")
