#!/usr/bin/env python3
"""How near kt-train's models come to a known truth, on data of make_queue_data.py.

Five services of 49 load cells of 300 requests, with queues (q) and without (p). Twelve or ten cells of a service are left
out of what kt-train is given, by one of two draws; at least 8 of them are interior (inside the hull of the other cells'
mean rates and replicas):
  plain     a fifth of the cells, at random
  busy      12 cells, so that a third of the interior ones is above utilisation 0.5. That takes 4 of a service's 8 to 10
            busy cells out of training, and what is left beside them lies a factor of 1.45 or more away
Every such cell is then judged by what no sample of it can tell:
  KS, p95   the model asked once at the cell's (mean rps_eff, rep), against an independent run of 200,000 requests
  gap       mean over the cell's 300 rows of the model's NLL less that of the cell's true law, a histogram of another
            independent run of 1,000,000 requests
The row "300 requests" tells how near the cell's own 300 requests, had they been measured, are to the truth.
The generator's rps_eff is read off 8 requests and spreads by a factor of 3; --rates cell (default) has kt-train use each
cell's mean (--rps-eff cell), --rates column the rows' own.
The models' answers are computed here, in NumPy, from the archive's numbers, and compared with those of kt predict and
kt evaluate.
"""
import argparse
import csv
import io
import json
import multiprocessing

import common

if __name__ == "__main__":
    common.enter("numeric")

import numpy as np
from scipy.spatial import ConvexHull

import make_queue_data as queue
import models

KINDS = {"q": "queue", "p": "proc"}
DATA_SEED = 1
TRUTH_STREAM, LAW_STREAM = 1, 2
TRUTH, KEPT = 200_000, 20_000  # requests; order statistics of them that F is compared at
LAW, BINS = 1_000_000, 2_000  # requests; bins of equal width in log y between the smallest and the largest

# To be reached on interior cells: (quantity, kind) -> bound.
TARGETS = {
    ("KS", "q"): 0.028,
    ("KS", "p"): 0.020,
    ("within", "q"): 0.95,
    ("within", "p"): 0.95,
    ("p95", "q"): 0.045,
    ("p95", "p"): 0.020,
}
GAP_TARGETS = {("weibull", "q"): 0.028, ("weibull", "p"): 0.034, ("gamma", "q"): 0.020, ("gamma", "p"): 0.026}
ABOVE_SEED = 0.005
LEAST_INTERIOR = 8  # held-out cells of a service
BUSY, LEAST_BUSY = 0.5, 1 / 3  # utilisation; share of the interior cells above it in the draw "busy"
DRAWS = {"plain": (10, 0), "busy": (12, 4)}  # held-out cells of a service, and busy ones where that is forced


# ---- the data and their truth ----


def data_folder(kind):
    folder = common.CACHE / ("data-%s" % kind)
    if not (folder / "cells.csv").exists():
        queue.main([str(folder), "--mode", KINDS[kind], "--seed", str(DATA_SEED)])
    return folder


class Data:
    """Rows (rps_eff, rep, seconds, cell) and cells of each service, and what the splits hold out of them."""

    def __init__(self, kind, draw, seeds, rates):
        folder = data_folder(kind)
        self.kind, self.draw = kind, draw
        self.rows = {s: np.loadtxt(folder / (s + ".csv"), delimiter=",", skiprows=1) for s in queue.SERVICES}
        with open(folder / "cells.csv") as f:
            lines = list(csv.DictReader(f))
        self.cells = {s: [line for line in lines if line["service"] == s] for s in queue.SERVICES}
        self.held_out, self.folder = {}, {}
        for seed in seeds:
            self.held_out[seed] = {s: draw_split(draw, seed, s, self.rows[s], self.cells[s]) for s in queue.SERVICES}
            self.folder[seed] = write_split(kind, draw, seed, self.rows, self.held_out[seed])
        if rates == "cell":
            for rows in self.rows.values():
                for cell in np.unique(rows[:, 3]):
                    rows[rows[:, 3] == cell, 0] = rows[rows[:, 3] == cell, 0].mean()

    def means(self, service, seed):
        """Mean (rps_eff, rep) of the training cells."""
        rows, n = self.rows[service], len(self.cells[service])
        trained = set(range(n)) - self.held_out[seed][service]
        return np.array([rows[rows[:, 3] == c, :2].mean(axis=0) for c in sorted(trained)])


