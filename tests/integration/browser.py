# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven by chromedriver over plain WebDriver (https://www.w3.org/TR/webdriver2/)."""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

# A busy machine takes its time to start one.
START_SECONDS = 60
COMMAND_SECONDS = 60

OPTIONS = [
    "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-device-scale-factor=1",
]


class Browser:
    """with Browser() as browser: browser.open("file:///...")"""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="flowlift-browser-")
        self.driver = None
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        log = f"{self.folder}/driver.log"
        # Its own session, so that what it starts can be ended with it; and its own home.
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=open(log, "wb"), stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "HOME": self.folder, "XDG_CONFIG_HOME": f"{self.folder}/config",
                 "XDG_CACHE_HOME": f"{self.folder}/cache", "TMPDIR": self.folder})
        self.url = f"http://127.0.0.1:{self._await_port(log)}"
        arguments = OPTIONS + [f"--user-data-dir={self.folder}/profile"]
        if not os.geteuid():
            arguments.append("--no-sandbox")
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}})
        self.url += f"/session/{session['sessionId']}"

    def _await_port(self, log):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with open(log, encoding="utf-8", errors="replace") as file:
                for line in file:
                    if "started successfully on port " in line:
                        return int(line.rsplit("port ", 1)[1].strip().rstrip("."))
            if self.driver.poll() is not None:
                break
            time.sleep(0.05)
        with open(log, encoding="utf-8", errors="replace") as file:
            raise RuntimeError(f"chromedriver did not start: {file.read()}")

    def __exit__(self, *_):
        if self.driver:
            try:
                self._call("DELETE", "")
            except (OSError, RuntimeError):
                pass
            os.killpg(self.driver.pid, signal.SIGKILL)
            self.driver.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.url + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=COMMAND_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode(errors='replace')}") from None

    def devtools(self, command, **parameters):
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width, height=800, dark=False):
        """The size of the page's own window, whatever that of the browser is, and what the user prefers."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=width < 600)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.messages()
        self.requests()
        self._call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What the JavaScript @script, a function's body, returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": arguments})

    def messages(self):
        """What the console has said since it was asked last."""
        return [f"{entry['level']}: {entry['message']}"
                for entry in self._call("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        """The addresses of all that was asked for since it was asked last."""
        addresses = []
        for entry in self._call("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                addresses.append(message["params"]["request"]["url"])
        return addresses

    def picture(self, whole=True):
        """The page as PNG."""
        parameters = {"format": "png", "captureBeyondViewport": whole}
        if whole:
            size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
            parameters["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": size["height"],
                                  "scale": 1}
        return base64.b64decode(self.devtools("Page.captureScreenshot", **parameters)["data"])

    def pdf(self):
        """The page printed on A4, as its style says."""
        return base64.b64decode(self.devtools("Page.printToPDF", preferCSSPageSize=True,
                                              printBackground=True)["data"])
