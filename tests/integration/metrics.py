# SPDX-License-Identifier: Apache-2.0
"""Metrics of flowlift-agent: who may ask, what is answered, and what cannot hinder it.

No Open vSwitch is needed for that. Prometheus itself is in metrics_alert.py.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import samples
import tap
from agent_service import Host
from agents import wait_until
from answer import FLOWLIFT, PATIENCE, SOURCE
from prometheus import HOST, RULES, free_port

DASHBOARD = f"{SOURCE}/agent/monitoring/flowlift-dashboard.json"
RULES_TEST = f"{SOURCE}/agent/monitoring/flowlift.rules.test.yml"
# All that the agent can say: tests/unit/test_metrics.c sees to that.
ALL_METRICS = f"{SOURCE}/tests/unit/data/agent.prom"
AUDIT_TEXTFILE = f"{SOURCE}/agent/host/flowlift-audit-textfile"
LOGROTATE = f"{SOURCE}/agent/host/flowlift.logrotate"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# As in agent/metrics_server.c.
MOST_CONNECTIONS = 8
CONNECTION_S = 10
TEXT_EVERY_S = 1
ANSWER_MS = 2000
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


class MetricsHost(Host):
    def configure(self, text, name="root"):
        """Without audits, which would fail here now and then, and say so."""
        super().configure(f"[agent]\nauto = off\n{text}", name)

    def agent(self, *args, **options):
        """One whose log is new."""
        agent = super().agent(*args, **options)
        for path in (agent.log_path, at_socket(agent)):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return agent


def at_socket(agent):
    return f"{agent.rundir}/metrics.sock"


def curl(*words):
    """Return: (status, headers of lower case, body)"""
    result = subprocess.run(["curl", "--silent", "--show-error", "--include", "--noproxy", "*",
                             "--max-time", str(30 * PATIENCE), *words], capture_output=True, check=False)
    tap.equal(result.returncode, 0, f"exit code of curl {words}; {result.stderr}")
    head, _, body = result.stdout.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body.decode()


def ask(agent, *words, path="/metrics"):
    return curl("--unix-socket", at_socket(agent), *words, f"http://flowlift{path}")


def metrics(agent):
    """{sample with its labels: value}"""
    status, _, body = ask(agent)
    tap.equal(status, 200, "status")
    return samples_of(body)


def samples_of(text):
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            tap.check(name not in found, "a sample comes once", line)
            found[name] = float(value)
    return found


def promtool(*words, text=None):
    if not shutil.which("promtool"):
        tap.skip("Prometheus is not installed")
    result = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, timeout=120,
                            check=False)
    tap.equal(result.returncode, 0, f"promtool {words}: exit code\n{result.stdout}{result.stderr}")


def connect(agent):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60 * PATIENCE)
    client.connect(at_socket(agent))
    return client


def read_all(client):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            data += piece
    return data


def answers_soon(agent):
    started = time.monotonic()
    agent.status()
    tap.in_time(1000 * (time.monotonic() - started), ANSWER_MS, "its control commands answer meanwhile")


def n_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def serves(agent):
    """Started, and all it needs is open. Return: its process, and how many descriptors it has."""
    pid = agent.start()
    wait_until(lambda: os.path.exists(at_socket(agent)) and os.path.exists(f"{agent.rundir}/events"),
               20 * PATIENCE, "it serves", 0.1)
    tap.equal(ask(agent)[0], 200, "status")
    agent.status()
    return pid, n_descriptors(pid)


def served_at_a_socket(host):
    "by default, at a socket of mode 0660: GET gives what promtool takes, HEAD no body; it goes with the agent"
    host.configure("")
    with host.agent() as agent:
        serves(agent)
        mode = os.stat(at_socket(agent)).st_mode
        tap.equal((stat.S_ISSOCK(mode), oct(stat.S_IMODE(mode))), (True, "0o660"), "is a socket, its mode")
        status, headers, body = ask(agent)
        tap.equal((status, headers["content-type"], headers["connection"]), (200, CONTENT_TYPE, "close"),
                  "status, type, connection")
        promtool("check", "metrics", text=body)
        found = samples_of(body)
        now = time.time()
        for name in ("flowlift_agent_start_time_seconds", "flowlift_agent_time_seconds"):
            tap.check(0 <= now - found[name] < 60 * PATIENCE, f"{name} is of now", body)
        tap.equal([found[name] for name in ("flowlift_agent_config_refused", "flowlift_remedies_readable",
                                            'flowlift_remedies{state="verified"}',
                                            'flowlift_guard_events_total{event="restored"}',
                                            'flowlift_reapply_seconds_bucket{le="+Inf"}')],
                  [0, 1, 0, 0, 0], "of a host without remedies")
        # Nobody looks at a VM.
        tap.check("flowlift_vm_" not in body and "flowlift_audit" not in body, "nothing of audits", body)
        status, headers, body = ask(agent, "--head")
        tap.equal((status, body, int(headers["content-length"]) > 0), (200, "", True), "HEAD")
        # A socket that a killed agent left is nobody's.
        os.kill(agent.pid(), signal.SIGKILL)
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
        tap.check(os.path.exists(at_socket(agent)), "it is left")
        agent.start()
        wait_until(lambda: ask(agent)[0] == 200, 10 * PATIENCE, "it is served again")
        agent.ask("exit")
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
        tap.check(not os.path.exists(at_socket(agent)), "the socket is gone")


def counts_events(host):
    "events of hooks that were taken, and refused configurations, are counted"
    host.configure("")
    with host.agent() as agent:
        pid, _ = serves(agent)
        for name in ("vm1", "vm2"):
            subprocess.run([FLOWLIFT, "hook", "--root", agent.root, "vm-start", name], check=True)
        wait_until(lambda: metrics(agent)["flowlift_hook_events_total"] == 2, 10 * PATIENCE, "two events", 0.2)
        host.configure("[metrics]\nlisten = 0.0.0.0:9112\n")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: metrics(agent)["flowlift_agent_config_refused"] == 1, 10 * PATIENCE, "refused", 0.2)
        tap.equal(metrics(agent)['flowlift_agent_errors_total{part="config"}'], 1, "errors")
        tap.check("only this host may ask" in agent.status()["config"]["reason"], "the reason",
                  agent.status())


def served_at_a_port(host):
    "SIGHUP: another socket, a port of 127.0.0.1, of [::1], off, and back; the old one is gone each time"
    host.configure("")
    with host.agent() as agent:
        pid, before = serves(agent)
        port = free_port()
        tried = [(f"127.0.0.1:{port}", (f"http://127.0.0.1:{port}/metrics",))]
        if os.path.exists("/proc/net/if_inet6") and socket.has_ipv6:
            tried.append((f"[::1]:{port}", (f"http://[::1]:{port}/metrics",)))
        absolute = f"{host.directory}/other.sock"
        tried.append((f"unix:{absolute}", ("--unix-socket", absolute, "http://x/metrics")))
        for listen, words in tried:
            host.configure(f"[metrics]\nlisten = {listen}\n")
            os.kill(pid, signal.SIGHUP)
            wait_until(lambda words=words: not subprocess.run(
                ["curl", "-s", "--noproxy", "*", "-o", "/dev/null", *words], check=False).returncode,
                20 * PATIENCE, f"served at {listen}", 0.1)
            tap.check("flowlift_agent_build_info" in curl(*words)[2], f"{listen}: metrics")
            tap.check(not os.path.exists(at_socket(agent)), "the first socket is gone")
        host.configure("[metrics]\nlisten = off\n")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: not os.path.exists(absolute), 20 * PATIENCE, "the other socket is gone")
        tap.equal(n_descriptors(pid) < before, True, "descriptors are closed")
        host.configure("")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: os.path.exists(at_socket(agent)) and ask(agent)[0] == 200, 20 * PATIENCE, "back")
        wait_until(lambda: n_descriptors(pid) <= before, 10 * PATIENCE, "no descriptor is lost")


def refuses_what_it_does_not_serve(host):
    "other methods, other paths, bodies, garbage: refused, each with a sentence, and the next one is served"
    host.configure("")
    with host.agent() as agent:
        pid, before = serves(agent)
        for words, path, code in (
            (("-d", "a=b"), "/metrics", 405),
            (("-X", "PUT"), "/metrics", 405),
            (("-X", "DELETE"), "/", 405),
            (("-X", "GET", "-d", "a=b"), "/metrics", 400),
            (("-X", "GET", "-H", "Transfer-Encoding: chunked", "-d", "a=b"), "/metrics", 400),
            ((), "/", 404),
            ((), "/metrics/../../etc/passwd", 404),
            ):
            status, headers, body = ask(agent, "--path-as-is", *words, path=path)
            tap.equal((status, headers["connection"], body.count("\n")), (code, "close", 1),
                      f"{words} {path}: status, connection, lines")
        for garbage in (b"GET\r\n\r\n", b"GET /metrics\r\n\r\n",
                        b"\x16\x03\x01\x02\x00\x01\x00" + os.urandom(200) + b"\r\n\r\n",
                        b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
                        b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                        b"GET /metrics HTTP/9.9\r\n\r\n"):
            with connect(agent) as client, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(garbage)
                client.shutdown(socket.SHUT_WR)
                tap.check(b"flowlift_" not in read_all(client), "no metrics for garbage", garbage[:100])
        tap.equal(ask(agent)[0], 200, "status afterwards")
        wait_until(lambda: n_descriptors(pid) <= before, 20 * PATIENCE, "no descriptor is lost")


def slow_clients_wait_alone(host):
    "clients that say nothing, half of it, or a byte now and then: over after 10 s; the agent works meanwhile"
    host.configure("")
    with host.agent() as agent:
        pid, before = serves(agent)
        started = time.monotonic()
        clients = [connect(agent) for _ in range(MOST_CONNECTIONS)]
        for client, beginning in zip(clients[1:], (b"GE", b"GET /metr", REQUEST[:-1], b"\r\n\r\n",
                                                   b"\0" * 100 + b"\r\n\r\n", REQUEST[:-1])):
            client.sendall(beginning)
        dribbling, open_ones, closed_ones = clients[1:3], clients[:5], clients[5:]
        for client in closed_ones:
            client.shutdown(socket.SHUT_WR)
        late = connect(agent)  # Waits for one of them to be over.
        late.sendall(REQUEST)
        ended = {}
        while len(ended) < len(clients) and time.monotonic() < started + 60 * PATIENCE:
            answers_soon(agent)
            for client in clients:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    if client in dribbling:
                        client.send(b"x")
                client.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    data = read_all(client)
                    ended.setdefault(client, (time.monotonic() - started, data))
        tap.equal(len(ended), len(clients), "connections that were ended")
        tap.equal({data for _, data in ended.values()}, {b""}, "what they were told")
        tap.check(all(ended[client][0] > CONNECTION_S - 1 for client in open_ones), "not before 10 s",
                  str(ended.values()))
        tap.in_time(1000 * max(seconds for seconds, _ in ended.values()), 2000 * CONNECTION_S,
                    "not long after 10 s")
        tap.check(b"200 OK" in read_all(late), "who waited is served")
        for client in (*clients, late):
            client.close()
        wait_until(lambda: n_descriptors(pid) <= before, 20 * PATIENCE, "no descriptor is lost")
        tap.check("|agent_metrics|" not in agent.log(), "nothing to complain about", agent.log())


def many_clients_are_served(host):
    "100 clients at once: each has its answer"
    host.configure("")
    with host.agent() as agent:
        pid, before = serves(agent)
        clients = [connect(agent) for _ in range(100)]
        for client in clients:
            client.sendall(REQUEST)
        answers_soon(agent)
        for client in clients:
            data = read_all(client)
            tap.check(data.startswith(b"HTTP/1.1 200 ") and data.endswith(b"\n"), "a whole answer", str(data))
            client.close()
        wait_until(lambda: n_descriptors(pid) <= before, 20 * PATIENCE, "no descriptor is lost")


def port_in_use(host):
    "where somebody else listens, or another file lies: one line in the log, and it is taken when it is free"
    with host.agent() as agent, socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        host.configure(f"[metrics]\nlisten = {HOST}:{port}\n")
        pid = agent.start()
        line = f"|WARN|cannot serve metrics at {HOST}:{port}: "
        wait_until(lambda: line in agent.log(), 10 * PATIENCE, "the log says so")
        os.kill(pid, signal.SIGHUP)
        agent.status()
        other.close()
        wait_until(lambda: f"|INFO|metrics are served at {HOST}:{port} again" in agent.log(), 60 * PATIENCE,
                   "it listens", 0.1)
        tap.equal(agent.log().count(line), 1, "lines in the log")
        body = curl(f"http://{HOST}:{port}/metrics")[2]
        tap.check(samples_of(body)['flowlift_agent_errors_total{part="metrics"}'] >= 1, "errors", body)

        with open(at_socket(agent), "w", encoding="ascii") as file:
            file.write("mine\n")
        host.configure("")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: "something else is there" in agent.log(), 10 * PATIENCE, "the log says so")
        with open(at_socket(agent), encoding="ascii") as file:
            tap.equal(file.read(), "mine\n", "the file")


def written_to_a_file(host):
    "textfile: the same text, mode 0644, at most once a second; gone with the agent, or when it is another one"
    folder = f"{host.directory}/node-exporter"
    os.makedirs(folder, exist_ok=True)
    path, other = f"{folder}/flowlift.prom", f"{folder}/other.prom"
    host.configure(f"[metrics]\ntextfile = {path}\n")
    with host.agent() as agent:
        pid = agent.start()
        wait_until(lambda: os.path.exists(path), 10 * PATIENCE, "the file")
        tap.equal(oct(stat.S_IMODE(os.stat(path).st_mode)), "0o644", "its mode")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        promtool("check", "metrics", text=text)
        tap.equal(samples_of(text).keys(), metrics(agent).keys(), "what is in it, and what is served")

        # Each of these is news.
        host.configure("[metrics]\ntextfile = flowlift.prom\n")
        started, files = time.monotonic(), {os.stat(path).st_ino}
        while time.monotonic() < started + 2.2 * TEXT_EVERY_S:
            os.kill(pid, signal.SIGHUP)
            files.add((os.stat(path).st_ino, os.stat(path).st_mtime_ns))
            time.sleep(0.02)
        # Far from one for each signal, also on a machine that stands still now and then.
        most = (time.monotonic() - started) / TEXT_EVERY_S + 6
        tap.check(2 < len(files) <= most, f"it was written {len(files) - 1} times")

        host.configure(f"[metrics]\ntextfile = {other}\n")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: os.listdir(folder) == ["other.prom"], 10 * PATIENCE, "another file")
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not agent.processes(), 10 * PATIENCE, "its end")
        tap.equal(os.listdir(folder), [], "what is left")


def file_that_cannot_be_written(host):
    "a folder that is not there: one line in the log, all else goes on; written when it is"
    folder = f"{host.directory}/later"
    host.configure(f"[metrics]\ntextfile = {folder}/flowlift.prom\n")
    with host.agent() as agent:
        pid = agent.start()
        wait_until(lambda: folder in agent.log(), 10 * PATIENCE, "the log says so")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: metrics(agent)['flowlift_agent_errors_total{part="metrics"}'] >= 2, 20 * PATIENCE,
                   "it is tried again, and counted", 0.2)
        os.mkdir(folder)
        wait_until(lambda: os.path.exists(f"{folder}/flowlift.prom"), 60 * PATIENCE, "the file", 0.1)
        wait_until(lambda: "|INFO|metrics are written to" in agent.log(), 10 * PATIENCE, "the log says so")
        tap.equal(agent.log().count("|agent_metrics|WARN|"), 1, "warnings in the log")


def all_metric_names():
    with open(ALL_METRICS, encoding="utf-8") as file:
        text = file.read()
    names = set(re.findall(r"^# TYPE (\S+) (?:gauge|counter)$", text, re.MULTILINE))
    for name in re.findall(r"^# TYPE (\S+) histogram$", text, re.MULTILINE):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return names, text


def names_in(text):
    return set(re.findall(r"\bflowlift_\w+", text))


def rules_are_right(_host):
    "alert rules: promtool finds no mistake, their unit tests pass, and every metric exists"
    names, text = all_metric_names()
    promtool("check", "metrics", text=text)
    samples_of(text)
    promtool("check", "rules", RULES)
    promtool("test", "rules", RULES_TEST)
    with open(RULES, encoding="utf-8") as file:
        rules = file.read()
    expressions = "\n".join(re.findall(r"^ +expr: (.*)$", rules, re.MULTILINE))
    tap.equal(sorted(names_in(expressions) - names), [], "metrics that nobody gives")
    tested = re.findall(r"alertname: (\w+)\n +exp_alerts:", open(RULES_TEST, encoding="utf-8").read())
    tap.equal(sorted(set(re.findall(r"alert: (\w+)", rules)) - set(tested)), [], "alerts without a test")


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def dashboard_is_right(host):
    "the Grafana dashboard: valid, its queries parse, every metric exists, and none is left out"
    names, _ = all_metric_names()
    with open(DASHBOARD, encoding="utf-8") as file:
        text = file.read()
    dashboard = json.loads(text)
    tap.check(dashboard["schemaVersion"] >= 36 and dashboard["uid"] and dashboard["id"] is None
              and "__inputs" not in dashboard, "it is one that Grafana 9 imports as it is")
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    panels = list(panels_of(dashboard))
    ids = [panel["id"] for panel in panels]
    tap.equal(len(ids), len(set(ids)), "each panel has an id of its own")
    cells, rules = set(), []
    for panel in panels:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        tap.check(at["x"] + at["w"] <= 24 and not mine & cells, "no panel covers another", panel["title"])
        cells |= mine
        tap.check(panel["title"] and panel["type"] in ("stat", "table", "timeseries")
                  and panel["datasource"]["uid"] == "${datasource}", "a panel is whole", panel)
        for target in panel["targets"]:
            used = set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval"}
            tap.equal(sorted(used - variables), [], f"{panel['title']}: variables that are not there")
            query = target["expr"].replace("$__rate_interval", "5m")
            rules.append({"record": f"x:{len(rules)}", "expr": re.sub(r"\$\w+", ".*", query)})
    path = f"{host.directory}/dashboard.rules.yml"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
    promtool("check", "rules", path)
    used = names_in(text) - {"flowlift_"}
    tap.equal(sorted(used - names), [], "metrics that nobody gives")
    tap.equal(sorted(names - used), [], "metrics that are not shown")


def audit_as_a_file(host):
    "flowlift-audit-textfile: an audit as a file, exit code of flowlift; gone when nothing could be read"
    folder = f"{host.directory}/audit"
    os.mkdir(folder)
    path, capture = f"{folder}/flowlift.prom", f"{host.directory}/capture.json"
    with open(capture, "w", encoding="utf-8") as file:
        file.write(samples.capture())

    def run(*words):
        return subprocess.run([AUDIT_TEXTFILE, *words], env={**os.environ, "FLOWLIFT": FLOWLIFT}, timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    result = run(path, "--from", capture)
    tap.equal((result.returncode, result.stdout, result.stderr), (1, "", ""), "exit code, output")
    tap.equal(os.listdir(folder), ["flowlift.prom"], "files")
    tap.equal(oct(stat.S_IMODE(os.stat(path).st_mode)), "0o644", "mode")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    promtool("check", "metrics", text=text)
    tap.equal(samples_of(text)['flowlift_vm_verdict{vm="web-2",verdict="stranded"}'], 1, "the verdict")
    result = run(path, "--db", "unix:/nowhere/db.sock", "--root", host.directory)
    tap.equal((result.returncode, os.listdir(folder)), (2, []), "exit code, files")
    for words in ((), ("relative.prom",), (f"{folder}/flowlift.txt",)):
        result = run(*words)
        tap.equal((result.returncode, os.listdir(folder)), (2, []), f"{words}: exit code, files")
        tap.check("FILE.prom" in result.stderr, "it says how it is called", result.stderr)


def logs_are_rotated(host):
    "logrotate takes the example; a forced run moves log and journal away, and the agent goes on in a new log"
    if not shutil.which("logrotate"):
        tap.skip("logrotate is not installed")
    host.configure("")
    with host.agent() as agent:
        pid = agent.start()
        folder = os.path.dirname(agent.log_path)
        journal = f"{folder}/journal.jsonl"
        with open(journal, "w", encoding="ascii") as file:
            file.write("{}\n")
        with open(LOGROTATE, encoding="utf-8") as example, \
                open(f"{host.directory}/logrotate.conf", "w", encoding="utf-8") as config:
            config.write(example.read().replace("/var/log/flowlift", folder))
        os.chmod(f"{host.directory}/logrotate.conf", 0o644)

        def logrotate(*words):
            result = subprocess.run(["logrotate", "-s", f"{host.directory}/logrotate.state", *words,
                                     f"{host.directory}/logrotate.conf"], env=agent.env, timeout=120,
                                    capture_output=True, text=True, check=False)
            tap.check(result.returncode == 0 and "error" not in result.stderr, f"logrotate {words}", str(result))

        logrotate("-d")
        logrotate("-f")
        tap.equal(sorted(name for name in os.listdir(folder) if not name.endswith(".lock")),
                  ["flowlift-agent.log", "flowlift-agent.log.1", "journal.jsonl.1"], "files")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: "SIGHUP: reading the configuration again" in agent.log(), 10 * PATIENCE,
                   "it writes to the new log")


if __name__ == "__main__":
    tap.run([
        served_at_a_socket,
        counts_events,
        served_at_a_port,
        refuses_what_it_does_not_serve,
        slow_clients_wait_alone,
        many_clients_are_served,
        port_in_use,
        written_to_a_file,
        file_that_cannot_be_written,
        rules_are_right,
        dashboard_is_right,
        audit_as_a_file,
        logs_are_rotated,
    ], MetricsHost)
