#!/usr/bin/env python3
"""Metrics of cells by SciPy, for tests/eval: writes metrics.json beside this file. Needs numpy and scipy.

A network of one tanh unit gives the mixture at each point; everything below is done in double by SciPy's distributions,
root finding and quadrature, none of it by the formulas of the C code."""
import json
import os

import numpy as np
from scipy import integrate, optimize, stats

K = 2
SCALE, FLOOR = 0.02, 1e-4
MEAN, SD = np.array([10.0, 2.0]), np.array([4.0, 0.5])
# hidden kernel [2, 1], bias [1]; then kernel [1, K] and bias [K] of heads w, a, b
HEADS = {
    "weibull": [[0.4, -0.2], [0.1, -0.3], [0.3, -0.2], [0.5, 1.0], [0.4, 0.8], [-0.2, 0.9]],
    "gamma": [[0.4, -0.2], [0.1, -0.3], [0.3, -0.2], [0.8, 1.9], [0.4, 0.8], [-0.2, 0.9]],
    "lognormal": [[0.4, -0.2], [0.1, -0.3], [0.3, -0.2], [-0.9, -0.6], [0.4, 0.8], [-0.2, 0.9]],
    "normal": [[0.4, -0.2], [0.1, -0.3], [0.3, -0.2], [-0.9, -1.2], [0.4, 0.1], [1.9, 3.1]],
}


def parameters(family):
    return np.concatenate([[0.8, 0.3, 0.1]] + HEADS[family]).astype(np.float32)


class Mixture:
    def __init__(self, family, x):
        p = parameters(family).astype(float)
        h = np.tanh(((x - MEAN) / SD) @ p[:2] + p[2])
        w, a, b = [h * p[3 + 4 * i:5 + 4 * i] + p[5 + 4 * i:7 + 4 * i] for i in range(3)]
        self.weight = np.exp(w) / np.exp(w).sum()
        self.parts = [self.part(family, np.exp(a[k]), b[k]) for k in range(K)]

    @staticmethod
    def part(family, first, b):
        if family == "weibull":
            return stats.weibull_min(first, scale=SCALE * np.exp(b))
        if family == "gamma":
            return stats.gamma(first, scale=SCALE * np.exp(b) / first)
        if family == "lognormal":
            return stats.lognorm(first, scale=SCALE * np.exp(b))
        return stats.norm(SCALE * b, SCALE * first)

    def cdf(self, y):
        return sum(w * p.cdf(y) for w, p in zip(self.weight, self.parts))

    def sf(self, y):
        return sum(w * p.sf(y) for w, p in zip(self.weight, self.parts))

    def logpdf(self, y):
        return np.logaddexp.reduce([np.log(w) + p.logpdf(y) for w, p in zip(self.weight, self.parts)])

    def quantile(self, q):
        low = min(p.ppf(q) for p in self.parts)
        high = max(p.ppf(q) for p in self.parts)
        if low == high:
            return low
        return optimize.brentq(lambda y: self.cdf(y) - q, low, high, xtol=1e-300, rtol=1e-14)

    def draw(self, rng, n):
        pick = rng.choice(K, size=n, p=self.weight)
        return np.array([self.parts[k].rvs(random_state=rng) for k in pick])

    def ends(self):
        return min(p.ppf(1e-18) for p in self.parts), max(p.isf(1e-18) for p in self.parts)


def quad(f, a, b):
    return integrate.quad(f, a, b, epsabs=1e-15, epsrel=1e-11, limit=500)[0] if a < b else 0.0


def pieces(f, a, b, mixture):
    """Quadrature between quantiles of the mixture, so that no step is missed."""
    cuts = sorted({a, b} | {q for p in mixture.parts for u in (1e-9, 1e-4, .01, .1, .3, .5, .7, .9, .99, .9999, 1 - 1e-9)
                            for q in [p.ppf(u)] if a < q < b})
    return sum(quad(f, u, v) for u, v in zip(cuts, cuts[1:]))


def wasserstein(mixture, y):
    low, high = mixture.ends()
    total = pieces(mixture.cdf, low, y[0], mixture) + pieces(mixture.sf, y[-1], high, mixture)
    for i in range(len(y) - 1):
        a, b, level = y[i], y[i + 1], (i + 1) / len(y)
        if a == b:
            continue
        cut = b
        if mixture.cdf(a) < level < mixture.cdf(b):
            cut = optimize.brentq(lambda t: mixture.cdf(t) - level, a, b, rtol=1e-14)
        for u, v in ((a, cut), (cut, b)):
            total += abs(pieces(lambda t: mixture.cdf(t) - level, u, v, mixture)) if u < v else 0
    return total / y.mean()


