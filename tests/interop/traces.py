"""What traces hold, read without kt.

traces.py ask URL v1|v3 SERVICE SINCE UNTIL   the server's reply for the window (ns since 1970), all of it, raw
traces.py list FILE...                        the spans of replies (.json, .json.gz) or of a kt-spans file (.h5),
                                              one a line, sorted, times in whole microseconds
traces.py settle URL SERVICE SINCE N          waits until the server has N traces and they grow no more
"""
import csv
import datetime
import gzip
import json
import re
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ALL = 100000  # more than any test has, and the most that Jaeger's memory storage may be asked for
V3_KINDS = ("", "internal", "server", "client", "producer", "consumer")
H5_KINDS = ("internal", "server", "client", "producer", "consumer")  # of kt/spans.h


def rfc3339(ns):
    seconds = datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc)
    return f"{seconds:%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09d}Z"


def ask(url, api, service, since, until):
    if api == "v1":
        path = "/api/traces"
        query = {"service": service, "start": since // 1000, "end": until // 1000 + 1, "limit": ALL, "raw": "true"}
    else:
        path = "/api/v3/traces"
        query = {"query.service_name": service, "query.num_traces": ALL, "query.raw_traces": "true",
                 "query.start_time_min": rfc3339(since), "query.start_time_max": rfc3339(until)}
    with urllib.request.urlopen(url + path + "?" + urllib.parse.urlencode(query), timeout=120) as reply:
        return reply.read()


def row(trace, span, parent, kind, start_us, duration_us, service, operation):
    return (trace.zfill(32), span, parent or "0" * 16, kind or "internal", start_us, duration_us, service, operation)


def tags_of_v1(span):
    return {tag["key"]: tag["value"] for tag in span["tags"] or []}


def rows_of_v1(document):
    for trace in document["data"] or []:
        for span in trace["spans"]:
            parents = [r["spanID"] for r in span["references"] or [] if r["traceID"] == span["traceID"]]
            yield row(span["traceID"], span["spanID"], parents[0] if parents else "",
                      tags_of_v1(span).get("span.kind", ""), span["startTime"], span["duration"],
                      trace["processes"][span["processID"]]["serviceName"], span["operationName"])


def rows_of_v3(document):
    for resource in document["result"]["resourceSpans"]:
        tags = {tag["key"]: tag["value"] for tag in resource["resource"]["attributes"]}
        service = tags["service.name"]["stringValue"]
        for scope in resource["scopeSpans"]:
            for span in scope.get("spans", []):
                start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                yield row(span["traceId"], span["spanId"], span.get("parentSpanId", ""), V3_KINDS[span.get("kind", 0)],
                          start // 1000, (end - start) // 1000, service, span.get("name", ""))


def h5_column(path, name, form):
    """One dataset as numbers of struct's form."""
    with tempfile.NamedTemporaryFile() as raw:
        subprocess.run(["h5dump", "-d", name, "-b", "LE", "-o", raw.name, path], check=True, stdout=subprocess.DEVNULL)
        data = raw.read()
    return struct.unpack(f"<{len(data) // struct.calcsize(form)}{form}", data)


def rows_of_h5(path):
    """See kt/spans.h."""
    texts, ends = bytes(h5_column(path, "/text", "B")), h5_column(path, "/text_end", "Q")
    text = [texts[begin:end].decode() for begin, end in zip((0,) + ends, ends)]
    service = [text[i] for i in h5_column(path, "/processes/service", "I")]
    trace = h5_column(path, "/spans/trace", "Q")
    columns = [h5_column(path, "/spans/" + name, form) for name, form in
               (("id", "Q"), ("parent", "Q"), ("kind", "B"), ("start", "q"), ("duration", "q"), ("process", "I"),
                ("operation", "I"))]
    ids = (f"{high:016x}{low:016x}" for high, low in zip(trace[::2], trace[1::2]))
    for trace_id, span, parent, kind, start, duration, process, operation in zip(ids, *columns):
        yield row(trace_id, f"{span:016x}", f"{parent:016x}", H5_KINDS[kind], start // 1000,
                  duration // 1000, service[process], text[operation])


def load(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        return json.load(file)


def rows_of(path):
    if path.endswith(".h5"):
        return rows_of_h5(path)
    document = load(path)
    return rows_of_v1(document) if "data" in document else rows_of_v3(document)


def settle(url, service, since, n):
    """Two seconds without a new span: twice what HotROD's tracer holds them back."""
    last, unchanged, end = None, time.monotonic(), time.monotonic() + 60
    while time.monotonic() < end:
        rows = set(rows_of_v1(json.loads(ask(url, "v1", service, since, time.time_ns()))))
        if rows != last:
            last, unchanged = rows, time.monotonic()
        elif len({r[0] for r in rows}) >= n and time.monotonic() - unchanged > 2:
            return
        time.sleep(0.25)
    sys.exit(f"{url} has {len({r[0] for r in last})} traces of {service} after a minute, not {n}")


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "ask":
        url, api, service, since, until = arguments
        sys.stdout.buffer.write(ask(url, api, service, int(since), int(until)))
        return
    if command == "settle":
        url, service, since, n = arguments
        settle(url, service, int(since), int(n))
        return
    rows = sorted(set(r for path in arguments for r in rows_of(path)))
    csv.writer(sys.stdout, lineterminator="\n").writerows(rows)



if __name__ == "__main__":
    main()
