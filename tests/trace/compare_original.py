#!/usr/bin/env python3
"""kt clean beside the original scripts' rules, in pandas, on the original's example traces.

compare_original.py KT, with KT_FIXTURES=FOLDER: FOLDER/seed-example/traces_rps1.0.csv. The rules, as its authors describe them: rows of a
service sorted by its own start; proc_time = min(duration, end - previous end on the same pod); delay = the caller's
duration - the own one; a caller's proc_time loses, for calls that overlap, their envelope, for others their durations;
rps_eff = 1 / mean gap over 8 consecutive rows of the entry; milliseconds. `kt clean --queue fifo --rps-eff group8` must
give the same numbers here.

Then the two places where kt differs by intent, with made-up spans: it removes the queue before the calls, and clips
calls to the time in which the service worked. Both numbers are shown.

Needs pandas (Debian: python3-pandas; or pip install pandas), which the system's Python has where the one that comes first
in PATH has not. Exit 77: it or the folder is not there; without pandas it is 1 where KT_REQUIRE_INTEROP=1.
"""
import os
import subprocess
import sys
import tempfile

SYSTEM = "/usr/bin/python3"

try:
    import pandas
except ImportError:
    if os.path.exists(SYSTEM) and not os.environ.get("KT_SYSTEM_PYTHON"):
        os.environ["KT_SYSTEM_PYTHON"] = "1"  # once
        os.execv(SYSTEM, [SYSTEM, *sys.argv])
    print("skipped: no pandas (Debian: python3-pandas)")
    sys.exit(1 if os.environ.get("KT_REQUIRE_INTEROP") == "1" else 77)

COLUMNS = ["trace_id", "span_id", "start_time", "duration", "client", "server", "node_id"]


def envelope(calls):
    """What a caller loses: calls that overlap are one, from the first start to the last end."""
    lost, end = 0, None
    for start, stop in sorted(zip(calls.start_time, calls.start_time + calls.duration)):
        if end is None or start >= end:
            lost, end = lost + stop - start, stop
        elif stop > end:
            lost, end = lost + stop - end, stop
    return lost


def original(spans, entry):
    """proc_time, delay (ms) by service and trace, and rps_eff by trace."""
    served, calls = spans[spans.client == spans.server], spans[spans.client != spans.server]
    proc, delay = {}, {}
    for service, rows in served.groupby("server"):
        rows = rows.sort_values("start_time")
        end = rows.start_time + rows.duration
        before = end.groupby(rows.node_id).shift()
        time = pandas.concat([rows.duration, end - before], axis=1).min(axis=1)
        for (_, row), value in zip(rows.iterrows(), time):
            mine = calls[(calls.trace_id == row.trace_id) & (calls.client == service)]
            proc[service, row.trace_id] = (value - envelope(mine)) / 1e3
            caller = calls[(calls.trace_id == row.trace_id) & (calls.server == service)]
            if len(caller):
                delay[service, row.trace_id] = (caller.duration.iloc[0] - row.duration) / 1e3
    roots = served[served.server == entry].sort_values("start_time").reset_index(drop=True)
    gap = roots.start_time.diff().groupby(roots.index // 8).transform("mean")
    return proc, delay, dict(zip(roots.trace_id, 1e6 / gap))


def cleaned(kt, path):
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "rows.csv")
        subprocess.run([kt, "clean", path, "--queue", "fifo", "--rps-eff", "group8", "--quiet", "--rows", out],
                       check=True)
        rows = pandas.read_csv(out, dtype={"trace_id": str})
    return rows[rows.fate == "row"]


def compare(kt, path):
    spans = pandas.read_csv(path, dtype={"trace_id": str})[COLUMNS]
    proc, delay, rate = original(spans, "frontend")
    rows, worst = cleaned(kt, path), 0
    for _, row in rows.iterrows():
        key = row.service, row.trace_id
        apart = [row.proc_time * 1e3 - proc[key], (row.rps_eff - rate[row.trace_id]) / rate[row.trace_id]]
        if key in delay:
            apart.append(row.delay * 1e3 - delay[key])
        elif not pandas.isna(row.delay):
            apart.append(float("inf"))
        worst = max(worst, *map(abs, apart))
    print(f"{os.path.basename(path)}: {len(rows)} rows of {len(proc)}, largest difference {worst:.2g} (ms; of rates: relative)")
    return len(rows) == len(proc) and worst < 1e-9


SPANS = """trace_id,span_id,start_time,duration,client,server,grpc_path,http_status_code,grpc_message,http_method,response_size,request_size,node_id
{0:032x},{1:016x},{2},{3},{4},{5},,200,,GET,0,0,sidecar~10.0.0.1~{6}.ns~ns
"""


def differ(kt):
    """Two requests at once at one pod: the second waits until 100,000 and calls b from 60,000 on, 20,000 before that."""
    table = [(1, 1, 0, 100000, "a", "a", "a-1"), (2, 2, 10000, 150000, "a", "a", "a-1"),
             (2, 3, 80000, 40000, "a", "b", "a-1"), (2, 4, 81000, 38000, "b", "b", "b-1"),
             (3, 5, 2000000, 50000, "a", "a", "a-1")]
    head, line = SPANS.strip().split("\n")
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "traces.csv")
        with open(path, "w") as file:
            print(head, *[line.format(*row) for row in table], sep="\n", file=file)
        proc, _, _ = original(pandas.read_csv(path, dtype={"trace_id": str}), "a")
        ours = cleaned(kt, path).set_index(["service", "trace_id"]).proc_time * 1e3
    key = "a", f"{2:032x}"
    print(f"a call that began while its caller still waited: the original takes all of it from what is left of the "
          f"wait, {proc[key]:.0f} ms; kt the part in which the service worked, {ours[key]:.0f} ms")
    return abs(proc[key] - 20) < 1e-9 and abs(ours[key] - 40) < 1e-9


def main():
    kt, folder = sys.argv[1], os.environ.get("KT_FIXTURES", "")
    path = os.path.join(folder, "seed-example", "traces_rps1.0.csv")
    if not os.path.exists(path):
        print(f"skipped: no example of the original in {folder or 'KT_FIXTURES'}")
        return 77
    good = compare(kt, path)
    return 0 if differ(kt) and good else 1


sys.exit(main())
