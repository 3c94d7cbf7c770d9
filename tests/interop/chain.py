"""A twin against the real thing, from traces to reply times.

chain.py KT KT_TRAIN TRACES MANIFEST

The test bed (bench/bench.json) is simulated by KubeTwin's rules: a container serves one request at a time, first come first
served, a service's containers take turns, and each visit takes a time drawn as ERV draws it, again while it is at most
1e-6 s. The requests come when they came (KubeTwin reads such a file too). entry calls catalog and cart at once, then payment,
works half of its time before and half after them, and has four workers, which are not held meanwhile.

First each cell draws from its own cleaned times: what is off then is the simulator's and the cleaning's. Then kt-train learns
without some cells, kt export writes tables, and held-out cells inside the hull draw from these: what is off then is all of it,
a wrong unit, delay, queue or self time among it. Reply times are the client's, from the manifest.

Once more with the waiting left in the times and none simulated: these times depend on rate and replicas, so that a model
asked with wrong ones is found out; the bed's service times alone do not.
"""
import collections
import csv
import heapq
import json
import math
import random
import statistics
import subprocess
import sys

RUNS = 30  # simulations of a cell, pooled
SEEDS = (1, 2, 3, 4, 5)  # of splits: which cells are held out
OWN = (0.025, 0.040)  # medians over cells of the errors of p50 and p95, at most; own times
MODEL = (0.04, 0.08)  # models
BIAS = 0.02  # median of the signed errors of p50, at most: a delay that is left out makes 3 %
MANY = 10**6  # workers: nobody waits
WORKERS = {"entry": 4}
CALLS = (("catalog", "cart"), ("payment",))  # one step after the other, the calls of a step at once


# ---- the simulation ----

class Container:
    """Serves `workers` requests at a time, first come first served."""

    def __init__(self, clock, workers):
        self.clock, self.free, self.queue = clock, workers, collections.deque()

    def take(self, seconds, then):
        if self.free == 0:
            self.queue.append((seconds, then))
            return
        self.free -= 1
        self.clock.after(seconds, lambda: self.done(then))

    def done(self, then):
        self.free += 1
        if self.queue:
            self.take(*self.queue.popleft())
        then()


class Clock:
    def __init__(self):
        self.now, self.events, self.count = 0.0, [], 0

    def after(self, seconds, what):
        self.count += 1
        heapq.heappush(self.events, (self.now + seconds, self.count, what))

    def run(self):
        while self.events:
            self.now, _, what = heapq.heappop(self.events)
            what()


class Service:
    def __init__(self, clock, workers, rep, draw):
        self.containers = [Container(clock, workers) for _ in range(rep)]
        self.turn, self.draw = 0, draw

    def container(self):
        self.turn += 1
        return self.containers[(self.turn - 1) % len(self.containers)]


def simulate(arrivals, rep, draw, queues):
    """Reply times, seconds. arrivals: seconds; draw: service -> function that gives a time; queues: False: none."""
    clock, replies = Clock(), []
    services = {name: Service(clock, WORKERS.get(name, 1) if queues else MANY, rep[name], draw[name]) for name in rep}

    def request():
        start, entry = clock.now, services["entry"].container()
        half = services["entry"].draw() / 2

        def step(i):
            if i == len(CALLS):
                entry.take(half, lambda: replies.append(clock.now - start))
                return
            waiting = [len(CALLS[i])]

            def back():
                waiting[0] -= 1
                if waiting[0] == 0:
                    step(i + 1)

            for name in CALLS[i]:
                services[name].container().take(services[name].draw(), back)

        entry.take(half, lambda: step(0))

    for at in arrivals:
        clock.after(at, request)
    clock.run()
    return replies


# ---- where times come from ----

def erv(mixture, rng):
    """A function that draws as ERV's mixtures do, components in their order."""
    weights = [c["weight"] for c in mixture]
    total = sum(weights)

    def component(c):
        shape, scale = c["args"]["shape"], c["args"]["scale"]
        if c["distribution"] == "weibull":
            return lambda: scale * (-math.log(1 - rng.random())) ** (1 / shape)
        return lambda: rng.gammavariate(shape, 1 / scale)  # its scale is a rate

    components = [component(c) for c in mixture]

    def draw():
        while True:
            x, i = rng.random(), 0
            while x > weights[i] / total:
                x -= weights[i] / total
                i += 1
            seconds = components[i]()
            if seconds > 1e-6:
                return seconds

    return draw


