#!/usr/bin/env python3
"""How near kt plan comes to real runs with one rank and with two, and what the second rank brings.

64 services whose sizes follow a power law (1,000 to 1 million rows), and one of 5 million, from kt-datasets. Before each
pair of runs, which take turns, kt plan --calibrate measures what a step, a row and a cell cost on this machine now, and
predicts the phase fit for both; after the run with one rank it predicts that with two from the run's own journal.
  predicted / measured   seconds of the phase fit; medians over the pairs of the ratio, and its range
  others                 CPU that other programs took meanwhile, of all cores: pairs above --busy are measured again
"""
import json
import statistics
import sys

import common

if __name__ == "__main__":
    common.enter("numeric")

import scale

MOST_ERROR = 0.15
POWER = scale.Case(
    "64 services of 1,000 to 1,000,000 rows",
    "plan-64",
    [4 * max(5, round(5_000 * (i + 1) ** -1.66)) for i in range(64)],
    [],
    {"fit": 1.9},
)
HUGE = scale.LARGE._replace(options=[])


def predict(bin, *arguments):
    out, _, _ = common.run([bin / "kt", "plan", "--json", *arguments])
    return json.loads(out)["makespan_seconds"]


def pair(bin, case, data, split, one_first):
    """(runs with one rank and with two, {what predicted it: predicted over measured})"""
    costs = common.CACHE / (case.name + "-costs.json")
    common.run([bin / "kt", "plan", split, "--calibrate", "--costs", costs])
    predicted = {ranks: predict(bin, split, "--ranks", ranks, "--costs", costs) for ranks in (1, 2)}
    runs = {}
    for ranks in (1, 2) if one_first else (2, 1):
        runs[ranks] = scale.measure(bin, case, data, ranks)
        if ranks == 1:
            by_journal = predict(bin, scale.run_folder(case), "--ranks", 2)
    ratios = {"calibrated, 1 rank": predicted[1] / runs[1]["fit"], "calibrated, 2 ranks": predicted[2] / runs[2]["fit"]}
    ratios["one rank's journal, 2 ranks"] = by_journal / runs[2]["fit"]
    return runs, ratios


def pairs(bin, case, n, most_busy, patience):
    """n pairs that other programs left alone; gives up after 3 n."""
    data, found, tried = scale.dataset(bin, case), [], 0
    split = common.CACHE / "runs" / (case.name + "-split")
    common.run([bin / "kt-train", data, "--out", split, "--quiet", "--fresh", *case.options])
    while len(found) < n:
        common.wait_for_quiet(most_busy, patience)
        runs, ratios = pair(bin, case, data, split, tried % 2 == 0)
        tried += 1
        others = max(run["others"] for run in runs.values())
        told = (tried, runs[1]["fit"], runs[2]["fit"], *ratios.values(), 100 * others)
        print("pair %d: fit %.2f s and %.2f s; predicted over that %.2f, %.2f, %.2f; others %.0f %%" % told, file=sys.stderr)
        if others <= most_busy or tried >= 3 * n:
            found.append((runs, ratios))
    return found, tried


def report(case, found, tried):
    print("%s: %d pairs of %d" % (case.text, len(found), tried))
    lines, ok = [], True
    for what in found[0][1]:
        ratios = sorted(ratio[what] for _, ratio in found)
        middle = statistics.median(ratios)
        near = abs(middle - 1) <= MOST_ERROR
        ok = ok and near
        told = "within %.0f %% %s" % (100 * MOST_ERROR, "met" if near else "MISSED")
        lines.append(["predicted over measured: " + what, "%.2f" % middle, "%.2f-%.2f" % (ratios[0], ratios[-1]), told])
    ratios = sorted(runs[1]["fit"] / runs[2]["fit"] for runs, _ in found)
    middle = statistics.median(ratios)
    told = scale.verdict(middle, case.targets["fit"], True)
    ok = ok and "met" in told
    lines.append(["one rank over two", "%.2f" % middle, "%.2f-%.2f" % (ratios[0], ratios[-1]), told])
    others = max(run["others"] for runs, _ in found for run in runs.values())
    common.print_table(["", "median", "range", "target"], lines)
    print("others took at most %.0f %% of all cores\n" % (100 * others))
    return ok


def main():
    a = scale.choices(__doc__, ("power", "huge"))
    bin = common.programs()
    common.adopt_orphans()
    print("kt plan and real runs; %s\n" % common.machine())
    chosen = {"power": [POWER], "huge": [HUGE]}.get(a.only, [POWER, HUGE])
    ok = [report(case, *pairs(bin, case, a.pairs, a.busy, a.wait)) for case in chosen]
    raise SystemExit(1 if a.check and not all(ok) else 0)


if __name__ == "__main__":
    main()
