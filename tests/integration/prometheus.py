# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus on a folder of its own, on a free port of the loopback address."""

import json
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import tap
from agents import wait_until
from answer import PATIENCE, SOURCE

RULES = f"{SOURCE}/agent/monitoring/flowlift.rules.yml"
HOST = "127.0.0.1"


def free_port():
    """Nobody's a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def get(url, seconds=10):
    """Past any proxy. Return: text of the answer; raises OSError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=seconds * PATIENCE) as answer:
        return answer.read().decode()


class Prometheus:
    """A context manager: scrapes @target ("HOST:PORT") each second, with flowlift's rules.

    An alert waits for a second where it waits for minutes in the rules.
    """

    def __init__(self, folder, target, env=None):
        self.folder, self.target, self.env = folder, target, env
        self.address = f"{HOST}:{free_port()}"

    def __enter__(self):
        if not shutil.which("prometheus"):
            tap.skip("Prometheus is not installed")
        with open(RULES, encoding="utf-8") as rules, \
                open(f"{self.folder}/rules.yml", "w", encoding="utf-8") as quick:
            quick.write(re.sub(r"^( +for:) .*", r"\1 1s", rules.read(), flags=re.MULTILINE))
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [f"{self.folder}/rules.yml"],
            "scrape_configs": [{"job_name": "flowlift", "static_configs": [{"targets": [self.target]}]}],
        }
        # JSON is YAML.
        with open(f"{self.folder}/prometheus.yml", "w", encoding="utf-8") as file:
            json.dump(config, file)
        with open(f"{self.folder}/prometheus.log", "w", encoding="utf-8") as log:
            self.child = subprocess.Popen(
                ["prometheus", f"--config.file={self.folder}/prometheus.yml",
                 f"--storage.tsdb.path={self.folder}/prometheus", f"--web.listen-address={self.address}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        try:
            wait_until(self._is_ready, 60 * PATIENCE, "Prometheus is ready", 0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()

    def log(self):
        with open(f"{self.folder}/prometheus.log", encoding="utf-8") as file:
            return file.read()

    def _is_ready(self):
        if self.child.poll() is not None:
            raise tap.Failure(f"Prometheus has ended\n{self.log()}")
        try:
            return get(f"http://{self.address}/-/ready")
        except OSError:
            return None

    def api(self, name, **query):
        url = f"http://{self.address}/api/v1/{name}?{urllib.parse.urlencode(query)}"
        document = json.loads(get(url))
        tap.equal(document["status"], "success", f"status of {url}")
        return document["data"]

    def value(self, query):
        """Of a query with one result; None when there is none."""
        result = self.api("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else None

    def firing(self, name):
        """Labels of the alerts of that name that fire."""
        return [alert["labels"] for alert in self.api("alerts")["alerts"]
                if alert["labels"]["alertname"] == name and alert["state"] == "firing"]
