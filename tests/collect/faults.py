"""kt collect towards servers that fail, lie and are slow: nothing lost, nothing twice, or one clear message."""
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fault_server
from fault_server import BEGIN, END, TRACES

KT = os.path.join(os.environ["KT_BIN"], "kt")


def once(*answers):
    """The first questions for traces get these answers, later ones the right one."""
    left = list(answers)
    return lambda server, n, path, query: left.pop(0) if path == "/api/traces" and left else None


def always(status, body, headers=None, path="/api/traces"):
    return lambda server, n, asked, query: (status, headers or {}, body, None) if asked.startswith(path) else None


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = os.path.join(folder.name, "spans.h5")
        self.part = self.out + ".part"

    def serve(self, *args, **options):
        server = fault_server.Server(*args, **options)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def command(self, server, *more, out=None, since=BEGIN):
        return [KT, "collect", "--jaeger", getattr(server, "url", server), "--since", str(since), "--until", str(END),
                "--service", "web", "--limit", "40", "--out", out or self.out, *more]

    def collect(self, code, server, *more, **options):
        done = subprocess.run(self.command(server, *more, **options), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def complete(self, server, path=None):
        """All spans, none twice, and no question answered twice."""
        told = json.loads(subprocess.run([KT, "info", path or self.out, "--json"], capture_output=True, check=True).stdout)
        self.assertEqual((told["traces"], told["spans"]), (TRACES, 3 * TRACES))
        self.assertEqual(told["certificate"]["verdict"], "complete")
        self.assertFalse(os.path.exists(self.part))

    def windows(self, server):
        return collections.Counter(path for path in server.log if path.startswith("/api/traces?"))

    def refused(self, server, *words, **options):
        said = self.collect(1, server, "--retries", "1", "--fresh", **options)
        lines = [line for line in said.splitlines() if "trying again" not in line]
        self.assertEqual(len(lines), 1, said)
        for word in words:
            self.assertIn(word, lines[0])
        self.assertFalse(os.path.exists(self.out))


class Passing(Case):
    def test_no_fault(self):
        server = self.serve()
        self.collect(0, server)
        self.complete(server)
        self.assertGreater(len(self.windows(server)), 8)
        self.assertEqual(set(self.windows(server).values()), {1})

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


class Odd(Case):
    def test_huge_replies_are_halved(self):
        def huge(server, n, path, query):
            if path == "/api/traces" and int(query["end"]) - int(query["start"]) > 20_000_000:
                return 200, {}, '{"data":[' + " " * 150_000_000, None
            return None

        server = self.serve(huge)
        child = subprocess.Popen(self.command(server), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0)
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
        self.collect(0, server)
        told = json.loads(subprocess.run([KT, "info", self.out, "--json"], capture_output=True, check=True).stdout)
        self.assertEqual((told["certificate"]["reread"], told["certificate"]["verdict"]), (1, "complete"))
        self.assertEqual((told["traces"], told["spans"]), (TRACES, 3 * TRACES))

    def test_wrapped_duration_and_trace_id_zero(self):
        server = self.serve()
        server.traces[9]["spans"][2]["duration"] = 2**64 - 5
        for span in server.traces[8]["spans"][:1]:
            span["traceID"] = "0" * 32
        server.traces[8]["traceID"], server.traces[8]["spans"] = "0" * 32, server.traces[8]["spans"][:1]
        self.collect(0, server)
        told = json.loads(subprocess.run([KT, "info", self.out, "--json"], capture_output=True, check=True).stdout)
        self.assertEqual((told["traces"], told["spans"]), (TRACES, 3 * TRACES - 2))


class Refused(Case):
    def test_answers(self):
        for words, fault in ((("web page",), always(200, "<!doctype html><html></html>")),
                             (("empty body",), always(200, "")),
                             (("401", "token"), always(401, "no token", path="/api")),
                             (("404",), always(404, "nothing here", path="/api")),
                             (("500", "broken"), always(500, "broken")),
                             (("/api/traces",), always(200, '{"traces":[{"traceID":"1"}],"metrics":{}}'))):
            with self.subTest(words=words):
                self.refused(self.serve(fault), *words)

    def test_collected_is_kept(self):
        server = self.serve(lambda s, n, path, q: (400, {}, "enough", None) if len(self.windows(s)) > 6 else None)
        self.refused(server, "400", "enough")
        self.assertGreater(os.path.getsize(self.part), 1000)
        server.fault = None
        before = set(self.windows(server))
        last = server.log[-1]
        self.collect(0, server)
        self.complete(server)
        self.assertEqual({p for p, n in self.windows(server).items() if n > 1 and p in before}, {last})

    def test_wrong_base_path(self):
        self.refused(self.serve().url + "/jaeger", "404")


class Killed(Case):
    def test_ten_kills(self):
        server = self.serve()
        whole = self.out + ".whole"
        self.collect(0, server, out=whole)
        server.log.clear()
        server.slow_s = 0.1
        chance = random.Random(7)
        kills = 0
        for _ in range(10):
            child = subprocess.Popen(self.command(server), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.1, 0.35))
            child.kill()
            kills += child.wait() == -signal.SIGKILL
        self.assertEqual(kills, 10)
        self.collect(0, server)
        self.complete(server)
        with open(whole, "rb") as a, open(self.out, "rb") as b:
            self.assertTrue(a.read() == b.read(), "spans.h5 is another one")
        # One question at most was under way at each kill.
        self.assertLessEqual(sum(n - 1 for n in self.windows(server).values()), kills)

    def test_sigterm_and_others(self):
        server = self.serve(slow_s=0.1)
        child = subprocess.Popen(self.command(server), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.6)
        self.assertIn("another process", self.collect(1, server))
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(), 75)
        self.assertTrue(os.path.exists(self.part))
        self.assertIn("range", self.collect(1, server, since=BEGIN + 1))
        self.assertIn("services", self.collect(1, server, "--service", "cart"))
        self.assertIn("server", self.collect(1, self.serve()))
        self.collect(0, server)
        self.complete(server)
        self.assertLessEqual(sum(n - 1 for n in self.windows(server).values()), 1)


if __name__ == "__main__":
    unittest.main()
