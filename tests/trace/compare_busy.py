#!/usr/bin/env python3
"""Cleaned times against what the application itself measured.

compare_busy.py KT, with KT_FIXTURES=FOLDER: FOLDER/bench-traces has v1/*.json.gz, replies of a Jaeger whose SERVER
spans carry bench.busy_us (the time that a worker was really kept), and manifest.json. `kt clean` with its defaults must
find these times for every service: median absolute difference below 0.15 ms, 95th percentile below 0.3 ms; replicas and
rates as the manifest says; the cells by start of request. Without the removal of queues (--queue none) it must not, for
payment.
Exit 77: the folder is not there.
"""
import csv
import glob
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile

MEDIAN, P95 = 0.15e-3, 0.3e-3


def truth(folder):
    """busy seconds by (trace, span), and the manifest's cell by trace (root start)."""
    manifest = json.load(open(os.path.join(folder, "manifest.json")))
    cells = sorted(manifest["cells"], key=lambda c: c["start_us"])
    busy, cell_of = {}, {}
    for path in sorted(glob.glob(os.path.join(folder, "v1", "*.json.gz"))):
        for trace in json.load(gzip.open(path))["data"]:
            for span in trace["spans"]:
                tags = {t["key"]: t["value"] for t in span["tags"]}
                if "bench.busy_us" in tags:
                    busy[span["traceID"].zfill(32), span["spanID"].zfill(16)] = tags["bench.busy_us"] * 1e-6
                if not span["references"]:
                    start = span["startTime"]
                    cell_of[trace["traceID"].zfill(32)] = next(
                        c for c in cells if c["start_us"] <= start <= c["end_us"])
    return busy, cell_of


def visits(kt, folder, *options):
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "rows.csv")
        subprocess.run([kt, "clean", os.path.join(folder, "v1"), "--manifest", os.path.join(folder, "manifest.json"),
                        "--quiet", "--rows", path, *options], check=True)
        with open(path, newline="") as file:
            return [row for row in csv.DictReader(file) if row["fate"] == "row"]


def differences(rows, busy):
    apart = {}
    for row in rows:
        known = busy[row["trace_id"], row["span_id"]]
        apart.setdefault(row["service"], []).append(abs(float(row["proc_time"]) - known))
    return {s: (statistics.median(v), sorted(v)[int(0.95 * len(v))], len(v)) for s, v in sorted(apart.items())}


def main():
    kt, folder = sys.argv[1], os.path.join(os.environ.get("KT_FIXTURES", ""), "bench-traces")
    if not os.path.exists(os.path.join(folder, "manifest.json")):
        print(f"skipped: no traces with known times in {folder} (KT_FIXTURES)")
        return 77
    busy, cell_of = truth(folder)
    bad = []
    rows = visits(kt, folder, "--keep-overload")
    for service, (median, p95, n) in differences(rows, busy).items():
        print(f"{service}: {n} rows, median {median * 1e3:.3f} ms, 95th percentile {p95 * 1e3:.3f} ms apart")
        if median >= MEDIAN or p95 >= P95:
            bad.append(f"{service}: too far from the truth")
    if {row["service"] for row in rows} != {"entry", "catalog", "cart", "payment"}:
        bad.append("not all four services have rows")
    for row in rows:
        cell = cell_of[row["trace_id"]]
        if float(row["rep"]) != cell["rep"][row["service"]]:
            bad.append(f"{row}: rep is {cell['rep'][row['service']]}")
        if float(row["rps_eff"]) != cell["rps_achieved"]:
            bad.append(f"{row}: the cell achieved {cell['rps_achieved']}")
        if not row["cell"].startswith(f"rps={cell['rps_asked']} rep="):
            bad.append(f"{row}: the cell asked {cell['rps_asked']}")
    median, p95, n = differences(visits(kt, folder, "--queue", "none"), busy)["payment"]
    print(f"payment with --queue none: median {median * 1e3:.3f} ms, 95th percentile {p95 * 1e3:.3f} ms apart")
    if p95 < P95:
        bad.append("payment is right without the removal of queues: this test shows nothing")
    if len(rows) < 0.99 * len(busy) - 200:
        bad.append(f"{len(rows)} rows of {len(busy)} visits")
    for line in bad[:10]:
        print(line)
    return 1 if bad else 0


sys.exit(main())
