#!/usr/bin/env python3
"""What a report of 200 services costs: 50 cells of 300 rows each, 3 million rows in all.

Seconds, CPU seconds and bytes of `kt report`, with all rows and from the archive alone, beside `kt evaluate` on the same
rows in the same run (which scores each row as well, and draws nothing). Best of a few turns, taken in turn.
"""
import argparse
import math
import random
import shutil

import common

SERVICES, CELLS, ROWS = 200, (5, 10), 300  # cells: replicas by rates


def write_service(index, path):
    g = random.Random(index)
    mean, sigma = 0.002 * math.exp(g.uniform(0, 3)), g.uniform(0.2, 0.9)
    with open(path, "w") as f:
        f.write("rps_eff,rep,proc_time_service-%03d,cell\n" % index)
        for cell in range(CELLS[0] * CELLS[1]):
            rep, use = 1 + cell // CELLS[1], 0.09 * (1 + cell % CELLS[1])
            for _ in range(ROWS):
                y = mean * (1 + 1.5 * use * use) * math.exp(sigma * g.gauss(0, 1) - sigma * sigma / 2)
                f.write("%.6g,%d,%.9g,%d\n" % (use * rep / mean, rep, y, cell))


def run_folder(bin):
    """A finished run, made on first use."""
    run = common.CACHE / "report-run"
    if (run / "run.json").exists():
        return run
    tables = common.CACHE / "report-tables"
    tables.mkdir(parents=True, exist_ok=True)
    for index in range(SERVICES):
        write_service(index, tables / ("%03d.csv" % index))
    shutil.rmtree(run, ignore_errors=True)
    common.run([bin / "kt-train", tables, "--recipe", "fast", "--no-report", "--quiet", "--out", run])
    shutil.rmtree(tables)
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3, help="how often each is run (3)")
    turns = parser.parse_args().turns
    bin = common.programs()
    run, page = run_folder(bin), common.CACHE / "report.html"
    commands = {
        "kt report RUN": [bin / "kt", "report", run, "--quiet", "--out", page],
        "kt report ARCHIVE": [bin / "kt", "report", run / "models.h5", "--quiet", "--out", page],
        "kt evaluate": [bin / "kt", "evaluate", run / "models.h5", run / "dataset.h5", "--quiet"],
    }
    seconds, cpu, size = ({name: math.inf for name in commands} for _ in range(3))
    for _ in range(turns):
        for name, command in commands.items():
            _, wall, used = common.run(command)
            seconds[name], cpu[name] = min(seconds[name], wall), min(cpu[name], used)
            size[name] = page.stat().st_size if "report" in name else 0
    print("%d services of %d cells of %d rows; %s" % (SERVICES, CELLS[0] * CELLS[1], ROWS, common.machine()))
    common.print_table(
        ["", "seconds", "CPU seconds", "of kt evaluate's", "MB"],
        [[name, "%.2f" % seconds[name], "%.2f" % cpu[name], "%.2f" % (cpu[name] / cpu["kt evaluate"]),
          "%.2f" % (size[name] / 1e6) if size[name] else "-"] for name in commands])


if __name__ == "__main__":
    main()
