#!/usr/bin/env python3
"""kt-train --sweep beside Optuna's TPE and Hyperband, which call the same trainer as a process.

One service of make_queue_data.py with its 49 load cells. Same space, same objective (mean NLL over a seeded fifth of the
training cells), same rungs. A seed draws the sweep's trials on both sides, not the data. Ours goes first; the full budgets that
it spent are what Optuna may spend. A trial of Optuna is one run of kt-train with a sweep of one trial, whose ledger it reads
as it grows: what is pruned is killed, and so is what has told its last value. Optuna runs one trial after the other, as it
does by itself; with --workers so many at a time, from threads.
  value     the best at full budget
  trials/s  trials over wall seconds, all of the program's work counted
The median over seeds of (ours - Optuna's) is told with a bootstrap interval.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

import common

if __name__ == "__main__":
    common.enter("optuna")

import numpy as np
import optuna

import make_queue_data as queue

RANKS, RUNGS, ETA = 2, 3, 3
OPTIONS = ["--recipe", "fast", "--no-report", "--quiet"]
MOST_WORSE, LEAST_FASTER = 0.005, 20
SPACE = {
    "learning-rate": {"log": [1e-3, 1e-1]},
    "weight-decay": {"uniform": [0, 0.5]},
    "components": {"int": [2, 16]},
    "hidden": {"choice": [[8], [16], [16, 16], [32, 32]]},
    "activation": {"choice": ["tanh", "relu", "elu", "sigmoid"]},
    "family": {"choice": ["weibull", "gamma", "lognormal"]},
}
SHARES = [ETA ** (r - RUNGS + 1) for r in range(RUNGS)]


def events(path):
    """The whole lines of a ledger, each once, as they come."""
    at = 0
    while True:
        if path.exists():
            with open(path, encoding="utf-8") as file:
                file.seek(at)
                for line in file:
                    if not line.endswith("\n"):
                        break
                    at += len(line.encode())
                    yield json.loads(line)
        yield None


def ours(bin, data, folder, seed, trials):
    file = folder / "sweep.json"
    asked = {"method": "tpe", "trials": trials, "scheduler": "hyperband", "rungs": RUNGS, "eta": ETA, "seed": seed}
    file.write_text(json.dumps(asked | {"space": SPACE}))
    run = folder / "ours"
    _, wall, _ = common.run([*common.mpi(RANKS), bin / "kt-train", data, "--out", run, "--sweep", file, *OPTIONS])
    reached, best = {}, None
    for e in events(run / "sweep.jsonl"):
        if e is None:
            break
        if e["event"] == "rung":
            reached[e["trial"]] = e["rung"]
        if e["event"] == "won" and e["place"] == 0:
            best = e["value"]
    return best, trials, wall, sum(SHARES[r] for r in reached.values())


def suggest(trial):
    """The same space, in Optuna's words."""
    values = {}
    for name, how in SPACE.items():
        kind, given = next(iter(how.items()))
        if kind == "choice":
            values[name] = given[trial.suggest_categorical(name, list(range(len(given))))]
        elif kind == "int":
            values[name] = trial.suggest_int(name, *given)
        else:
            values[name] = trial.suggest_float(name, *given, log=kind == "log")
    return values


