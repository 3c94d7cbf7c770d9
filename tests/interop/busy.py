"""Cleaned times against the time that a worker was really kept, as the test bed says in its spans (bench.busy_us).

busy.py KT TRACES MANIFEST REPLY... [--p95 MS]

TRACES is what `kt clean` reads, REPLY the same as v1 replies of Jaeger, .json or .json.gz. With its defaults it must
give a row for every SERVER span that did not fail, save in overloaded cells, in the right load step, with the right
rate and replicas; and for each service the absolute difference has a median below 0.15 ms and a 95th percentile below
--p95 (1.0). Without the removal of queues (--queue none) it must not, for payment: else this shows nothing.
"""
import argparse
import csv
import os
import subprocess
import sys
import tempfile

import traces

MEDIAN = 0.15  # ms
LOST = 0.001  # of a service's rows: where a later request ended first no time is left, and such rows are dropped


def cell_at(cells, start_us):
    """The cell that gives rows: one that was not overloaded."""
    for cell in cells:
        if cell["start_us"] <= start_us <= cell["end_us"]:
            wanted = cell.get("rps_drawn", cell["rps_asked"])
            return cell if cell["rps_achieved"] >= 0.9 * wanted else None
    return None


def truth_of(paths, cells):
    """(trace, span) -> service, busy ms, cell; of spans that did not fail and whose callees did not."""
    truth = {}
    for path in paths:
        for trace in traces.load(path)["data"]:
            for span in trace["spans"]:
                tags, cell = traces.tags_of_v1(span), cell_at(cells, span["startTime"])
                if cell and tags.get("span.kind") == "server" and tags["http.status_code"] < 500:
                    key = trace["traceID"].zfill(32), span["spanID"].zfill(16)
                    service = trace["processes"][span["processID"]]["serviceName"]
                    truth[key] = service, tags["bench.busy_us"] / 1e3, cell
    return truth


def clean(kt, what, manifest, *options):
    """The rows of the dataset, by (trace, span)."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "rows.csv")
        subprocess.run([kt, "clean", what, "--manifest", manifest, "--quiet", "--rows", path, *options], check=True)
        with open(path, newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["fate"] == "row"]
    by_span = {(row["trace_id"], row["span_id"]): row for row in rows}
    assert len(by_span) == len(rows), "a span has two rows"
    return by_span


def quantile(values, p):
    ordered = sorted(values)
    return ordered[int(p * len(ordered))]


def differences(rows, truth):
    """Service -> (n, median, p95, max) of |processing time - busy|, ms."""
    apart = {}
    for key, row in rows.items():
        apart.setdefault(row["service"], []).append(abs(1e3 * float(row["proc_time"]) - truth[key][1]))
    return {service: (len(v), quantile(v, 0.5), quantile(v, 0.95), max(v)) for service, v in sorted(apart.items())}


def wrong_labels(rows, truth):
    for key, row in rows.items():
        if key not in truth:
            yield f"{row}: this span gives no row"
            continue
        service, _, cell = truth[key]
        if row["service"] != service:
            yield f"{row}: the service is {service}"
        elif float(row["rep"]) != cell["rep"][service]:
            yield f"{row}: there are {cell['rep'][service]} replicas"
        elif float(row["rps_eff"]) != cell["rps_achieved"] or not row["cell"].startswith(f"rps={cell['rps_asked']:g} "):
            yield f"{row}: {cell['rps_asked']} was asked and {cell['rps_achieved']} achieved"


def main():
    parser = argparse.ArgumentParser()
    for name in ("kt", "traces", "manifest"):
        parser.add_argument(name)
    parser.add_argument("replies", nargs="+")
    parser.add_argument("--p95", type=float, default=1.0)
    options = parser.parse_args()
    truth = truth_of(options.replies, traces.load(options.manifest)["cells"])
    rows = clean(options.kt, options.traces, options.manifest)
    wrong = list(wrong_labels(rows, truth))
    expected = {}
    for service, _, _ in truth.values():
        expected[service] = expected.get(service, 0) + 1
    found = differences(rows, truth)
    print(f"{'service':12} {'rows':>7} {'median':>8} {'p95':>8} {'max':>9}   |processing time - busy|, ms")
    for service, n in sorted(expected.items()):
        have, median, p95, most = found.get(service, (0, float("inf"), float("inf"), float("inf")))
        print(f"{service:12} {have:7} {median:8.3f} {p95:8.3f} {most:9.3f}")
        if have < n - max(1, LOST * n):
            wrong.append(f"{service}: {have} rows of {n}")
        if median >= MEDIAN or p95 >= options.p95:
            wrong.append(f"{service}: beyond the bounds of {MEDIAN:g} and {options.p95:g} ms")
    queued = differences(clean(options.kt, options.traces, options.manifest, "--queue", "none"), truth)["payment"]
    print(f"{'payment':12} {queued[0]:7} {queued[1]:8.3f} {queued[2]:8.3f} {queued[3]:9.3f}   with --queue none")
    if queued[2] < options.p95:
        wrong.append("payment keeps the bounds with its queue in it")
    for line in wrong[:20]:
        print(line)
    if wrong:
        sys.exit(f"{len(wrong)} things are wrong")


main()
