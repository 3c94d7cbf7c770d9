#!/usr/bin/env python3
"""What kt export takes on one core: a thousand services as .keras files, each read back and compared, beside copying the
tree that comes out, in turns; medians over the rounds.

export.py [SERVICES [ROUNDS]]
"""
import pathlib
import statistics
import sys
import tempfile

import common

COPY = "cp -r \"$1\" \"$2\" && sync -f \"$2\""


def main():
    services, rounds = (int(v) for v in (sys.argv[1:] + ["1000", "5"][len(sys.argv) - 1 :])[:2])
    programs = common.programs()
    walls, cpus, copies = [], [], []
    with tempfile.TemporaryDirectory(dir=programs.parent) as scratch:
        scratch = pathlib.Path(scratch)
        archive = scratch / "models.h5"
        common.run([programs / "make_archive", archive, services])
        for i in range(rounds):
            tree, copy = scratch / ("tree%d" % i), scratch / ("copy%d" % i)
            _, wall, cpu = common.run(["taskset", "-c", "0", programs / "kt", "export", archive, "--out", tree, "-q"])
            _, copying, _ = common.run(["taskset", "-c", "0", "sh", "-c", COPY, "-", tree, copy])
            walls.append(wall)
            cpus.append(cpu)
            copies.append(copying)
        size = sum(f.stat().st_size for f in (scratch / "tree0").rglob("*.keras"))
    print(common.machine())
    common.print_table(
        ["what", "seconds", "CPU s", "MB", "over a copy"],
        [["%d services, keras" % services, *("%.2f" % statistics.median(v) for v in (walls, cpus)), "%.1f" % (size / 1e6),
          "%.1f" % statistics.median(w / c for w, c in zip(walls, copies))]])


main()
