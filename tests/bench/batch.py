#!/usr/bin/env python3
"""What larger batches cost large services in accuracy, and what they bring when ranks share one fit.

Five services of make_queue_data.py with more requests in each of the 49 cells, trained with kt-train's default budget
(2,250 steps or 3 epochs, whichever is more) and each cell's mean rate, for a few batches and learning rates. Every cell
is then judged against independent runs of its law:
  gap      mean NLL of requests of the true law under the model, less that under the law itself, nats
  KS       the model asked once at the cell's (mean rps_eff, rep)
both as means over services, seeds and cells: trained ones, and held-out ones inside the hull. "worse" is how much the
gap of trained cells is above that of the first batch, in the mean and in the worst service.
  CPU      seconds of user and system a service, of the whole job
  2 ranks  how much faster a fit of the first service is with two ranks than with one: the median of --pairs in turns
"""
import argparse
import json
import statistics

import common

if __name__ == "__main__":
    common.enter("numeric")

import multiprocessing

import numpy as np

import make_queue_data as queue
import models
import quality

ROWS = (100_000, 1_000_000)
BATCHES = (128, 512, 1024, 2048, 4096)
RATES = (0.01, 0.02)  # the default's, and one for larger batches
CELLS = 49
SHARED_EPOCHS = 20  # of the fits whose time is taken


def dataset(bin, kind, rows):
    """The kt-dataset, made on first use."""
    path = common.CACHE / ("batch-%s-%d.h5" % (kind, rows))
    if path.exists():
        return path
    folder = common.CACHE / ("batch-%s-%d" % (kind, rows))
    options = ["--mode", quality.KINDS[kind], "--seed", str(quality.DATA_SEED), "--truth-requests", "1000"]
    queue.main([str(folder), *options, "--requests", str(round(rows / CELLS))])
    (folder / "cells.csv").unlink()
    common.run([bin / "kt", "import", folder, "--out", path, "--rps-eff", "cell"])
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return path


def means(path):
    """{service: [cells, 2] mean (rps_eff, rep)}"""
    import h5py

    with h5py.File(path) as f:
        mean, services = f["cell_mean"][:], f["services"][:]
        return {
            s["name"].decode(): mean[int(s["first_cell"]) : int(s["first_cell"] + s["cells"])] for s in services
        }


def train(bin, data, folder, *options):
    """CPU seconds of the job."""
    command = [bin / "kt-train", data, "--out", folder, "--fresh", "--quiet", *options]
    return common.run(command)[2]


def judge(kind, points, archive):
    """{service: {"trained" or "held out": [(gap, KS)]}}"""
    found = {}
    for service, model in models.read(archive).items():
        held_out = {int(c["label"].decode().split(":")[-1]): bool(c["interior"]) for c in model.held_out}
        records = {"trained": [], "held out": []}
        for cell in range(CELLS):
            part = "trained" if cell not in held_out else "held out" if held_out[cell] else None
            if part is None:
                continue
            truth, point = quality.Truth((kind, service, cell)), points[service][cell]
            y = truth.kept[2::5]
            gap = float(np.mean(model.nll(point[None], y) - truth.nll(y)))
            records[part].append((gap, truth.ks(model.cdf(point, truth.kept))))
        found[service] = records
    return found


def mean_of(judged, part, what):
    """Over services, seeds and cells."""
    return float(np.mean([r[what] for one in judged for s in one.values() for r in s[part]]))


def by_service(judged):
    services = judged[0]
    return {s: float(np.mean([r[0] for one in judged for r in one[s]["trained"]])) for s in services}


def speed_up(bin, data, batch, pairs):
    """Median over pairs of one rank's time over two ranks', of one fit."""
    folder, ratios = common.CACHE / "runs" / "batch-shared", []
    for i in range(pairs):
        seconds = {}
        common.wait_for_quiet(0.05, 20)
        for ranks in (1, 2) if i % 2 == 0 else (2, 1):
            options = ["--service", "auth", "--batch", batch, "--steps", 0, "--epochs", SHARED_EPOCHS]
            command = [*common.mpi(ranks), bin / "kt-train", data, "--out", folder, "--fresh", "--quiet", *options]
            common.run([*command, "--parallel", "data"])
            events = [json.loads(line) for line in open(folder / "journal.jsonl")]
            seconds[ranks] = next(e["fit_seconds"] for e in events if e["event"] == "fitted")
        ratios.append(seconds[1] / seconds[2])
    return statistics.median(ratios)


def table(a, bin, kind, rows):
    data = dataset(bin, kind, rows)
    points, lines, first = means(data), [], None
    for batch in a.batches:
        shared = "%.2f" % speed_up(bin, data, batch, a.pairs) if a.pairs and batch >= 128 else "-"
        for rate in a.rates:
            judged, cpu = [], []
            for seed in a.seeds:
                folder = common.CACHE / "runs" / "batch"
                options = ["--seed", seed, "--batch", batch, "--learning-rate", rate, *a.train]
                cpu.append(train(bin, data, folder, *options) / len(points))
                judged.append(judge(kind, points, folder / "models.h5"))
            gaps = by_service(judged)
            first = first or gaps
            worse = {s: gaps[s] - first[s] for s in gaps}
            worst = max(worse, key=worse.get)
            numbers = [mean_of(judged, part, what) for what in (0, 1) for part in ("trained", "held out")]
            lines.append(
                [
                    batch,
                    "%g" % rate,
                    *("%.4f" % v for v in numbers),
                    "%+.4f" % statistics.mean(worse.values()),
                    "%+.4f %s" % (worse[worst], worst),
                    "%.2f" % statistics.mean(cpu),
                    shared,
                ]
            )
    print("%s, %d rows a service" % (kind, rows))
    head = ["batch", "rate", "gap trained", "held out", "KS trained", "held out", "worse", "worst", "CPU", "2 ranks"]
    common.print_table(head, lines)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--rows", nargs="+", type=int, default=ROWS, help="of a service")
    p.add_argument("--kinds", nargs="+", choices=tuple(quality.KINDS), default=list(quality.KINDS))
    p.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    p.add_argument("--rates", nargs="+", type=float, default=RATES)
    p.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    p.add_argument("--pairs", type=int, default=3, help="0 leaves the time of shared fits out")
    p.add_argument("--train", nargs=argparse.REMAINDER, default=[], help="further options, for kt-train")
    a = p.parse_args()
    bin = common.programs()
    common.adopt_orphans()
    keys = [(kind, s, c) for kind in a.kinds for s in queue.SERVICES for c in range(CELLS)]
    with multiprocessing.Pool() as pool:
        pool.map(quality.make_truth, keys, chunksize=4)
    print("kt-train, batches for large services; %s, seeds %s\n" % (common.machine(), a.seeds))
    for rows in a.rows:
        for kind in a.kinds:
            table(a, bin, kind, rows)


if __name__ == "__main__":
    main()
