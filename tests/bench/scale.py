#!/usr/bin/env python3
"""What two ranks bring over one: many services handed out, and one large service shared by both.

A thousand services of 10,000 rows each (50 cells), and one of 5 million, from kt-datasets. Runs with one rank and with
two take turns in pairs, and what is told are medians over the pairs. Both go through mpirun, whose own start counts.
  fit     the phase in which ranks share work: reading, fitting, judging
  job     the whole command, by the clock, without the report
  rest    what is not the fit phase, as a share of the two ranks' job: start, partition, archive
  CPU     user and system of the whole tree of processes
  others  CPU that other programs took meanwhile, of all cores: pairs above --busy are measured again
"""
import argparse
import collections
import shutil
import statistics
import sys

import common

if __name__ == "__main__":
    common.enter("numeric")

import numpy as np

import make_queue_data as queue

SEED = 1
LEVELS, REPS = 10, (1, 2, 3, 4, 5)
TARGET_CPU, TARGET_REST = 60.0, 0.10
# rows: of a cell, for each service; options: of kt-train
Case = collections.namedtuple("Case", "text name rows options targets")
MANY = Case(
    "1,000 services of 10,000 rows", "scale-1000", [200] * 1000, ["--parallel", "service"], {"fit": 1.9, "job": 1.75}
)
LARGE = Case("1 service of 5,000,000 rows", "scale-1", [100_000], ["--parallel", "data"], {"fit": 1.7})


# ---- the data ----


def draw(index, rows):
    """[50 rows, 4] rps_eff, rep, seconds, cell of one service, no queues: cells one after the other."""
    g = np.random.Generator(np.random.Philox(np.random.SeedSequence((SEED, index))))
    law, mean, c = list(queue.SERVICES.values())[index % len(queue.SERVICES)]
    mean *= g.uniform(0.5, 2)
    rep, level = (v.ravel().repeat(rows) for v in np.meshgrid(REPS, np.arange(1, LEVELS + 1), indexing="ij"))
    use = 0.9 * level / LEVELS
    groups = rep.size // queue.GROUP
    noisy = (g.gamma(queue.GROUP, 1 / queue.GROUP, groups)).repeat(queue.GROUP)  # as a mean of so many gaps
    seconds = law(g, rep.size) * mean * (1 + c * use * use)
    return np.column_stack([use * rep / mean / noisy, rep, seconds, np.arange(rep.size) // rows])


def dataset(bin, case):
    """The kt-dataset, made on first use."""
    path = common.CACHE / (case.name + ".h5")
    if path.exists():
        return path
    folder = common.CACHE / case.name
    folder.mkdir(parents=True, exist_ok=True)
    for index, rows in enumerate(case.rows):
        table = draw(index, rows)
        with open(folder / ("s%04d.csv" % index), "w") as f:
            f.write("rps_eff,rep,proc_time_s%04d,cell\n" % index)
            f.write(("%.9g,%d,%.9g,%d\n" * len(table)) % tuple(table.ravel().tolist()))
    common.run([bin / "kt", "import", folder, "--out", path])
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return path


# ---- measuring ----


def run_folder(case):
    return common.CACHE / "runs" / case.name


def measure(bin, case, data, ranks):
    """{quantity: seconds or share} of one run."""
    folder = run_folder(case)
    command = [*common.mpi(ranks), bin / "kt-train", data, "--out", folder, "--quiet", "--no-report", *case.options]
    shutil.rmtree(folder, ignore_errors=True)
    before = common.cpu_of_machine()
    _, wall, cpu = common.run(command)
    busy = common.cpu_of_machine() - before
    fit = common.info(folder)["phase_seconds"]["fit"]
    return {"fit": fit, "job": wall, "CPU": cpu, "others": max(0, busy - cpu) / wall / common.os.cpu_count()}


def pairs(bin, case, data, n, most_busy, patience):
    """n pairs of runs (one rank, two ranks) that other programs left alone, in turns; gives up after 3 n."""
    found, tried = [], 0
    while len(found) < n:
        common.wait_for_quiet(most_busy, patience)
        pair = [measure(bin, case, data, ranks) for ranks in ((1, 2) if tried % 2 == 0 else (2, 1))]
        pair = pair if tried % 2 == 0 else pair[::-1]
        tried += 1
        told = (pair[0]["fit"], pair[1]["fit"], 100 * max(run["others"] for run in pair))
        print("pair %d: fit %.1f s and %.1f s, others %.0f %%" % (tried, *told), file=sys.stderr)
        if max(run["others"] for run in pair) <= most_busy or tried >= 3 * n:
            found.append(pair)
    return found, tried


def verdict(value, target, least):
    return "%g %s" % (target, "met" if (value >= target if least else value <= target) else "MISSED")


def report(case, found, tried):
    rows = []
    for ranks in (1, 2):
        runs = [pair[ranks - 1] for pair in found]
        values = ["%.2f" % statistics.median(run[key] for run in runs) for key in ("fit", "job", "CPU")]
        rest = statistics.median(1 - run["fit"] / run["job"] for run in runs)
        others = max(run["others"] for run in runs)
        rows.append(["%d rank%s" % (ranks, "s"[: ranks - 1]), *values, "%.1f %%" % (100 * rest), "%.0f %%" % (100 * others)])
    print("%s: %d pairs of %d, medians; seconds" % (case.text, len(found), tried))
    common.print_table(["", "fit", "job", "CPU", "rest", "others, worst"], rows)
    lines = []
    for key in ("fit", "job"):
        ratios = sorted(one[key] / two[key] for one, two in found)
        target = case.targets.get(key)
        told = verdict(statistics.median(ratios), target, True) if target else "-"
        lines.append([key, "%.2f" % statistics.median(ratios), "%.2f-%.2f" % (ratios[0], ratios[-1]), told])
    if case is MANY:
        rest = [1 - two["fit"] / two["job"] for _, two in found]
        cpu = [max(run["CPU"] for run in pair) for pair in found]
        for name, values, target in (("rest", rest, TARGET_REST), ("CPU", cpu, TARGET_CPU)):
            middle = statistics.median(values)
            lines.append([name, "%.3g" % middle, "%.3g-%.3g" % (min(values), max(values)), verdict(middle, target, False)])
    common.print_table(["one rank over two", "median", "range", "target"], lines)
    return not any("MISSED" in line[-1] for line in lines)


def choices(description, only):
    """The command line that the measurements of pairs have in common."""
    p = argparse.ArgumentParser(description=description.split("\n")[0])
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--busy", type=float, default=0.05, help="the most of the machine that others may use (0.05)")
    p.add_argument("--wait", type=float, default=60, help="seconds that a pair waits for others to be that quiet")
    p.add_argument("--check", action="store_true", help="end with 1 where a target is missed")
    p.add_argument("--only", choices=only)
    return p.parse_args()


def main():
    a = choices(__doc__, ("many", "large"))
    bin = common.programs()
    common.adopt_orphans()
    print("kt-train with one rank and with two; %s\n" % common.machine())
    chosen = {"many": [MANY], "large": [LARGE]}.get(a.only, [MANY, LARGE])
    ok = [report(case, *pairs(bin, case, dataset(bin, case), a.pairs, a.busy, a.wait)) for case in chosen]
    raise SystemExit(1 if a.check and not all(ok) else 0)


if __name__ == "__main__":
    main()
