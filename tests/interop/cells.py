"""What a campaign says against what was traced: cells.py LOAD_FOLDER REPLY

LOAD_FOLDER: of kt load. REPLY: v1 reply of Jaeger with all traces of the test bed. Each request is one trace; its spans
begin in its cell's time, it was due before and answered after its root, and a cell's pods are as many as its replicas.
"""
import csv
import json
import sys

import traces

SLACK = 0.02  # s: a span is ended after its reply went out


def pod_of(process):
    return {tag["key"]: tag["value"] for tag in process["tags"]}["k8s.pod.name"]


def main():
    folder, reply = sys.argv[1:]
    with open(folder + "/manifest.json") as file:
        cells = json.load(file)["cells"]
    with open(folder + "/requests.csv", newline="") as file:
        requests = {row["trace_id"]: row for row in csv.DictReader(file)}
    found = {trace["traceID"].zfill(32): trace for trace in traces.load(reply)["data"]}
    assert requests.keys() == found.keys(), f"{len(requests)} requests, {len(found)} traces"
    pods = [{} for _ in cells]
    for trace_id, request in requests.items():
        trace, cell = found[trace_id], cells[int(request["cell"])]
        for span in trace["spans"]:
            process = trace["processes"][span["processID"]]
            pods[int(request["cell"])].setdefault(process["serviceName"], set()).add(pod_of(process))
            assert cell["start_us"] <= span["startTime"] <= cell["end_us"], f"{span} is not in cell {cell['cell']}"
        root = min(trace["spans"], key=lambda span: span["startTime"])
        due, replied = float(request["due"]), float(request["due"]) + float(request["ttr"])
        start, end = root["startTime"] / 1e6, (root["startTime"] + root["duration"]) / 1e6
        assert due - 1e-5 < start and end < replied + SLACK, f"{request} is not around its root, {start} to {end}"
        failed = traces.tags_of_v1(root)["http.status_code"] >= 500
        assert failed == (request["error"] == "http-5xx") == (request["status"] == "502"), f"{request}: {root}"
    for cell, seen in zip(cells, pods):
        assert cell["rep"] == {service: len(names) for service, names in seen.items()}, f"{cell}: {seen}"
        n = sum(int(request["cell"]) == cell["cell"] for request in requests.values())
        assert cell["n"] == n, f"{cell}: {n} requests"


main()
