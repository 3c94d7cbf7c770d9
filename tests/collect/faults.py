"""kt collect towards servers that fail, lie and are slow: nothing lost, nothing twice, or one clear message.

KT_FORM says which of Jaeger's APIs the server speaks: 1 or 3."""
import collections
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "interop")]
import fault_server
import traces
from fault_server import BEGIN, END, TRACES

KT = os.path.join(os.environ["KT_BIN"], "kt")
FORM = int(os.environ.get("KT_FORM", 1))
PAGE = "<!doctype html><html></html>"
TEMPO = {"traces": [{"traceID": "1", "rootServiceName": "web", "startTimeUnixNano": "1700000000000000000"}],
         "metrics": {"inspectedTraces": 1}}


def once(*answers):
    """The first questions for traces get these answers, later ones the right one."""
    left = list(answers)
    return lambda server, n, path, query: left.pop(0) if path == "/api/traces" and left else None


def always(status, body, headers=None, path="/api/traces"):
    return lambda server, n, asked, query: (status, headers or {}, body, None) if asked.startswith(path) else None


class Case(unittest.TestCase):
    def setUp(self):
        """Also before each of several cases of a test: a folder of its own."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.out = os.path.join(folder.name, "spans.h5")
        self.part = self.out + ".part"

    def serve(self, *args, **options):
        server = fault_server.Server(*args, form=FORM, **options)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def command(self, server, *more, out=None, since=BEGIN, until=END, limit=40):
        return [KT, "collect", "--jaeger", getattr(server, "url", server), "--since", str(since), "--until", str(until),
                "--limit", str(limit), "--out", out or self.out, *more]

    def collect(self, code, server, *more, **options):
        more = more if "--service" in more else ("--service", "web", *more)
        done = subprocess.run(self.command(server, *more, **options), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def told(self, path=None):
        done = subprocess.run([KT, "info", path or self.out, "--json"], capture_output=True, check=True)
        return json.loads(done.stdout)

    def complete(self, server, path=None):
        """The very spans that the server has, none twice."""
        path, told = path or self.out, self.told(path)
        there = sorted(traces.rows_of_v1({"data": server.traces}))
        self.assertEqual(sorted(set(traces.rows_of_h5(path))), there)
        self.assertEqual((told["traces"], told["spans"]), (len(server.traces), len(there)))
        self.assertEqual(told["certificate"]["verdict"], "complete")
        self.assertFalse(os.path.exists(self.part))

    def windows(self, server):
        return collections.Counter(path for path in server.log if "/traces?" in path)

    def one_message(self, said, *words):
        lines = [line for line in said.splitlines() if "trying again" not in line]
        self.assertEqual(len(lines), 1, said)
        for word in words:
            self.assertIn(word, lines[0])

    def refused(self, server, *words, options=(), **more):
        self.one_message(self.collect(1, server, "--retries", "1", *options, **more), *words)
        self.assertFalse(os.path.exists(self.out))


class Passing(Case):
    def test_no_fault(self):
        server = self.serve()
        self.collect(0, server)
        self.complete(server)
        self.assertGreater(len(self.windows(server)), 8)
        self.assertEqual(set(self.windows(server).values()), {1})
        told = self.told()["certificate"]
        self.assertEqual((told["halved"], told["checked"], told["left_out"]), (1, 2, 0))
        self.assertLess(server.sent, 1.45 * TRACES)  # one full reply, and two windows once more in halves

    def test_all_services(self):
        server = self.serve()
        done = subprocess.run(self.command(server, "--quiet"), capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.complete(server)

    def test_a_long_range_with_little_in_it(self):
        server = self.serve()
        self.collect(0, server, since=BEGIN - 30 * 86400)
        self.complete(server)
        self.assertLess(len(self.windows(server)), 70)

    def test_behind_a_proxy_with_a_token_and_a_tenant(self):
        server = self.serve()
        server.base, server.packed = "/jaeger", True
        server.wanted = {"Authorization": "Bearer s3cret", "x-scope": "blue", "Host": "jaeger.invalid:16686"}
        token = os.path.join(self.folder, "token")
        with open(token, "w") as file:
            file.write("s3cret\n")
        there = ("http://jaeger.invalid:16686/jaeger/", "--proxy", server.url)
        tenant = ("--tenant", "blue", "--tenant-header", "x-scope")
        self.refused(there[0], "401", "missing tenant", "--token-file", options=(*there[1:], *tenant))
        self.refused(there[0], "401", "--tenant", options=(*there[1:], "--token-file", token))
        said = self.collect(0, *there, *tenant, "--token-file", token)
        self.complete(server)
        with open(self.out, "rb") as file:
            self.assertNotIn("s3cret", said + file.read().decode("latin-1"))
        os.environ["KT_JAEGER_TOKEN"] = "s3cret"
        self.addCleanup(os.environ.pop, "KT_JAEGER_TOKEN")
        self.collect(0, *there, *tenant, "--fresh")
        self.complete(server)

    def check(self, again, *answers):
        server = self.serve(once(*answers))
        said = self.collect(0, server)
        self.assertEqual(said.count("trying again"), again, said)
        self.complete(server)
        self.assertEqual(sum(n - 1 for n in self.windows(server).values()), again)

    def test_429_keeps_to_retry_after(self):
        begin = time.monotonic()
        self.check(1, (429, {"Retry-After": 2}, "slow down", None))
        self.assertGreaterEqual(time.monotonic() - begin, 2)

    def test_500_twice(self):
        self.check(2, (500, {}, "no", None), (500, {}, "no", None))

    def test_cut_mid_body(self):
        self.check(1, (200, {}, '{"data":[' + " " * 5000, 2000))

    def test_empty_body(self):
        self.check(1, (200, {}, "", None))

    def test_a_limit_above_the_server_s(self):
        for status, words in ((500, "search depth must be greater than 0 and less than max traces"),
                              (400, "incorrect trace query params: limit 40 out of range [0, 30]"),
                              (400, "incorrect trace query params: limit should be not higher than 30")):
            with self.subTest(words=words):
                server = self.serve(lambda s, n, path, q: (status, {}, words, None)
                                    if path == "/api/traces" and int(q["limit"]) > 30 else None)
                self.assertEqual(self.collect(0, server, "--fresh"), "")
                self.complete(server)


class Odd(Case):
    def test_huge_replies_are_halved(self):
        def huge(server, n, path, query):
            if path == "/api/traces" and int(query["end"]) - int(query["start"]) > 4_000_000:
                return 200, {}, '{"data":[' + " " * 150_000_000, None
            return None

        server = self.serve(huge)
        child = subprocess.Popen(self.command(server, "--service", "web"), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
        if "KT_SANITIZE" not in os.environ:  # which takes memory of its own
            self.assertLess(used.ru_maxrss, 300_000)  # KiB
        self.complete(server)
        self.assertEqual(set(self.windows(server).values()), {1})

    def test_a_trace_that_grows(self):
        server = self.serve()
        late = fault_server.trace(7)
        server.traces[7] = {**late, "spans": late["spans"][1:]}

        def grow(server, n, path, query):
            if path.startswith("/api/traces/"):
                server.traces[7] = late

        server.fault = grow
        self.collect(0, server, "--service", "cart")
        self.assertEqual(self.told()["certificate"]["reread"], 1)
        self.complete(server)

    def overlap(self, server, n, gap_us=100_000):
        """The first n traces get spans at the same moments up to the end of the range."""
        begin = server.traces[0]["spans"][0]["startTime"]
        for t in server.traces[:n]:
            root = t["spans"][0]
            for i in range(2, 59_000_000 // gap_us):
                t["spans"].append({**root, "spanID": f"{2**32 + i:016x}", "startTime": begin + i * gap_us,
                                   "references": [{"refType": "CHILD_OF", "traceID": t["traceID"], "spanID": root["spanID"]}]})

    def test_a_trace_in_every_window(self):
        server = self.serve()
        self.overlap(server, 1)
        self.collect(0, server, limit=4)
        self.complete(server)
        self.assertLess(len(self.windows(server)), TRACES)

    def test_more_long_traces_than_a_reply_holds(self):
        server = self.serve()
        self.overlap(server, 5, gap_us=1_000_000)
        self.refused(server, "stay full", "--limit", limit=4)
        self.collect(0, server, "--fresh")
        self.complete(server)

    def test_wrapped_duration_and_trace_id_zero(self):
        server = self.serve()
        server.traces[9]["spans"][2]["duration"] = 2**64 - 5
        for span in server.traces[8]["spans"][:1]:
            span["traceID"] = "0" * 32
        server.traces[8]["traceID"], server.traces[8]["spans"] = "0" * 32, server.traces[8]["spans"][:1]
        self.collect(0, server)
        server.traces[9]["spans"][2]["duration"] = 0  # as it is kept, with a flag
        self.complete(server)


# What a server answers that is none of Jaeger's answers, and what the message says.
ANSWERS = ((("web page", "base path"), always(200, PAGE, path="/api")),
           (("web page", "base path"), always(200, PAGE)),
           (("empty body",), always(200, "")),
           (("401", "no token", "--token-file"), always(401, "no token", path="/api")),
           (("403", "--tenant"), always(403, "no tenant")),
           (("302", "login.example", "login page"), always(302, "", {"Location": "https://login.example/"}, "/api")),
           (("404", "base path"), always(404, "nothing here", path="/api")),
           (("404", "base path"), always(404, "404 page not found")),
           (("500", "broken"), always(500, "broken")),
           (("400", "what is that"), always(400, '{"errors":[{"code":400,"msg":"what is that"}]}')),
           (("/traces", "Grafana Tempo"), always(200, TEMPO)),
           (("/traces", "Grafana Tempo"), always(200, {"batches": [{"resource": {}, "scopeSpans": []}]})),
           (("/traces",), always(200, '{"data":[{"traceID":')))


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Refused(Case):
    def test_answers(self):
        for words, fault in ANSWERS:
            with self.subTest(words=words):
                self.setUp()
                self.refused(self.serve(fault), *words)
                self.assertFalse(os.path.exists(self.part) and os.path.getsize(self.part) == 0)

    def test_what_was_collected_is_kept(self):
        for words, fault in ANSWERS:
            with self.subTest(words=words):
                self.setUp()
                server = self.serve(lambda *question: fault(*question) if len(self.windows(question[0])) > 4 else None)
                self.refused(server, *words)
                kept = os.path.getsize(self.part)
                self.assertGreater(kept, 1000)
                self.refused(server, *words)
                self.assertEqual(os.path.getsize(self.part), kept)
                asked = list(self.windows(server))
                server.fault = None
                self.collect(0, server)
                self.complete(server)
                self.assertLessEqual({p for p, n in self.windows(server).items() if n > 1}, {asked[-1]})

    def test_addresses(self):
        server = self.serve()
        port = closed_port()
        for url, words in ((f"http://127.0.0.1:{port}", ("no connection", str(port))),
                           ("http://255.255.255.255:16686", ("no connection", "255.255.255.255")),
                           ("http://no-such-host.invalid", ("no such host", "no-such-host.invalid")),
                           (server.url + "/jaeger", ("404", "base path")),
                           (server.url.replace("http:", "https:"), ("no TLS", "http://")),
                           ("http://user:secret@127.0.0.1:" + str(port), ("no connection", str(port)))):
            with self.subTest(url=url):
                said = self.collect(1, url, "--retries", "1")
                self.one_message(said, *words)
                self.assertNotIn("secret", said)
                self.assertEqual(os.listdir(self.folder), [])

    def test_the_part_outlives_a_server_that_is_gone(self):
        server = self.serve(lambda *question: (400, {}, "no", None) if len(self.windows(question[0])) > 4 else None)
        self.refused(server, "400")
        kept = os.path.getsize(self.part)
        url, server.fault = server.url, None
        server.shutdown()
        server.server_close()
        self.refused(url, "no connection")
        self.assertEqual(os.path.getsize(self.part), kept)

    def test_what_is_asked(self):
        server = self.serve()
        self.refused(server, "no service 'wep'", "'web'", options=("--service", "wep"))
        self.refused(server, "no trace of web", since=BEGIN - 5000, until=BEGIN - 4000)
        self.assertEqual(os.listdir(self.folder), [])

    def test_before_the_server_is_asked(self):
        server = self.serve()
        taken = os.path.join(self.folder, "notes.txt")
        with open(taken, "w") as file:
            file.write("mine")
        for code, words, options in ((1, ("/no-such-folder/x.h5",), {"out": "/no-such-folder/x.h5"}),
                                     (1, ("notes.txt", "holds no spans"), {"out": taken}),
                                     (1, ("holds no spans",), {"out": self.folder}),
                                     (2, ("--since", "in the future"), {"since": 4_000_000_000, "until": 4_000_000_100}),
                                     (2, ("not before --until",), {"since": BEGIN, "until": BEGIN})):
            with self.subTest(words=words):
                for more in ((), ("--fresh",)):
                    self.one_message(self.collect(code, server, *more, **options), *words)
        self.assertEqual(server.log, [])
        self.assertEqual(os.listdir(self.folder), ["notes.txt"])
        with open(taken) as file:
            self.assertEqual(file.read(), "mine")


class Finished(Case):
    def test_again(self):
        server = self.serve()
        self.collect(0, server)
        with open(self.out, "rb") as file:
            first = file.read()
        asked = len(server.log)
        self.assertIn("finished already", self.collect(0, server))
        self.assertIn("finished already", self.collect(0, server, "--limit", "7", "--retries", "2"))
        for words, options, more in (("services", ("--service", "cart"), {}), ("range", (), {"until": END - 1}),
                                     ("tags", ("--tag", "http.route"), {}), ("settle", ("--settle", "60"), {}),
                                     ("api", ("--api", f"v{FORM}"), {}), ("sampling", ("--sampling", "0.5"), {}),
                                     ("backend", ("--backend", "cassandra"), {})):
            with self.subTest(words=words):
                self.one_message(self.collect(1, server, *options, **more), "holds a pull with " + words, "--fresh")
        self.one_message(self.collect(1, self.serve()), "holds a pull with server")
        self.assertEqual(len(server.log), asked)
        with open(self.out, "rb") as file:
            self.assertEqual(file.read(), first)
        self.collect(0, server, "--fresh", "--tag", "http.route")
        self.complete(server)
        self.assertGreater(len(server.log), asked)

    def test_fresh_keeps_the_old_one_until_the_end(self):
        server = self.serve()
        self.collect(0, server)
        server.fault = always(400, "no")
        self.collect(1, server, "--fresh")
        server.fault = None
        os.unlink(self.part)
        self.assertIn("finished already", self.collect(0, server))

    def test_fresh_gives_up_what_another_left(self):
        server = self.serve(lambda *question: (400, {}, "no", None) if len(self.windows(question[0])) > 4 else None)
        self.refused(server, "400")
        other = self.serve()
        self.refused(other, "holds a pull with server", server.url, other.url)
        self.collect(0, other, "--fresh")
        self.complete(other)

    def test_an_incomplete_one_says_so_again(self):
        server = self.serve()
        server.traces[7]["spans"] = server.traces[7]["spans"][1:]
        for _ in range(2):
            self.assertIn("incomplete", self.collect(3, server, "--service", "cart"))

    def test_a_server_that_loses_traces(self):
        """Never more than 30 of those that there are, far from the limit."""
        def lose(server, n, path, query):
            if path != "/api/traces":
                return None
            status, body = server.answer(path, {**query, "limit": "30"})
            return status, {}, body, None

        for more in ((), ("--backend", "cassandra")):
            self.setUp()
            server = self.serve(lose)
            self.assertIn("incomplete", self.collect(3, server, *more, limit=200))
            certificate = self.told()["certificate"]
            self.assertGreater(certificate["left_out"], 0)
            self.assertIn("loses traces silently", certificate["reason"])

    def test_cassandra_is_unknown(self):
        self.collect(0, self.serve(), "--backend", "cassandra")
        certificate = self.told()["certificate"]
        self.assertEqual(certificate["verdict"], "unknown")
        self.assertIn("Cassandra leaves traces out of replies that are not full", certificate["reason"])


class Killed(Case):
    def test_ten_kills(self):
        server = self.serve()
        whole = self.out + ".whole"
        self.collect(0, server, out=whole, limit=8)
        server.log.clear()
        server.slow_s = 0.03
        chance = random.Random(7)
        kills = 0
        for _ in range(10):
            child = subprocess.Popen(self.command(server, "--service", "web", limit=8), stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.05, 0.25))
            child.kill()
            kills += child.wait() == -signal.SIGKILL
        self.assertEqual(kills, 10)
        self.collect(0, server, limit=8)
        self.complete(server)
        with open(whole, "rb") as a, open(self.out, "rb") as b:
            self.assertTrue(a.read() == b.read(), "spans.h5 is another one")
        # One question at most was under way at each kill.
        self.assertLessEqual(sum(n - 1 for n in self.windows(server).values()), kills)

    def test_sigterm_and_others(self):
        server = self.serve(slow_s=0.1)
        child = subprocess.Popen(self.command(server, "--service", "web"), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        time.sleep(0.6)
        self.assertIn("another process", self.collect(1, server))
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(), 75)
        self.assertTrue(os.path.exists(self.part))
        self.assertIn("range", self.collect(1, server, since=BEGIN + 1))
        self.assertIn("services", self.collect(1, server, "--service", "cart"))
        self.assertIn("tags", self.collect(1, server, "--tag", "http.route"))
        self.assertIn("server", self.collect(1, self.serve()))
        self.collect(0, server)
        self.complete(server)
        self.assertLessEqual(sum(n - 1 for n in self.windows(server).values()), 1)


class Tls(Case):
    def certificate(self, name):
        """A context that shows a certificate for `name`, signed by itself, and the certificate's file."""
        pem, key = (os.path.join(self.folder, f"{name.replace(':', '')}.{end}") for end in ("pem", "key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                        "-addext", "subjectAltName=" + name, "-keyout", key, "-out", pem], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, key)
        return context, pem

    def test_certificates_are_checked(self):
        context, pem = self.certificate("IP:127.0.0.1")
        other, other_pem = self.certificate("DNS:other.example")
        server, wrong = self.serve(tls=context), self.serve(tls=other)
        self.refused(server, "not trusted", "CA file")
        self.refused(server, "not trusted", options=("--jaeger-ca-file", other_pem))
        self.refused(wrong, "127.0.0.1", "another host", options=("--jaeger-ca-file", other_pem))
        self.refused(server, "cannot read", "none.pem", options=("--jaeger-ca-file", os.path.join(self.folder, "none.pem")))
        self.assertEqual(server.log + wrong.log, [])
        self.collect(0, server, "--jaeger-ca-file", pem)
        self.complete(server)


if __name__ == "__main__":
    unittest.main()
