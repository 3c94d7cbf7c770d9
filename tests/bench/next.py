#!/usr/bin/env python3
"""Ten cells that kt next chooses, or ten at random: which teach a model more?

The five services of make_queue_data.py, with queues or without. Of a service's 49 load cells every fourth is kept for judging:
the same for all seeds, and nobody may choose them. A seed draws the data and BEGUN cells that are measured at first; of the
others BUDGET are added, once by kt next, which sees the first cells' run, once at random. Both are trained on all they have.
Judged by the mean NLL of the rows of the cells kept, averaged over services: chosen ones are to be better in LEAST of 10.
"""
import argparse
import csv
import json
import shutil
import sys

import common

if __name__ == "__main__":
    common.enter("numeric")

import numpy as np

import make_queue_data as queue

BEGUN, BUDGET, LEAST = 6, 10, 8
KINDS = {"q": "queue", "p": "proc"}
KEPT_FROM, KEPT_EACH = 2, 4  # cells 2, 6, 10 ... of a service are kept for judging


class Data:
    """Lines of each cell's rows, and the cells, by service."""

    def __init__(self, folder, kind, seed):
        queue.main([str(folder), "--mode", KINDS[kind], "--seed", str(seed), "--truth-requests", "1000"])
        with open(folder / "cells.csv", encoding="utf-8") as file:
            cells = list(csv.DictReader(file))
        self.cells = {s: [c for c in cells if c["service"] == s] for s in queue.SERVICES}
        self.header, self.lines = {}, {}
        for s in queue.SERVICES:
            self.header[s], *rows = (folder / (s + ".csv")).read_text().splitlines(keepends=True)
            self.lines[s] = [rows[int(c["first_row"]):int(c["first_row"]) + int(c["rows"])] for c in self.cells[s]]

    def write(self, folder, chosen):
        """A folder with the rows of the cells chosen[service]."""
        folder.mkdir(parents=True)
        for s in queue.SERVICES:
            (folder / (s + ".csv")).write_text(self.header[s] + "".join(sum((self.lines[s][c] for c in sorted(chosen[s])), [])))
        return folder


def train(programs, data, run, seed, test_cells):
    common.run([programs / "kt-train", data, "--out", run, "--seed", seed, "--rps-eff", "cell", "--test-cells", test_cells, "-q"])
    return run


def nll(programs, run, kept):
    """By service: mean over the rows of the cells kept."""
    document = json.loads(common.run([programs / "kt", "evaluate", run / "models.h5", kept, "--rps-eff", "cell", "--json"])[0])
    means = {}
    for s in document["services"]:
        rows = sum(k["rows"] for k in s["scores"])
        means[s["service"]] = sum(k["nll"] * k["rows"] for k in s["scores"]) / rows
    return means


def choose(programs, run, data, service, pool, scratch):
    """The cells of the pool that kt next names."""
    cells = data.cells[service]
    points = scratch / ("pool-%s.csv" % service)
    points.write_text("rps_eff,rep\n" + "".join("%s,%s\n" % (cells[c]["rps"], cells[c]["rep"]) for c in pool))
    plan = json.loads(common.run([programs / "kt", "next", run, "-s", service, "--points", points, "--budget", BUDGET,
                                  "--most-utilisation", 1000, "--json"])[0])
    cell = {(float(cells[c]["rps"]), int(cells[c]["rep"])): c for c in pool}
    return [cell[p["rps"], p["rep"][service]] for p in plan["cells"]]


def one_seed(programs, folder, kind, seed):
    """Mean NLL over services: chosen by kt next, at random."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    data = Data(folder / "data", kind, seed)
    g = np.random.Generator(np.random.Philox(seed))
    kept, begun, pool = {}, {}, {}
    for s in queue.SERVICES:
        n = len(data.cells[s])
        kept[s] = list(range(KEPT_FROM, n, KEPT_EACH))
        free = g.permutation([c for c in range(n) if c not in kept[s]])
        begun[s], pool[s] = [int(c) for c in free[:BEGUN]], [int(c) for c in free[BEGUN:]]
    judged = data.write(folder / "kept", kept)
    first = train(programs, data.write(folder / "begun", begun), folder / "first", seed, 0.2)
    added = {"next": {s: choose(programs, first, data, s, pool[s], folder) for s in queue.SERVICES},
             "random": {s: [int(c) for c in g.choice(pool[s], BUDGET, replace=False)] for s in queue.SERVICES}}
    means = {}
    for name, cells in added.items():
        assert all(len(set(cells[s])) == BUDGET for s in queue.SERVICES), cells
        both = {s: begun[s] + cells[s] for s in queue.SERVICES}
        means[name] = nll(programs, train(programs, data.write(folder / name, both), folder / ("run-" + name), seed, 0), judged)
    return means


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--kind", choices=KINDS, help="q: with queues, p: without (both)")
    p.add_argument("--seeds", type=int, default=10)
    p.add_argument("--first", type=int, default=1, help="seed")
    a = p.parse_args()
    programs = common.programs()
    good = True
    for kind in [a.kind] if a.kind else KINDS:
        lines, wins = [], 0
        for seed in range(a.first, a.first + a.seeds):
            means = one_seed(programs, common.BUILD / "next" / ("%s-%d" % (kind, seed)), kind, seed)
            chosen, random = (float(np.mean(list(means[k].values()))) for k in ("next", "random"))
            wins += chosen < random
            lines.append(["%s, seed %d" % (KINDS[kind], seed), "%.4f" % chosen, "%.4f" % random, "%+.4f" % (chosen - random)]
                         + ["%+.3f" % (means["next"][s] - means["random"][s]) for s in queue.SERVICES])
        common.print_table(["NLL, mean over services", "kt next", "random", "difference", *queue.SERVICES], lines)
        print("kt next is better in %d of %d\n" % (wins, a.seeds))
        good = good and wins * 10 >= LEAST * a.seeds
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
