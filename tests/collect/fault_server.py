"""A server that speaks Jaeger's v1 or v3 API over made-up traces, and misbehaves as it is told.

Whole traces of which any span of the service starts in the window come, both ends inclusive, at most `limit`.
`fault(server, n, path, query)` is asked first: (status, headers, body, bytes to send) in place of the answer, or None. It
sees the questions of both APIs in v1's words: path, and service, start, end (microseconds), limit as query.
"""
import datetime
import gzip
import http.server
import json
import threading
import time
import urllib.parse

BEGIN, END = 1_700_000_000, 1_700_000_060  # seconds since 1970
GAP_US = 200_000
TRACES = 300
V3_KINDS = {"server": 2, "client": 3}


def trace(i):
    """The entry's SERVER span, its CLIENT span and the SERVER span of who was called."""
    begin, name = BEGIN * 1_000_000 + i * GAP_US, f"{i + 1:032x}"
    spans = []
    for k, (kind, process) in enumerate((("server", "p1"), ("client", "p1"), ("server", "p2"))):
        parent = [{"refType": "CHILD_OF", "traceID": name, "spanID": f"{16 * i + k:016x}"}] if k else []
        spans.append({"traceID": name, "spanID": f"{16 * i + k + 1:016x}", "operationName": "GET", "references": parent,
                      "startTime": begin + 1000 * k, "duration": 50_000 - 10_000 * k, "processID": process, "logs": [],
                      "tags": [{"key": "span.kind", "type": "string", "value": kind}]})
    return {"traceID": name, "spans": spans, "warnings": None,
            "processes": {"p1": {"serviceName": "web", "tags": []}, "p2": {"serviceName": "cart", "tags": []}}}


def in_window(t, service, since, until):
    return any(t["processes"][s["processID"]]["serviceName"] == service and since <= s["startTime"] <= until
               for s in t["spans"])


def otlp_span(span):
    begin, duration = span["startTime"], span["duration"]
    duration -= 2**64 if duration >= 2**63 else 0
    return {"traceId": span["traceID"], "spanId": span["spanID"], "name": span["operationName"],
            "parentSpanId": span["references"][0]["spanID"] if span["references"] else "",
            "kind": V3_KINDS[span["tags"][0]["value"]], "startTimeUnixNano": str(1000 * begin),
            "endTimeUnixNano": str(1000 * (begin + duration)), "status": {}}


def otlp(traces):
    resources = []
    for t in traces:
        for process, about in t["processes"].items():
            spans = [otlp_span(s) for s in t["spans"] if s["processID"] == process]
            name = {"key": "service.name", "value": {"stringValue": about["serviceName"]}}
            resources.append({"resource": {"attributes": [name]}, "scopeSpans": [{"scope": {}, "spans": spans}]})
    return {"result": {"resourceSpans": resources}}


def microseconds(text):
    """Of RFC 3339 with nine digits of a second."""
    whole, fraction = text.rstrip("Z").split(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 1_000_000 + int(fraction) // 1000


def in_words_of_v1(path, query):
    names = {"query.service_name": "service", "query.num_traces": "limit"}
    times = {"query.start_time_min": "start", "query.start_time_max": "end"}
    words = {names.get(k, times.get(k, k)): str(microseconds(v)) if k in times else v for k, v in query.items()}
    return path.replace("/api/v3/", "/api/"), words


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fault=None, slow_s=0.0, form=1, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.traces = [trace(i) for i in range(TRACES)]
        self.fault, self.slow_s, self.form, self.log, self.sent = fault, slow_s, form, [], 0
        self.base, self.wanted, self.packed = "", {}, False  # path; headers without which it is 401; gzip
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, path, query):
        """Status and document, or a text."""
        if path == "/api/services":
            names = ["cart", "web"]
            return 200, {"services": names} if self.form == 3 else {"data": names, "errors": None}
        found = None
        if path == "/api/traces":
            since, until = int(query["start"]), int(query["end"])
            found = [t for t in self.traces if in_window(t, query["service"], since, until)][-int(query["limit"]):]
            self.sent += len(found)
        elif path.startswith("/api/traces/"):
            found = [t for t in self.traces if t["traceID"] == path.rsplit("/", 1)[1]]
        if found is None:
            return 404, "404 page not found\n"
        if self.form == 1:
            return 200, {"data": found, "errors": None}
        if not found:
            return 404, {"error": {"httpCode": 404, "message": "No traces found"}}
        return 200, otlp(found)

    def handle_error(self, request, client_address):
        """Clients are killed in the middle of answers."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, url = self.server, urllib.parse.urlsplit(self.path)
        below = url.path.removeprefix(server.base)
        path, query = in_words_of_v1(below, dict(urllib.parse.parse_qsl(url.query)))
        server.log.append(self.path)
        if path.startswith("/api/traces"):
            time.sleep(server.slow_s)
        fault = server.fault and server.fault(server, len(server.log), path, query)
        other_form = below.startswith("/api/v3/") != (server.form == 3) or not url.path.startswith(server.base)
        if fault:
            status, headers, body, sent = fault
        elif any(self.headers.get(name) != value for name, value in server.wanted.items()):
            status, headers, body, sent = 401, {}, "missing tenant header", None
        elif other_form:
            status, headers, body, sent = 404, {}, "404 page not found\n", None
        else:
            (status, body), headers, sent = server.answer(path, query), {}, None
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        if server.packed and "gzip" in self.headers.get("Accept-Encoding", ""):
            body, headers = gzip.compress(body, 1), {**headers, "Content-Encoding": "gzip"}
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body[:sent])

    def log_message(self, *_):
        pass