class Tables:
    """What kt export --format kubetwin wrote: the point nearest in rate."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            services = json.load(file)["services"]
        self.points = {(s["service"], p["rep"]): [] for s in services for p in s["points"]}
        for s in services:
            for p in s["points"]:
                self.points[s["service"], p["rep"]].append((p["rps"], p["mixture"]))

    def mixture(self, service, rps, rep):
        return min(self.points[service, rep], key=lambda p: abs(p[0] - rps))[1]


# ---- cells ----

def quantile(values, p):
    values = sorted(values)
    at = p * (len(values) - 1)
    low = int(at)
    return values[low] + (at - low) * (values[min(low + 1, len(values) - 1)] - values[low])


class Cell:
    def __init__(self, label, told):
        self.label, self.rep, self.rps = label, told["rep"], told["rps_achieved"]
        self.measured = told["reply_p50_ms"] / 1e3, told["reply_p95_ms"] / 1e3
        self.arrivals, self.times = [], collections.defaultdict(list)

    def errors(self, draw, queues):
        """(simulated - measured) / measured, of p50 and p95"""
        replies = [t for _ in range(RUNS) for t in simulate(self.arrivals, self.rep, draw, queues)]
        return tuple((quantile(replies, p) - m) / m for p, m in zip((0.5, 0.95), self.measured))

    def own(self, rng):
        return {name: (lambda times=self.times[name]: rng.choice(times)) for name in self.rep}

    def of(self, tables, rng):
        return {name: erv(tables.mixture(name, self.rps, rep), rng) for name, rep in self.rep.items()}


def read_cells(report, manifest, rows):
    told = manifest["cells"]  # in the same order
    cells = {c["label"]: Cell(c["label"], told[c["cell"]]) for c in report["cells"] if not c["overloaded"]}
    for row in csv.DictReader(rows):
        cell = cells.get(row["cell"])
        if not cell:
            continue
        if row["service"] == "entry":
            cell.arrivals.append(int(row["start"]) / 1e6)
        if row["fate"] == "row":
            cell.times[row["service"]].append(float(row["proc_time"]) + float(row["delay"] or 0))
    for cell in cells.values():
        first = min(cell.arrivals)
        cell.arrivals = sorted(at - first for at in cell.arrivals)
    return cells


def held_out(kt, learned):
    """Labels of the held-out cells that lie inside the hull of every service."""
    info = json.loads(run(kt, "info", "--cells", "--json", f"{learned}/models.h5"))
    inside = [{c["cell"] for c in s["cells"] if c["role"] == "held out" and c["interior"]} for s in info["services"]]
    return sorted(set.intersection(*inside))


def judge(what, lines, bounds):
    """Prints a line for each cell; are the medians within the bounds?"""
    print(f"{what}\n  p50 off  p95 off  cell")
    for label, (p50, p95) in lines:
        print(f" {100 * p50:+6.1f} % {100 * p95:+6.1f} %  {label}")
    medians = [statistics.median(abs(e[k]) for _, e in lines) for k in (0, 1)]
    bias = statistics.median(e[0] for _, e in lines)
    good = all(m <= b for m, b in zip(medians, bounds)) and abs(bias) <= BIAS and len(lines) >= 10
    print(f"  medians over {len(lines)}, without their sign: {100 * medians[0]:.1f} % and {100 * medians[1]:.1f} %, at most "
          f"{100 * bounds[0]:g} % and {100 * bounds[1]:g} %; of p50 with it: {100 * bias:+.1f} %"
          f"{'' if good else ': MISSED'}", flush=True)
    return good


def run(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def chain(kt, kt_train, traces, manifest_path, queues):
    """Leaves run-SEED-QUEUE and twin-SEED-QUEUE in the current folder."""
    queue = "auto" if queues else "none"
    said = "queues taken out and simulated" if queues else "waiting left in, no queues simulated"
    with open(manifest_path, encoding="utf-8") as file:
        manifest = json.load(file)
    data, rows_path = f"clean-{queue}.h5", f"rows-{queue}.csv"
    report = json.loads(run(kt, "clean", traces, "--manifest", manifest_path, "--out", data, "--rows", rows_path, "--json",
                            "--queue", queue))
    with open(rows_path, encoding="utf-8") as rows:
        cells = read_cells(report, manifest, rows)
    rng = random.Random(1)
    good = judge(f"{said}: own times", [(c.label, c.errors(c.own(rng), queues)) for c in cells.values()], OWN)
    lines = []
    for seed in SEEDS:
        learned, twin = f"run-{seed}-{queue}", f"twin-{seed}-{queue}"
        run(kt_train, data, "--out", learned, "--seed", str(seed), "-q")
        run(kt, "export", learned, "--format", "kubetwin", "--out", twin, "--grid", "rps=4:125", "--grid", "rep=1:4")
        tables = Tables(f"{twin}/mixtures.json")
        for label in held_out(kt, learned):
            lines.append((f"{label}, split {seed}", cells[label].errors(cells[label].of(tables, rng), queues)))
    return judge(f"{said}: models, held-out cells inside the hull", lines, MODEL) and good


def main():
    arguments = sys.argv[1:]
    results = [chain(*arguments, queues) for queues in (True, False)]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
