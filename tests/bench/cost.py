#!/usr/bin/env python3
"""What kt-train's models cost beside the original's, in CPU seconds: user and system of the whole tree of processes.

Ours: one kt-train process, without mpirun, over five services of 14,700 requests, until the NLL of its held-out rows is
at most that of --recipe seed (1,000 epochs) in every service, both as means over three seeds, which split as well.
Budgets in steps are tried from the smallest up; the smallest that does so counts, and the default is told beside it.
The original: TensorFlow, process by process as its scripts run, its start once and 40 epochs times 25 a service.
"""
import argparse
import json
import statistics

import common

if __name__ == "__main__":
    common.enter("numeric")

import quality

EPOCHS, TIMES = 40, 25
BUDGETS = (10, 20, 40, 80, 150, 300, 750, 2250)


def held_out_nll(text):
    """{service: mean NLL of its held-out rows inside the hull} of kt-train --json."""
    nll = {}
    for service in json.loads(text)["services"]:
        cells = [c for c in service["cells"] if c["role"] == "held out" and c["interior"]]
        nll[service["service"]] = sum(c["nll"] * c["rows"] for c in cells) / sum(c["rows"] for c in cells)
    return nll


def train(bin, data, seed, *options):
    """(held-out NLL by service, CPU seconds)"""
    folder = common.CACHE / "runs" / "cost"
    command = [bin / "kt-train", data, "--out", folder, "--seed", seed, "--fresh", "--json", "--quiet", *options]
    out, _, cpu = common.run(command)
    return held_out_nll(out), cpu


def original(python, dataset, services):
    """CPU seconds of the original's 1,000 epochs of each service: start, epochs."""
    parts = []
    for service in services:
        out, _, all_of_it = common.run([python, common.HERE / "peer_seed.py", dataset, service, EPOCHS])
        told = json.loads(out.splitlines()[-1])
        start = all_of_it - told["epochs"]
        parts.append((service, told["rows"], start, told["epochs"] * TIMES))
    return told["version"], parts


def cheapest(bin, data, seeds, goal):
    """Tries budgets upwards: (a row each, the CPU of the first that is there). goal: {seed: {service: NLL}}"""
    rows, enough = [], None
    for steps in BUDGETS:
        tried = {seed: train(bin, data, seed, "--steps", steps, "--epochs", 0) for seed in seeds}
        above = {s: [tried[seed][0][s] - goal[seed][s] for seed in seeds] for s in goal[seeds[0]]}
        means = {s: statistics.mean(d) for s, d in above.items()}
        worst = max(means, key=means.get)
        cpu = statistics.mean(cpu for _, cpu in tried.values())
        there = means[worst] <= 0
        once = max(max(d) for d in above.values())
        rows.append([steps, "%.3f" % cpu, "%+.4f %s" % (means[worst], worst), "%+.4f" % once, "yes" if there else "no"])
        if there and enough is None:
            enough = cpu
    return rows, enough


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--kind", choices=tuple(quality.KINDS), default="q")
    p.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    p.add_argument("--target", type=float, default=1000)
    a = p.parse_args()
    common.os.environ.update(common.one_thread())
    bin = common.programs()
    common.adopt_orphans()
    print("CPU seconds to a model as good as the original's; %s\n" % common.machine())
    data = quality.data_folder(a.kind)
    goal, seed_cpu = {}, []
    for seed in a.seeds:
        goal[seed], cpu = train(bin, data, seed, "--recipe", "seed")
        seed_cpu.append(cpu)
    rows, enough = cheapest(bin, data, a.seeds, goal)
    print("kt-train, five services; NLL above that of --recipe seed in interior cells: the worst service, and split")
    common.print_table(["steps", "CPU s", "mean", "worst split", "there"], rows)
    print("--recipe seed, 1,000 epochs in kt-train: %.2f CPU s\n" % statistics.mean(seed_cpu))
    try:
        python = common.environment("tensorflow")
    except common.NotHere as why:
        raise SystemExit("TensorFlow: not run: %s" % why)
    services = sorted(goal[a.seeds[0]])
    version, parts = original(python, common.CACHE / "runs" / "cost" / "dataset.h5", services)
    table = [[s, n, "%.1f" % start, "%.1f" % epochs] for s, n, start, epochs in parts]
    print("TensorFlow %s, the original's recipe" % version)
    common.print_table(["service", "rows", "start s", "%d x %d epochs s" % (TIMES, EPOCHS)], table)
    whole = sum(start + epochs for _, _, start, epochs in parts)
    default = float(rows[-1][1])
    print("the original %.0f CPU s" % whole)
    print("over kt-train's default budget: %.0f times" % (whole / default))
    if enough is None:
        raise SystemExit("kt-train: no budget is as good in every service: MISSED")
    met = "met" if whole / enough >= a.target else "MISSED"
    print("over kt-train as soon as it is as good: %.0f times (target %.0f: %s)" % (whole / enough, a.target, met))


if __name__ == "__main__":
    main()
