"""A front before a Jaeger, as newer servers are: front.py PORT TARGET [OPTION...]

  v3-only       the search of the v1 API is gone: its endpoints answer 404 "404 page not found"
  log=FILE      each request's path and query, one a line
"""
import http.server
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

GONE = re.compile(r"/api/(traces|services|operations|services/[^/]+/operations)$")


def main():
    port, target = int(sys.argv[1]), sys.argv[2].rstrip("/")
    options = dict(word.partition("=")[::2] for word in sys.argv[3:])
    log = open(options["log"], "a", buffering=1) if "log" in options else None

    class Front(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if log:
                print(self.path, file=log)
            path = urllib.parse.urlsplit(self.path).path
            if "v3-only" in options and GONE.match(path):
                self.reply(404, "text/plain; charset=utf-8", b"404 page not found\n")
            else:
                self.forward()

        def forward(self):
            try:
                with urllib.request.urlopen(target + self.path, timeout=60) as got:
                    self.reply(got.status, got.headers["Content-Type"], got.read())
            except urllib.error.HTTPError as got:
                self.reply(got.code, got.headers["Content-Type"], got.read())

        def reply(self, status, kind, body):
            self.send_response(status)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Front).serve_forever()


main()
