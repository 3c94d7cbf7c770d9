"""A server that speaks Jaeger's v1 API over made-up traces, and misbehaves as it is told.

Whole traces of which any span of the service starts in the window come, both ends inclusive, at most `limit`.
`fault(server, n, path, query)` is asked first: (status, headers, body, bytes to send) in place of the answer, or None.
"""
import http.server
import json
import threading
import time
import urllib.parse

BEGIN, END = 1_700_000_000, 1_700_000_060  # seconds since 1970
GAP_US = 200_000
TRACES = 300


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


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fault=None, slow_s=0.0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.traces = [trace(i) for i in range(TRACES)]
        self.fault, self.slow_s, self.log = fault, slow_s, []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, path, query):
        if path == "/api/services":
            return {"data": ["cart", "web"], "errors": None}
        if path == "/api/traces":
            since, until = int(query["start"]), int(query["end"])
            found = [t for t in self.traces if in_window(t, query["service"], since, until)]
            return {"data": found[-int(query["limit"]):], "errors": None}
        if path.startswith("/api/traces/"):
            found = [t for t in self.traces if t["traceID"] == path.rsplit("/", 1)[1]]
            return {"data": found, "errors": None} if found else None
        return None

    def handle_error(self, request, client_address):
        """Clients are killed in the middle of answers."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, url = self.server, urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        server.log.append(self.path)
        if url.path.startswith("/api/traces"):
            time.sleep(server.slow_s)
        fault = server.fault and server.fault(server, len(server.log), url.path, query)
        status, headers, body, sent = fault or (200, {}, server.answer(url.path, query), None)
        if body is None:
            status, body = 404, "404 page not found\n"
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body[:sent])

    def log_message(self, *_):
        pass