class Peer:
    def __init__(self, bin, data, folder, budget):
        self.data, self.folder, self.budget, self.spent = data, folder, budget, 0.0
        self.trainer = bin / "kt-train"

    def __call__(self, trial):
        folder = self.folder / ("trial-%d" % trial.number)
        folder.mkdir()
        asked = {"method": "grid", "scheduler": "halving", "rungs": RUNGS, "eta": ETA}
        space = {name: {"choice": [value]} for name, value in suggest(trial).items()}
        (folder / "one.json").write_text(json.dumps(asked | {"space": space}))
        job = subprocess.Popen([self.trainer, self.data, "--out", folder / "run", "--sweep", folder / "one.json",
                                *OPTIONS], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        value, before = None, 0.0
        try:
            for e in events(folder / "run" / "sweep.jsonl"):
                if e is None:
                    if job.poll() is not None:
                        raise optuna.TrialPruned()
                    time.sleep(0.002)
                    continue
                if e["event"] == "failed":
                    raise optuna.TrialPruned()
                if e["event"] != "rung":
                    continue
                value = e["value"]
                self.spent += SHARES[e["rung"]] - before
                before = SHARES[e["rung"]]
                trial.report(value, ETA ** e["rung"])
                if e["rung"] == RUNGS - 1:
                    return value
                if trial.should_prune():
                    raise optuna.TrialPruned()
        finally:
            job.kill()
            job.wait()
            shutil.rmtree(folder, ignore_errors=True)

    def enough(self, study, _):
        if self.spent >= self.budget:
            study.stop()


def peer(bin, data, folder, seed, budget, workers):
    sampler = optuna.samplers.TPESampler(seed=seed)
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=ETA ** (RUNGS - 1), reduction_factor=ETA)
    study = optuna.create_study(sampler=sampler, pruner=pruner)
    objective = Peer(bin, data, folder, budget)
    began = time.perf_counter()
    study.optimize(objective, n_jobs=workers, callbacks=[objective.enough])
    return study.best_value, len(study.trials), time.perf_counter() - began, objective.spent


def bootstrap(values, draws=20000):
    """The middle 95 % of the median over resamples."""
    generator = np.random.default_rng(1)
    medians = np.median(generator.choice(values, (draws, len(values))), axis=1)
    return np.quantile(medians, [0.025, 0.975])


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seeds", type=int, default=10)
    p.add_argument("--trials", type=int, default=128)
    p.add_argument("--service", default="catalog", choices=list(queue.SERVICES))
    p.add_argument("--workers", type=int, default=1, help="trials that Optuna runs at a time (1)")
    p.add_argument("--check", action="store_true", help="end with 1 where a target is missed")
    a = p.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    bin = common.programs()
    os.environ.update(common.one_thread())
    print("a sweep of %d trials, and Optuna %s; %s\n" % (a.trials, optuna.__version__, common.machine()))
    base = common.CACHE / "sweep"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    queue.main([str(base / "data"), "--seed", "1", "--truth-requests", "1000"])
    data, lines, differences, speeds = base / "data" / (a.service + ".csv"), [], [], []
    for seed in range(1, a.seeds + 1):
        folder = base / ("seed-%d" % seed)
        folder.mkdir()
        mine = ours(bin, data, folder, seed, a.trials)
        theirs = peer(bin, data, folder, seed, mine[3], a.workers)
        differences.append(mine[0] - theirs[0])
        speeds.append(mine[1] / mine[2] / (theirs[1] / theirs[2]))
        lines.append([seed, *("%.4f" % x[0] for x in (mine, theirs)), "%+.4f" % differences[-1],
                      *(str(x[1]) for x in (mine, theirs)), *("%.1f" % x[3] for x in (mine, theirs)),
                      *("%.2f" % (x[1] / x[2]) for x in (mine, theirs)), "%.1f" % speeds[-1]])
        print("seed %d: %s" % (seed, "  ".join(map(str, lines[-1][1:]))), file=sys.stderr)
        shutil.rmtree(folder)
    common.print_table(["seed", "ours", "Optuna", "difference", "trials", "Optuna's", "budgets", "Optuna's", "trials/s",
                        "Optuna's", "ratio"], lines)
    low, high = bootstrap(differences)
    ok = high < MOST_WORSE, np.median(speeds) >= LEAST_FASTER
    print("difference in nats: median %+.4f, 95 %% of it in %+.4f to %+.4f; below %g %s" %
          (np.median(differences), low, high, MOST_WORSE, "met" if ok[0] else "MISSED"))
    print("trials a second: %.1f times Optuna's, median; %g %s" %
          (np.median(speeds), LEAST_FASTER, "met" if ok[1] else "MISSED"))
    raise SystemExit(1 if a.check and not all(ok) else 0)


if __name__ == "__main__":
    main()
