#!/usr/bin/env python3
"""Make load-test data with a known truth, for training and testing kt-train.

Five services with different base-time laws are offered Poisson arrivals of `rps` requests per second, split at random over `rep`
replicas; every replica serves one request at a time, first come first served. One (load step, rep) pair is a cell.

  python3 make_queue_data.py OUT [--mode queue|proc] [--seed 1] [--requests 300] [--truth-requests 200000]

writes, for every service S,
  OUT/S.csv       rps_eff,rep,proc_time_S,cell   one row a request, in order of arrival, cell after cell; seconds
  OUT/cells.csv   service,cell,rps,rep,utilisation,first_row,rows,mean,p50,p95,p99,p999
                  the cells (rows of S.csv counted from 0) and the truth, taken from an independent long run; seconds

mode queue: proc_time is wait + service. mode proc: service only (the queue removed), same arrivals.
rps_eff is 1 / (mean inter-arrival time over consecutive groups of 8 rows of the cell), so it is a noisy reading of rps.
Contention: a service whose replicas are used u of the time (before contention) takes 1 + c u^2 times its base time.
Load steps are set from each service's own capacity, so that all services have the same 49 stable cells, 2 % to 95 % utilisation.
Same seed, same bytes (for one NumPy version). Needs NumPy only.
"""
import argparse
import os

import numpy as np

GROUP = 8  # requests in one rps_eff reading
LEVELS = 12
REPS = (1, 2, 3, 4, 5)
TOP = 0.95  # utilisation of the busiest stable cell
LOWEST = 0.02  # the lowest load step, as a part of the highest


def weibull(g, n):
    """Weibull, k = 1.5, mean 1."""
    return g.weibull(1.5, n) / 0.9027452929509336


def lognormal(g, n):
    """Lognormal, sigma 0.5, mean 1."""
    return np.exp(0.5 * g.standard_normal(n) - 0.125)


def cache(g, n):
    """Cache: 85 % hits near 0.353, 15 % misses near 4.67; mean 1."""
    miss = g.random(n) < 0.15
    z = g.standard_normal(n)
    return np.where(miss, 14.0 / 3.0 * np.exp(0.30 * z - 0.045), 0.3 / 0.85 * np.exp(0.25 * z - 0.03125))


def fixed(g, n):
    """Nearly constant: a fixed time plus a half-normal jitter of a few percent; mean 1."""
    return (1.0 + 0.03 * np.abs(g.standard_normal(n))) / 1.0239365368240858


def pareto(g, n):
    """Heavy tail: Pareto, alpha = 3, with a 10 % lognormal blur of its edge; mean 1."""
    return np.exp(g.standard_exponential(n) / 3.0 + 0.1 * g.standard_normal(n) - 0.005) / 1.5


# name: (law of mean 1, mean time in seconds, contention c)
SERVICES = {
    "cart": (weibull, 0.008, 0.3),
    "auth": (lognormal, 0.020, 0.0),
    "catalog": (cache, 0.012, 0.2),
    "currency": (fixed, 0.002, 0.1),
    "recommend": (pareto, 0.060, 0.4),
}


def top_load(c):
    """Base utilisation u at which u (1 + c u^2) reaches TOP."""
    u = TOP
    for _ in range(60):
        u -= (u * (1.0 + c * u * u) - TOP) / (1.0 + 3.0 * c * u * u)
    return u


def cells(mean, c):
    """(rps, rep, base utilisation) of the stable cells."""
    top = top_load(c)
    steps = top * max(REPS) / mean * LOWEST ** (1.0 - np.arange(LEVELS) / (LEVELS - 1.0))
    return [(rps, rep, rps * mean / rep) for rep in REPS for rps in steps if rps * mean / rep <= top * (1.0 + 1e-9)]


def run(g, law, mean, c, rps, rep, n, wait):
    """n consecutive requests of one cell in its steady state: (inter-arrival times, response times)."""
    u = rps * mean / rep
    warm = int(min(200000, 2000 / (1.0 - min(u * (1.0 + c * u * u), TOP)) ** 1.5))
    gap = g.standard_exponential(warm + n) / rps
    service = law(g, warm + n) * mean * (1.0 + c * u * u)
    if not wait:
        g.integers(rep, size=warm + n)  # keeps the draws of the two modes aligned
        return gap[warm:], service[warm:]
    at = np.cumsum(gap)
    pod = g.integers(rep, size=warm + n)
    out = np.empty(warm + n)
    for r in range(rep):
        i = np.flatnonzero(pod == r)
        if i.size:  # Lindley: wait = sum of (service - gap) above its running minimum
            walk = np.concatenate(([0.0], np.cumsum(service[i[:-1]] - np.diff(at[i]))))
            out[i] = walk - np.minimum.accumulate(walk) + service[i]
    return gap[warm:], out[warm:]


def rps_eff(gap):
    """1 / mean inter-arrival time over groups of GROUP rows (a short last group joins the one before)."""
    n = gap.size
    group = np.minimum(np.arange(n) // GROUP, max(n // GROUP - 1, 0))
    return (np.bincount(group) / np.bincount(group, gap))[group]


def draw(seed, s, i, stream, law, mean, c, rps, rep, n, wait):
    """n requests of cell i of service s, counted from 0. Streams are independent: 0 is the data, 1 the truth."""
    g = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, s, i, stream))))
    return run(g, law, mean, c, rps, rep, n, wait)


def make(seed, requests, truth_requests, wait, services=None):
    """Yields (service, cell, rps, rep, utilisation, rps_eff[], time[], truth[])."""
    services = services or SERVICES
    for s, (name, (law, mean, c)) in enumerate(services.items()):
        for i, (rps, rep, u) in enumerate(cells(mean, c)):
            gap, y = draw(seed, s, i, 0, law, mean, c, rps, rep, requests, wait)
            truth = draw(seed, s, i, 1, law, mean, c, rps, rep, truth_requests, wait)[1]
            yield name, i, rps, rep, u * (1.0 + c * u * u), rps_eff(gap), y, truth


def main(argv=None, services=None):
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out")
    p.add_argument("--mode", choices=("queue", "proc"), default="queue")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--requests", type=int, default=300, help="rows in a cell")
    p.add_argument("--truth-requests", type=int, default=200000, help="length of the run that the truth is taken from")
    a = p.parse_args(argv)
    if a.requests < 1 or a.truth_requests < 1000:
        p.error("--requests must be at least 1, --truth-requests at least 1000")
    os.makedirs(a.out, exist_ok=True)
    rows, at = {}, {}
    with open(os.path.join(a.out, "cells.csv"), "w") as f:
        f.write("service,cell,rps,rep,utilisation,first_row,rows,mean,p50,p95,p99,p999\n")
        for name, i, rps, rep, use, x, y, t in make(a.seed, a.requests, a.truth_requests, a.mode == "queue", services):
            q = ",".join("%.9g" % v for v in (t.mean(), *np.quantile(t, (0.5, 0.95, 0.99, 0.999))))
            f.write("%s,%d,%.9g,%d,%.4f,%d,%d,%s\n" % (name, i, rps, rep, use, at.get(name, 0), y.size, q))
            at[name] = at.get(name, 0) + y.size
            rows.setdefault(name, []).extend("%.9g,%d,%.9g,%d\n" % (u, rep, v, i) for u, v in zip(x, y))
    for name, lines in rows.items():
        with open(os.path.join(a.out, name + ".csv"), "w") as f:
            f.write("rps_eff,rep,proc_time_%s,cell\n" % name)
            f.writelines(lines)


if __name__ == "__main__":
    main()