def make_truth(key):
    """KEPT order statistics of one run, its p95, and the histogram of log y of another run."""
    kind, service, cell = key
    path = common.CACHE / "truth" / ("%s-%s-%d.npz" % key)
    if path.exists():
        return
    law, mean, c = queue.SERVICES[service]
    s = list(queue.SERVICES).index(service)
    rps, rep, _ = queue.cells(mean, c)[cell]

    def requests(stream, n):
        return queue.draw(DATA_SEED, s, cell, stream, law, mean, c, rps, rep, n, kind == "q")[1]

    truth = np.sort(requests(TRUTH_STREAM, TRUTH))
    counts, edges = np.histogram(np.log(requests(LAW_STREAM, LAW)), BINS)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = truth[TRUTH // KEPT // 2 :: TRUTH // KEPT]
    np.savez(path, kept=kept, p95=np.quantile(truth, 0.95), counts=counts, edges=edges)


class Truth:
    def __init__(self, key):
        with np.load(common.CACHE / "truth" / ("%s-%s-%d.npz" % key)) as f:
            self.kept, self.p95 = f["kept"], float(f["p95"])
            self.edges, counts = f["edges"], f["counts"]
        width = self.edges[1] - self.edges[0]
        self.log_density = np.log((counts + 0.5) / (counts.sum() + 0.5 * BINS) / width)

    def nll(self, y):
        """Nats of each row; rows beyond the histogram count as in its outermost bin."""
        bin = np.clip(np.searchsorted(self.edges, np.log(y), "right") - 1, 0, BINS - 1)
        return np.log(y) - self.log_density[bin]

    def ks(self, f):
        """f: the model's F at self.kept. Exact but for 0.5 / KEPT."""
        return float(np.max(np.abs(f - (np.arange(KEPT) + 0.5) / KEPT)))


# ---- splits ----


def is_inside(corners, points):
    """Are points inside the convex hull of others, or on its edge?"""
    low, size = corners.min(axis=0), np.ptp(corners, axis=0)
    planes = ConvexHull((corners - low) / size).equations
    return np.all(((points - low) / size) @ planes[:, :-1].T + planes[:, -1] <= 1e-9, axis=1)


def draw_split(draw, seed, service, rows, cells):
    """The held-out cells of a service, drawn anew until enough of them are interior, and of these busy."""
    held_out, busy_ones = DRAWS[draw]
    means = np.array([rows[rows[:, 3] == c, :2].mean(axis=0) for c in range(len(cells))])
    busy = np.array([float(c["utilisation"]) > BUSY for c in cells])
    g = np.random.default_rng((seed, list(queue.SERVICES).index(service)))
    while True:
        chosen = np.zeros(len(cells), bool)
        if busy_ones:
            chosen[g.choice(np.flatnonzero(busy), busy_ones, replace=False)] = True
            chosen[g.choice(np.flatnonzero(~busy), held_out - busy_ones, replace=False)] = True
        else:
            chosen[g.choice(len(cells), held_out, replace=False)] = True
        interior = chosen.copy()
        interior[chosen] = is_inside(means[~chosen], means[chosen])
        if interior.sum() >= LEAST_INTERIOR and (not busy_ones or busy[interior].mean() >= LEAST_BUSY):
            return set(np.flatnonzero(chosen))


def write_split(kind, draw, seed, rows, held_out):
    """Two folders of CSV: what is trained on and what is held out."""
    source, folder = data_folder(kind), common.CACHE / ("split-%s-%s-%d" % (kind, draw, seed))
    for part in ("train", "held-out"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for service in rows:
            head, *lines = (source / (service + ".csv")).read_text().splitlines(keepends=True)
            chosen = [l for l, r in zip(lines, rows[service]) if (r[3] in held_out[service]) == (part == "held-out")]
            (folder / part / (service + ".csv")).write_text(head + "".join(chosen))
    return folder


# ---- runs and what is measured of them ----


def train(bin, data, seed, name, options):
    """({service: model}, the archive)"""
    folder = common.CACHE / "runs" / ("%s-%s-%s-%d" % (data.kind, data.draw, name, seed))
    command = [bin / "kt-train", data.folder[seed] / "train", "--out", folder, "--seed", seed, "--test-cells", 0]
    command += options
    common.run([*command, "--fresh", "--quiet"])
    return models.read(folder / "models.h5"), folder / "models.h5"


def judge(data, seed, found):
    """One record a held-out cell."""
    records, kind = [], data.kind
    for service, model in found.items():
        rows, cells = data.rows[service], data.cells[service]
        for cell in sorted(data.held_out[seed][service]):
            own = rows[rows[:, 3] == cell]
            point, truth = own[:, :2].mean(axis=0), Truth((kind, service, cell))
            measured = np.sort(own[:, 2])
            nll = float(model.nll(own[:, :2], own[:, 2]).mean())
            records.append(
                {
                    "kind": kind,
                    "seed": seed,
                    "service": service,
                    "cell": cell,
                    "point": point,
                    "use": float(cells[cell]["utilisation"]),
                    "interior": bool(is_inside(data.means(service, seed), point[None])[0]),
                    "nll": nll,
                    "gap": nll - float(truth.nll(own[:, 2]).mean()),
                    "KS": truth.ks(model.cdf(point, truth.kept)),
                    "p95": abs(model.quantile(point, 0.95) / truth.p95 - 1),
                    "quantile": model.quantile(point, 0.95),
                    "own KS": truth.ks(np.searchsorted(measured, truth.kept, "right") / measured.size),
                    "own p95": abs(np.quantile(measured, 0.95) / truth.p95 - 1),
                }
            )
    return records


def mixtures_beside_kt(bin, archive, found, records):
    """The largest relative difference between kt predict's and NumPy's mixtures at the cells' points."""
    worst = 0.0
    for service, model in found.items():
        points = np.array([r["point"] for r in records if r["service"] == service])
        path = common.CACHE / "points.csv"
        path.write_text("rps_eff,rep\n" + "".join("%.17g,%.17g\n" % tuple(p) for p in points))
        command = [bin / "kt", "predict", archive, "--service", service, "--points", path]
        told = list(csv.DictReader(io.StringIO(common.run(command)[0])))
        for part, own in zip(("weight", "concentration", "scale"), model.mixture(points)):
            other = np.array([[float(t["%s_%d" % (part, j)]) for j in range(model.components)] for t in told])
            size = np.abs(own) if part != "weight" else 1.0
            worst = max(worst, float(np.max(np.abs(other - own) / size)))
    return worst


def scores_beside_kt(bin, archive, folder, rates, records):
    """Largest differences between kt evaluate and this file: NLL in nats, p95 relative; cells it puts elsewhere."""
    told = json.loads(common.run([bin / "kt", "evaluate", archive, folder / "held-out", "--rps-eff", rates, "--json"])[0])
    told = {(s["service"], int(c["cell"].split(":")[-1])): c for s in told["services"] for c in s["cells"]}
    assert len(told) == len(records) and all(c["role"] == "new data" for c in told.values())
    pairs = [(r, told[r["service"], r["cell"]]) for r in records]
    return (
        max(abs(r["nll"] - c["nll"]) for r, c in pairs),
        max(abs(c["predicted"]["p95"] / r["quantile"] - 1) for r, c in pairs),
        sum(r["interior"] != c["interior"] for r, c in pairs),
    )


# ---- what is printed ----


def verdict(value, target, above=False):
    if target is None:
        return "-"
    return "%s %s" % ("%g" % target, "met" if (value >= target if above else value <= target) else "MISSED")


def summary(records, kind, interior):
    chosen = [r for r in records if r["kind"] == kind and r["interior"] == interior]
    return {
        "cells": len(chosen),
        "KS": float(np.median([r["KS"] for r in chosen])),
        "within": float(np.mean([r["KS"] < 0.1 for r in chosen])),
        "p95": float(np.median([r["p95"] for r in chosen])),
        "gap": float(np.mean([r["gap"] for r in chosen])),
        "gap median": float(np.median([r["gap"] for r in chosen])),
        "own KS": float(np.median([r["own KS"] for r in chosen])),
        "own within": float(np.mean([r["own KS"] < 0.1 for r in chosen])),
        "own p95": float(np.median([r["own p95"] for r in chosen])),
    }


def print_summaries(family, records, targets):
    rows = []
    for interior in (True, False):
        for kind in KINDS:
            if not any(r["kind"] == kind and r["interior"] == interior for r in records):
                continue
            s = summary(records, kind, interior)
            goal = {k: targets.get((k, kind)) if interior else None for k in ("KS", "within", "p95")}
            gap = GAP_TARGETS.get((family, kind)) if interior else None
            rows.append(
                [
                    "interior" if interior else "extrapolation",
                    kind,
                    s["cells"],
                    "%.4f" % s["KS"],
                    verdict(s["KS"], goal["KS"]),
                    "%.3f" % s["within"],
                    verdict(s["within"], goal["within"], above=True),
                    "%.4f" % s["p95"],
                    verdict(s["p95"], goal["p95"]),
                    "%.4f" % s["gap"],
                    verdict(s["gap"], gap),
                    "%.4f" % s["gap median"],
                ]
            )
            if targets and interior:
                own = ["%.4f" % s["own KS"], "", "%.3f" % s["own within"], "", "%.4f" % s["own p95"], ""]
                rows.append(["  300 requests", kind, s["cells"], *own, "0", "", ""])
    head = ["cells", "kind", "n", "KS", "target", "KS<0.1", "target", "p95 err", "target", "gap", "target", "median"]
    print("%s: KS and p95 error are medians over cells, gap is their mean, nats a row" % family)
    common.print_table(head, rows)
    return not any("MISSED" in str(c) for row in rows for c in row)


def by_service(records, kind, service, seed=None):
    chosen = [r for r in records if r["kind"] == kind and r["service"] == service and r["interior"]]
    return [r for r in chosen if seed is None or r["seed"] == seed]


def print_services(family, records, seeds):
    rows = []
    for kind in KINDS:
        for service in queue.SERVICES:
            chosen = by_service(records, kind, service)
            if not chosen:
                continue
            rows.append(
                [
                    service,
                    kind,
                    len(chosen),
                    "%.4f" % np.median([r["KS"] for r in chosen]),
                    "%.3f" % max(r["KS"] for r in chosen),
                    "%.4f" % np.median([r["p95"] for r in chosen]),
                    *("%.4f" % np.mean([r["gap"] for r in by_service(records, kind, service, s)]) for s in seeds),
                ]
            )
    print("%s by service, interior cells" % family)
    common.print_table(["service", "kind", "n", "KS", "worst", "p95 err", *("gap, split %d" % s for s in seeds)], rows)


def print_beside_seed(family, records, original, seeds):
    """Mean NLL of each service on its interior rows, less that of the original's recipe on the same split."""
    rows, ok = [], True
    for kind in KINDS:
        for service in queue.SERVICES:
            if not by_service(records, kind, service):
                continue
            difference = [
                np.mean([r["nll"] for r in by_service(records, kind, service, s)])
                - np.mean([r["nll"] for r in by_service(original, kind, service, s)])
                for s in seeds
            ]
            ok = ok and max(difference) <= ABOVE_SEED
            rows.append([service, kind, *("%+.4f" % d for d in difference), verdict(max(difference), ABOVE_SEED)])
    print("%s: mean NLL less that of --recipe seed on the same split" % family)
    common.print_table(["service", "kind", *("split %d" % s for s in seeds), "at most"], rows)
    return ok


def print_split(draw, records):
    """Are there enough interior cells, and enough busy ones? (One family's records: splits do not depend on it.)"""
    rows = []
    for kind in KINDS:
        for seed in sorted({r["seed"] for r in records if r["kind"] == kind}):
            chosen = [by_service(records, kind, service, seed) for service in queue.SERVICES]
            counts = " ".join(str(len(c)) for c in chosen)
            rows.append([kind, seed, counts, " ".join("%.2f" % np.mean([r["use"] > BUSY for r in c]) for c in chosen)])
    print("draw %s: interior held-out cells by service, and the share of them above utilisation %g" % (draw, BUSY))
    common.print_table(["kind", "split", "cells", "share"], rows)


# ---- all of it ----


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--family", nargs="+", default=["weibull", "gamma"], help="weibull gamma lognormal")
    p.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3], help="of the splits and the training")
    p.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=list(KINDS))
    p.add_argument("--draws", nargs="+", choices=tuple(DRAWS), default=list(DRAWS))
    p.add_argument("--rates", choices=("cell", "column"), default="cell", help="of rows: their cell's, or their own")
    p.add_argument("--no-seed-recipe", action="store_true", help="leave the comparison with --recipe seed out")
    p.add_argument("--check", action="store_true", help="end with 1 where a target is missed")
    p.add_argument("--train", nargs=argparse.REMAINDER, default=[], help="further options, for kt-train")
    return p.parse_args()