def crps(mixture, y):
    low, high = mixture.ends()
    return (pieces(lambda t: mixture.cdf(t) ** 2, min(low, y), y, mixture)
            + pieces(lambda t: mixture.sf(t) ** 2, y, max(high, y), mixture))


def block_floor(y, resamples=20000):
    """Median KS of resampled circular blocks against the rows' own distribution; here by NumPy's generator."""
    rng, n = np.random.default_rng(7), len(y)
    block = min(32, max(1, n // 4))
    values, place = np.unique(y, return_inverse=True)
    own = np.cumsum(np.bincount(place)) / n
    ks = []
    for _ in range(resamples):
        starts = rng.integers(n, size=-(-n // block))
        rows = ((starts[:, None] + np.arange(block)) % n).ravel()[:n]
        ks.append(np.abs(np.cumsum(np.bincount(place[rows], minlength=len(values))) / n - own).max())
    return float(np.median(ks))


def cell(family, name, x, y):
    at = np.array([sum(x[:, j]) / len(x) for j in range(2)])
    mixture = Mixture(family, at)
    s = np.sort(y)
    d = y - y.mean()
    r = float((d[1:] * d[:-1]).sum() / (d * d).sum()) if (d * d).sum() > 0 else 0.0
    seen = y if family == "normal" else np.maximum(y, FLOOR)
    rows = {tuple(u): Mixture(family, u) for u in x}
    observed = [float(np.quantile(y, q)) for q in (0.5, 0.95, 0.99)]
    predicted = [float(mixture.quantile(q)) for q in (0.5, 0.95, 0.99)]
    pit = [float(rows[tuple(u)].cdf(v)) for u, v in zip(x, y)]
    return {
        "name": name, "x": x.ravel().tolist(), "y": y.tolist(), "mean": at.tolist(),
        "ks": float(stats.kstest(y, mixture.cdf).statistic),
        "ks_floor": float(stats.kstwo.median(len(y))) if abs(r) <= 0.1 else block_floor(y),
        "autocorrelation": r, "w1": float(wasserstein(mixture, s)),
        "observed": observed, "predicted": predicted,
        "error": [abs(p - o) / o for p, o in zip(predicted, observed)],
        "nll": float(-np.mean([rows[tuple(u)].logpdf(v) for u, v in zip(x, seen)])),
        "crps": float(np.mean([crps(rows[tuple(u)], v) for u, v in zip(x, y)])),
        "pit": np.bincount([min(int(p * 20), 19) for p in pit], minlength=20).tolist(),
    }


def cells(family, seed):
    rng = np.random.default_rng(seed)
    point = np.array([12.0, 2.0])
    one = np.tile(point, (60, 1))
    other = np.array([[8.0, 2.0], [12.0, 2.0], [17.5, 3.0]])
    several = other[rng.integers(3, size=60)]
    good = Mixture(family, point).draw(rng, 60)
    several_y = np.abs([Mixture(family, u).draw(rng, 1)[0] for u in several])
    waves = np.abs(Mixture(family, point).quantile(0.5) * (1 + 0.5 * np.sin(np.arange(200) / 9) + 0.1 * rng.normal(size=200)))
    tied = np.round(np.abs(good), 2) + 0.01
    tied[:3] = 0.0
    return [
        cell(family, "draws of the model at one point", one, np.abs(good)),
        cell(family, "draws at three points", several, several_y),
        cell(family, "ten times as long", one[:40], np.abs(good[:40]) * 10),
        cell(family, "ties and zeros", one, tied),
        cell(family, "neighbours alike", np.tile(point, (200, 1)), waves),
        cell(family, "one row", one[:1], np.abs(good[:1])),
    ]


def main():
    document = {
        "scale": SCALE, "floor": FLOOR, "mean": MEAN.tolist(), "sd": SD.tolist(), "components": K,
        "hull": [4.0, 1.0, 18.0, 1.0, 18.0, 4.0, 4.0, 4.0],
        "ks_floor": {str(n): float(stats.kstwo.median(n)) for n in (1, 2, 3, 4, 5, 8, 13, 32, 100, 200, 300, 1000, 10000)},
        "families": [{"family": f, "params": parameters(f).astype(float).tolist(), "cells": cells(f, 11 + i)}
                     for i, f in enumerate(HEADS)],
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json")
    with open(path, "w", encoding="ascii") as out:
        json.dump(document, out, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
