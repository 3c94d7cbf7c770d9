"""The largest reply that kt collect takes by default, in the form that costs its reader most (one resource that holds
all spans, v3), and again for both halves of its window: the whole pull stays below 300 MB."""
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading

BEGIN = 1_700_000_000  # seconds since 1970
KT = os.path.join(os.environ["KT_BIN"], "kt")
HELP = subprocess.run([KT, "collect", "--help"], capture_output=True, text=True, check=True).stdout
LARGEST = int(re.search(r"--most-mb MB.*?default (\d+)\)", HELP, re.DOTALL).group(1)) * 2**20 - 1000  # bytes
MOST_KIB = 300_000
TAGS = [{"key": f"attribute.number.{i}", "value": {"stringValue": f"some value of usual length {i}"}} for i in range(9)]


def span(i):
    begin = BEGIN * 10**9 + i * 10**5
    text = {"traceId": f"{i + 1:032x}", "spanId": f"{i + 1:016x}", "name": "GET", "kind": 2, "attributes": TAGS,
            "startTimeUnixNano": str(begin), "endTimeUnixNano": str(begin + 5000), "status": {}}
    return json.dumps(text)


def reply():
    head = ('{"result":{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},'
            '"scopeSpans":[{"spans":[')
    spans, size = [], len(head)
    while size < LARGEST - 2000:
        spans.append(span(len(spans)))
        size += len(spans[-1]) + 1
    return len(spans), (head + ",".join(spans) + "]}]}]}}").encode()


COUNT, TRACES = reply()


class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        services = self.path == "/api/v3/services"
        Handler.asked += not services
        body = b'{"services":["web"]}' if services else TRACES
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory() as folder:
    child = subprocess.Popen([KT, "collect", "--jaeger", f"http://127.0.0.1:{server.server_port}", "--since", str(BEGIN),
                              "--until", str(BEGIN + 10), "--limit", "1000000", "--out",
                              os.path.join(folder, "spans.h5"), "--json"], stdout=subprocess.PIPE)
    certificate = json.load(child.stdout)
    _, status, used = os.wait4(child.pid, 0)
print(f"{COUNT} spans, {len(TRACES) / 1e6:.1f} MB, {used.ru_maxrss} KiB, {Handler.asked} questions")
good = status == 0 and certificate["spans"] == COUNT and Handler.asked == 3 and used.ru_maxrss < MOST_KIB
sys.exit(0 if good else 1)
