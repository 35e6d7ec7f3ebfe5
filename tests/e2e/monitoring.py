"""Prometheus and Alertmanager as people run them, with the shipped configuration, only faster; and a receiver of
webhooks. Everything listens on loopback, on ports the kernel chooses.
"""
import collections
import http.server
import json
import re
import shutil
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import harness

SHIPPED = harness.SOURCE / "dashboards/prometheus"
SPEED = 15  # the shipped files are for a scrape every 15 s; here there is one every second
SECONDS = {"s": 1, "m": 60, "h": 3600}
DURATION = re.compile(r"(\[|\boffset |\bfor: |_interval: )(\d+)([smh])\b")


def need_prometheus():
    for name in ("prometheus", "prometheus-alertmanager"):
        if shutil.which(name) is None:
            harness.skip(f"{name} is not installed (Debian package {name})")


def faster(text):
    """The text with time running SPEED times as fast, and nothing else changed: every range `[5m]`, every
    `offset 5m`, `for: 5m` and `…_interval: 15s` is divided by SPEED. Thus windows hold as many samples as the
    shipped ones do. A duration that this would make uneven is an error."""
    def shortened(match):
        seconds, rest = divmod(int(match[2]) * SECONDS[match[3]], SPEED)
        if rest or seconds == 0:
            raise AssertionError(f"{match[0]} is no multiple of {SPEED} s")
        return f"{match[1]}{seconds}s"
    return DURATION.sub(shortened, text)


def replaced_once(text, old, new):
    if text.count(old) != 1:
        raise AssertionError(f"{old} is {text.count(old)} times in the shipped configuration")
    return text.replace(old, new)


class Receiver(http.server.ThreadingHTTPServer):
    """Receives webhooks of Alertmanager's format. `answers` holds by path and function the statuses with which the
    next messages are answered; where there are none, 200."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Webhook)
        self.answers = collections.defaultdict(list)
        self.messages = []  # (path, status answered, body)
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def take(self, path, body):
        with self._lock:
            waiting = self.answers[path, body.get("commonLabels", {}).get("function")]
            status = waiting.pop(0) if waiting else 200
            self.messages.append((path, status, body))
            return status

    def alerts(self, path, **labels):
        """The alerts, oldest first, that came to the path and have these labels."""
        with self._lock:
            return [alert for where, _, body in self.messages if where == path for alert in body["alerts"]
                    if labels.items() <= alert["labels"].items()]

    def statuses(self, path, **labels):
        return [alert["status"] for alert in self.alerts(path, **labels)]


class Webhook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(self.server.take(self.path, body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Alertmanager(harness.Daemon):
    """Tells each alert to the webhook at once, also when it is resolved."""

    def __init__(self, folder, webhook):
        folder.mkdir()
        (folder / "alertmanager.yml").write_text(json.dumps({  # JSON is YAML
            "route": {"receiver": "people", "group_by": ["alertname", "function"], "group_wait": "0s",
                      "group_interval": "1s", "repeat_interval": "1h"},
            "receivers": [{"name": "people", "webhook_configs": [{"url": webhook, "send_resolved": True}]}]}))
        super().__init__(["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
                          f"--storage.path={folder}/data", "--web.listen-address=127.0.0.1:0",
                          "--cluster.listen-address="], r'"Listening on" address=127\.0\.0\.1:(\d+)')
        self.port = int(self._match[1])


class Prometheus(harness.Daemon):
    """Scrapes the agent and judges its alerts, by the shipped configuration."""

    def __init__(self, folder, agent_port, alertmanager_port):
        folder.mkdir()
        configuration = faster((SHIPPED / "prometheus.yml").read_text())
        configuration = replaced_once(configuration, '["127.0.0.1:9464"]', f'["127.0.0.1:{agent_port}"]')
        configuration = replaced_once(configuration, '["127.0.0.1:9093"]', f'["127.0.0.1:{alertmanager_port}"]')
        (folder / "prometheus.yml").write_text(configuration)
        (folder / "autotune.rules.yml").write_text(faster((SHIPPED / "autotune.rules.yml").read_text()))
        super().__init__(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                          "--web.listen-address=127.0.0.1:0"], r'"Listening on" address=127\.0\.0\.1:(\d+)')
        self.port = int(self._match[1])
        harness.wait_for("Prometheus ready", self._ready_to_answer)

    def _ready_to_answer(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=10) as answer:
                return answer.status == 200
        except OSError:
            return False

    def api(self, path, **parameters):
        """The data of an answer of /api/v1/path."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"{url}: {refusal.read().decode(errors='replace')}") from None

    def at(self, query, when=None):
        """[(labels, value)] of the query at an instant, now unless told."""
        found = self.api("query", query=query, time=when or time.time())["result"]
        return [(series["metric"], float(series["value"][1])) for series in found]

    def between(self, query, begin, end, step=1):
        """[(labels, values)] of the query over a time."""
        found = self.api("query_range", query=query, start=begin, end=end, step=step)["result"]
        return [(series["metric"], [float(value) for _, value in series["values"]]) for series in found]
