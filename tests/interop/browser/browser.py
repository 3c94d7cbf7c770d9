"""Headless Chromium over its DevTools pipe (--remote-debugging-pipe: messages of JSON that end in a NUL): no port, no
library."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


PATIENCE = 120  # seconds for one answer: machines that test are busy


class Failed(Exception):
    pass


class Browser:
    def __init__(self, program):
        to_read, self.write = os.pipe()
        self.read, to_write = os.pipe()
        self.profile = tempfile.mkdtemp()
        command = [program, "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
                   "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb",
                   "--user-data-dir=" + self.profile]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # which root cannot have
        script = 'exec "$0" "$@" 3<&%d 4>&%d' % (to_read, to_write)
        self.log = open(os.path.join(self.profile, "stderr"), "w+")
        self.process = subprocess.Popen(["bash", "-c", script, *command], pass_fds=(to_read, to_write),
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.events, self.last, self.session = b"", [], 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(domain + ".enable")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self, until):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read], [], [], max(0, until - time.monotonic()))
            part = os.read(self.read, 1 << 20) if ready else b""
            if not part:
                self.log.seek(0)
                raise Failed("no answer from the browser: " + self.log.read()[-800:])
            self.buffer += part
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **parameters):
        self.last += 1
        request = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        until = time.monotonic() + PATIENCE
        while True:
            answer = self.message(until)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise Failed("%s: %s" % (method, answer["error"]["message"]))
                return answer["result"]
            self.events.append(answer)

    def wait(self, event):
        until = time.monotonic() + PATIENCE
        while True:
            for i, e in enumerate(self.events):
                if e.get("method") == event:
                    return self.events.pop(i)
            self.events.append(self.message(until))

    # ---- a page ----

    def open(self, path):
        self.events.clear()
        self.call("Page.navigate", url="about:blank")
        self.wait("Page.loadEventFired")
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait("Page.loadEventFired")

    def complaints(self):
        """Errors of the console, exceptions, and whatever was fetched besides the page."""
        self.run("0")
        found = []
        for e in self.events:
            p = e.get("params", {})
            if e["method"] == "Runtime.exceptionThrown":
                found.append("exception: " + json.dumps(p["exceptionDetails"].get("exception", {}).get("description")))
            if e["method"] == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
                found.append("console: " + json.dumps(p["args"])[:300])
            if e["method"] == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
                found.append("log: " + p["entry"]["text"])
            if e["method"] == "Network.requestWillBeSent" and not p["request"]["url"].startswith(("file://", "about:")):
                found.append("fetched " + p["request"]["url"])
        return found

    def run(self, script):
        """The value of an expression (of a promise: what it comes to)."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Failed("%s: %s" % (script[:200], answer["exceptionDetails"].get("exception", {}).get("description")))
        return answer["result"].get("value")

    def look(self, width, theme="light", height=900, media=""):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": theme}])
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def picture(self, selector=None):
        """PNG of an element, or of the whole page."""
        clip = {}
        if selector:
            box = self.run("(() => { const r = document.querySelector(%s).getBoundingClientRect(); return "
                           "[r.x + scrollX, r.y + scrollY, r.width, r.height] })()" % json.dumps(selector))
            clip = {"clip": dict(zip(("x", "y", "width", "height", "scale"), box + [1]))}
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True, **clip)["data"])

    def key(self, key, code=None, number=0, text=None):
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                      windowsVirtualKeyCode=number, **more)

    def click(self, selector, nth=0):
        x, y = self.run("(() => { const e = document.querySelectorAll(%s)[%d]; "
                        "e.scrollIntoView({block: 'center'}); const r = "
                        "e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()"
                        % (json.dumps(selector), nth))
        self.click_at(x, y)

    def click_at(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])
