"""Cleaned times against the time that a worker was really kept, as the test bed says in its spans (bench.busy_us).

busy.py ROWS.csv MANIFEST.json REPLY... [--median MS] [--p95 MS] [--fails SERVICE]

ROWS.csv: kt clean --rows (columns trace, span, service, start, proc_time in s, cell, rep). REPLY: v1 replies of
Jaeger, .json or .json.gz. Every SERVER span of a request that did not fail must have a row, in the right cell and with
the right number of replicas; for each service the absolute difference is below --median (0.15) and --p95 (1.0).
--fails SERVICE: the bounds must be broken for that service, and are not looked at for the others.
"""
import argparse
import csv
import sys

import traces


def truth_of(paths):
    """(trace, span) -> service, busy seconds, start in us; of spans that did not fail and whose callees did not."""
    truth = {}
    for path in paths:
        for trace in traces.load(path)["data"]:
            for span in trace["spans"]:
                tags = traces.tags_of_v1(span)
                if tags.get("span.kind") == "server" and tags["http.status_code"] < 500:
                    service = trace["processes"][span["processID"]]["serviceName"]
                    key = trace["traceID"].zfill(32), span["spanID"].zfill(16)
                    truth[key] = service, tags["bench.busy_us"] / 1e6, span["startTime"]
    return truth


def quantile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


def check(rows, manifest, truth, median_ms, p95_ms, fails):
    """Lines that say what is wrong; prints a table of the services."""
    wrong, seen, differences = [], set(), {}
    for row in rows:
        key = row["trace"].zfill(32), row["span"].zfill(16)
        if key not in truth:
            wrong.append(f"row of {row['service']}: span {key[1]} of trace {key[0]} gives no row")
            continue
        if key in seen:
            wrong.append(f"span {key[1]} of trace {key[0]} has two rows")
        seen.add(key)
        service, busy, start_us = truth[key]
        cell = manifest["cells"][int(row["cell"])]
        if not cell["start_us"] <= start_us <= cell["end_us"]:
            wrong.append(f"span {key[1]} of {service} is not of cell {row['cell']}")
        if float(row["rep"]) != cell["rep"][service]:
            wrong.append(f"{service} in cell {row['cell']}: rep {row['rep']}, not {cell['rep'][service]}")
        if row["service"] != service:
            wrong.append(f"span {key[1]} is of {service}, not {row['service']}")
        differences.setdefault(service, []).append(1e3 * abs(float(row["proc_time"]) - busy))
    missing = {}
    for key in truth.keys() - seen:
        missing[truth[key][0]] = missing.get(truth[key][0], 0) + 1
    wrong += [f"{service}: {n} spans have no row" for service, n in sorted(missing.items())]
    print(f"{'service':12} {'rows':>7} {'median':>8} {'p95':>8} {'max':>9}   |processing time - busy|, ms")
    for service in sorted({t[0] for t in truth.values()}):
        values = differences.get(service, [float("inf")])
        median, p95 = quantile(values, 0.5), quantile(values, 0.95)
        print(f"{service:12} {len(values):7} {median:8.3f} {p95:8.3f} {max(values):9.3f}")
        within = median < median_ms and p95 < p95_ms
        if (not within and fails is None) or (within and service == fails):
            wrong.append(f"{service}: median {median:.3f} and p95 {p95:.3f} ms "
                         f"{'keep' if within else 'break'} the bounds of {median_ms:g} and {p95_ms:g}")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows")
    parser.add_argument("manifest")
    parser.add_argument("replies", nargs="+")
    parser.add_argument("--median", type=float, default=0.15)
    parser.add_argument("--p95", type=float, default=1.0)
    parser.add_argument("--fails", metavar="SERVICE")
    options = parser.parse_args()
    with open(options.rows, newline="") as file:
        rows = list(csv.DictReader(file))
    manifest = traces.load(options.manifest)
    wrong = check(rows, manifest, truth_of(options.replies), options.median, options.p95, options.fails)
    for line in wrong[:20]:
        print(line)
    if wrong:
        sys.exit(f"{len(wrong)} things are wrong")


main()
