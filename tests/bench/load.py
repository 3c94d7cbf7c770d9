#!/usr/bin/env python3
"""How near kt load comes to its schedule: one core sends, another one answers (load_server of the tests).

In turns with a program that wakes up at the same kind of times and sends nothing: what the machine allows at that
moment. Lateness of a request: sent after it was due, by kt load's own clock; and seen by the server after it was due,
which no clock of kt load can embellish. CPU: user and system of kt load, in cores.
"""
import argparse
import csv
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import common


def pinned(cpu, realtime):
    """What a child does first: stays on its core and, if asked for, goes before all that others run there."""
    def prepare():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        if realtime:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    return prepare


def figures(late):
    """(share within 1 ms, median, 99th percentile, largest) of latenesses in ms"""
    late = sorted(late)
    n = len(late)
    return (sum(x <= 1 for x in late) / n, late[n // 2], late[min(n - 1, n * 99 // 100)], late[-1])


def timer(bin, args, cpu):
    out = subprocess.run([bin / "kt-bench-timer", str(args.rate), str(args.seconds)], capture_output=True, text=True,
                         check=True, preexec_fn=pinned(cpu, args.realtime)).stdout
    return [float(line) for line in out.split()]


def load(bin, args, cpus, folder):
    """latenesses by kt load and by the server, CPU seconds of kt load"""
    log = folder / "log"
    server = subprocess.Popen([bin / "load_server", log], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              preexec_fn=pinned(cpus[1], args.realtime))
    url = "http://127.0.0.1:%s/ok" % server.stdout.readline().strip()
    command = [bin / "kt", "load", "-u", url, "-r", str(args.rate), "--seconds", str(args.seconds), "--out",
               folder / "out", "--fresh", "--quiet"]
    before = os.times()
    subprocess.run(command, check=True, preexec_fn=pinned(cpus[0], args.realtime))
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    server.terminate()
    server.wait()
    seen = {}
    for line in log.read_text().splitlines():
        part = line.split(",")
        seen[part[4][3:35]] = int(part[0])
    sent, arrived = [], []
    with open(folder / "out" / "requests.csv", newline="") as file:
        for row in csv.DictReader(file):
            due = int(row["due"].replace(".", ""))
            sent.append((int(row["st"].replace(".", "")) - due) * 1e-6)
            arrived.append((seen[row["trace_id"]] - due) * 1e-6)
    return sent, arrived, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=5000, help="requests per second (default 5000)")
    parser.add_argument("--seconds", type=float, default=5, help="of each load (default 5)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--realtime", action="store_true", help="with real-time priority, on a machine that others use")
    args = parser.parse_args()
    bin = common.programs()
    cores = sorted(os.sched_getaffinity(0))
    cpus = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    rows, all_of_it = [], {}
    print("%g req/s, %g s, %d rounds; %s" % (args.rate, args.seconds, args.rounds, common.machine()))
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        for i in range(args.rounds):
            sent, arrived, cpu = load(bin, args, cpus, folder)
            for what, late in (("bare timer", timer(bin, args, cpus[0])), ("sent", sent), ("at the server", arrived)):
                share, median, p99, most = figures(late)
                rows.append([i, what, "%.2f %%" % (100 * share), "%.3f" % median, "%.3f" % p99, "%.2f" % most,
                             "%.2f" % (cpu / args.seconds) if what == "sent" else ""])
                all_of_it.setdefault(what, []).append(share)
    finally:
        shutil.rmtree(folder)
    common.print_table(["round", "lateness", "within 1 ms", "p50 ms", "p99 ms", "max ms", "cores"], rows)
    print("within 1 ms, median of the rounds: %s" %
          ", ".join("%s %.2f %%" % (what, 100 * statistics.median(shares)) for what, shares in all_of_it.items()))


if __name__ == "__main__":
    main()