def every_truth(data):
    """Puts the truth of every held-out cell in the cache."""
    keys = {(d.kind, s, c) for d in data for h in d.held_out.values() for s in h for c in h[s]}
    with multiprocessing.Pool() as pool:
        pool.map(make_truth, sorted(keys), chunksize=4)


def print_checks(family, checks):
    print("%s, NumPy beside kt predict: mixtures to %.1e; beside kt evaluate: NLL to %.1e nats, p95 to %.1e, "
          "%d cells inside or outside otherwise\n" % (family, *(max(c) for c in zip(*checks))))  # fmt: skip


def measure(a, bin, data, name, options):
    """(records, checks) of every kind and seed of one draw."""
    records, checks = [], []
    for kind in data:
        for seed in a.seeds:
            found, archive = train(bin, kind, seed, name, ["--rps-eff", a.rates, *options])
            new = judge(kind, seed, found)
            records += new
            scores = scores_beside_kt(bin, archive, kind.folder[seed], a.rates, new)
            checks.append((mixtures_beside_kt(bin, archive, found, new), *scores))
    return records, checks


def report(a, bin, draw, data):
    """Prints all of one draw. Were the targets met?"""
    ok, original = True, []
    if not a.no_seed_recipe:
        original, checks = measure(a, bin, data, "seed", ["--recipe", "seed"])
        print_summaries("--recipe seed", original, {})
        print_checks("--recipe seed", checks)
    for family in a.family:
        records, checks = measure(a, bin, data, family, ["--family", family, *a.train])
        if family == a.family[0]:
            print_split(draw, records)
        ok = print_summaries(family, records, TARGETS) and ok
        print_services(family, records, a.seeds)
        ok = (not original or print_beside_seed(family, records, original, a.seeds)) and ok
        print_checks(family, checks)
    return ok


def main():
    a = arguments()
    bin = common.programs()
    data = {draw: [Data(kind, draw, a.seeds, a.rates) for kind in a.kinds] for draw in a.draws}
    every_truth([d for kinds in data.values() for d in kinds])
    print("kt-train beside known truths; %s" % common.machine())
    print("splits %s, rates: %s%s" % (a.seeds, a.rates, "".join(" %s" % t for t in a.train)))
    print("truth: F at %d order statistics of %d requests; NLL by %d bins of equal width in log y, %d requests\n"
          % (KEPT, TRUTH, BINS, LAW))  # fmt: skip
    ok = [report(a, bin, draw, kinds) for draw, kinds in data.items()]
    raise SystemExit(1 if a.check and not all(ok) else 0)


if __name__ == "__main__":
    main()
