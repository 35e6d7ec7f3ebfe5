#!/usr/bin/env python3
"""Real kills raise the shipped alerts in Prometheus and Alertmanager, the loop's repair ends them, and every query
of the dashboard shows something of it.

The story is played once, before the tests; they look at what was seen. Time runs 15 times as fast as in the shipped
configuration (monitoring.faster).
"""
import contextlib
import itertools
import math
import sys
import threading
import time
import unittest

import harness
import monitoring

sys.path.insert(0, str(harness.SOURCE / "tests/dashboards"))
import queries  # noqa: E402

FUNCTION = harness.FILL + '''
def handler(event, context):
    fill(event["mb"])
    return "ok"
'''

# hungry is repaired; of doomed people are only told, and it is first seen because it was killed.
RULES = '''
version: 1
defaults: {mode: apply, window: 1m, cooldown: 10m}
guardrails: {blast_radius: {max_concurrent_changes: 2, max_canary_weight: 0.5}}
rules:
- name: out-of-memory
  priority: 100
  scope: {functions: hungry}
  when: fn.oom_count > 0
  plan: [{resize: {strategy: oom-bump}}]
  canary: {weight: 0.5, horizon: 10m}
- name: second-thoughts
  scope: {functions: hungry}
  when: fn.oom_count > 0
  plan: [{resize: {strategy: oom-bump}}]
- name: tell
  scope: {functions: doomed}
  when: fn.oom_count > 0
  plan: [{notify: {severity: critical, suggest: map-reduce}}]
'''

FUNCTIONS = ("hungry", "doomed", None)  # None: alerts about the agent. Others on this machine are not ours
PEOPLE, AGENT = "/alertmanager", "/agent"  # where Alertmanager and the agent send their webhooks
SMALL, LARGE = {"mb": 10}, {"mb": 150}  # of 128 MB
RATE_INTERVAL = "4s"  # Grafana's: four scrapes


class Caller:
    """Invokes hungry at a leisurely pace, so that a canary lasts for several scrapes, until stopped."""

    def __init__(self, host):
        self.payload = SMALL
        self._host = host
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopping.wait(0.2):
            with contextlib.suppress(OSError):
                self._host.invoke("hungry", self.payload)

    def stop(self):
        self._stopping.set()
        self._thread.join(30)


class Alerts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        monitoring.need_prometheus()
        with contextlib.ExitStack() as stack:  # a story that does not end shows what everybody said
            cls.play(cls.start(stack))
            cls.addClassCleanup(stack.pop_all().close)

    @classmethod
    def start(cls, stack):
        folder = stack.enter_context(harness.workspace())
        for name in filter(None, FUNCTIONS):
            harness.write_function(folder / "functions", name, FUNCTION, timeout="10s")
        (folder / "rules.yaml").write_text(RULES)
        cls.receiver = monitoring.Receiver()
        stack.callback(cls.receiver.server_close)
        stack.callback(cls.receiver.shutdown)
        cls.receiver.answers[AGENT, "hungry"] = [503]  # "later": it must come again
        cls.receiver.answers[AGENT, "doomed"] = [400]  # "never": it is lost, and that must be counted

        def run(daemon):
            return stack.enter_context(harness.running(daemon))
        cls.host = run(harness.Host(folder / "functions", folder / "host"))
        cls.agent = run(harness.Agent(folder / "rules.yaml", cls.host, folder / "agent", "--webhook",
                                      cls.receiver.url(AGENT), everywhere=True))
        cls.agent.wait_ready()
        alertmanager = run(monitoring.Alertmanager(folder / "alertmanager", cls.receiver.url(PEOPLE)))
        cls.prometheus = run(monitoring.Prometheus(folder / "prometheus", cls.agent.port, alertmanager.port))
        caller = Caller(cls.host)
        stack.callback(caller.stop)
        return caller

    @classmethod
    def play(cls, caller):
        cls.began = time.time()
        well = 'autotune_oom_kills_total{function="hungry"} == 0'
        harness.wait_for("hungry seen well", lambda: cls.prometheus.at(well))
        cls.host.invoke("doomed", LARGE)
        caller.payload = LARGE
        cls.wait_for_alert("AutotuneFunctionOOM", "hungry", ["firing"])
        cls.wait_for_alert("AutotuneFunctionOOM", "doomed", ["firing"])
        harness.wait_for("the repair", cls.repaired, 300, 0.2)
        cls.at_repair = cls.seen_by_people("AutotuneFunctionOOM", "hungry")
        cls.wait_for_alert("AutotuneFunctionOOM", "hungry", ["firing", "resolved"])
        cls.wait_for_alert("AutotuneFunctionOOM", "doomed", ["firing", "resolved"])
        cls.ended = harness.wait_for("calls that were scraped", cls.called_now)  # on a busy machine there may be none for seconds
        cls.alerts_raised = {alert["labels"]["alertname"] for alert in cls.receiver.alerts(PEOPLE)
                             if alert["labels"].get("function") in FUNCTIONS}
        down = cls.times_down()
        cls.agent.stop()
        harness.wait_for("AutotuneAgentDown", lambda: cls.times_down() > down)

    @classmethod
    def times_down(cls):
        return [alert["status"] for alert in cls.receiver.alerts(PEOPLE, alertname="AutotuneAgentDown")].count("firing")

    @classmethod
    def called_now(cls):
        now = time.time()
        return cls.prometheus.at(f'rate(autotune_invocations_total{{function="hungry"}}[{RATE_INTERVAL}]) > 0', now) and now

    @classmethod
    def seen_by_people(cls, alertname, function):
        """Each status when it changed: after a scrape that failed one may be told once more."""
        told = cls.receiver.alerts(PEOPLE, alertname=alertname, function=function)
        return [status for status, _ in itertools.groupby(alert["status"] for alert in told)]

    @classmethod
    def wait_for_alert(cls, alertname, function, statuses):
        harness.wait_for(f"{alertname} of {function}: {statuses}",
                         lambda: cls.seen_by_people(alertname, function)[:len(statuses)] == statuses)

    @classmethod
    def repaired(cls):
        changes = harness.history(cls.agent.state)
        return any((c["function"], c["disposition"]) == ("hungry", "promoted") for c in changes)

    def panels(self):
        """(title, query as it is sent, [(labels, values)]) of every panel's queries."""
        for panel in queries.dashboard()["panels"]:
            for target in panel.get("targets", []):
                query = self.interpolated(target["expr"])
                if target["instant"]:
                    series = [(labels, [value]) for labels, value in self.prometheus.at(query, self.ended)]
                else:
                    series = self.prometheus.between(query, self.began, self.ended)
                yield panel["title"], query, series

    def interpolated(self, query):
        covered = f"{math.ceil(self.ended - self.began)}s"
        return queries.interpolated(monitoring.faster(query), "hungry", RATE_INTERVAL, covered)

    def panel(self, title):
        """[(labels, values)] of all queries of a panel."""
        return [one for where, _, series in self.panels() if where == title for one in series]

    def was_missed(self):
        """A scrape that the machine was too busy for looks like an agent that is gone, for a while."""
        return any(0 in values for _, values in self.prometheus.between('up{job="autotune"}', self.began, self.ended))

    def assert_told_once(self, function):
        told = self.seen_by_people("AutotuneFunctionOOM", function)
        self.assertEqual(told[:2] if self.was_missed() else told, ["firing", "resolved"])

    def test_a_kill_raises_the_alert_and_the_repair_ends_it(self):
        self.assertEqual(self.at_repair, ["firing"], "the alert ended before its cause did")
        told = self.receiver.alerts(PEOPLE, function="hungry")
        self.assert_told_once("hungry")
        fired, resolved = told[0], next(alert for alert in told if alert["status"] == "resolved")
        self.assertEqual(fired["labels"]["severity"], "critical")
        self.assertEqual(fired["annotations"]["summary"], "hungry runs out of memory")
        self.assertRegex(fired["annotations"]["description"], r"killed [1-9]\d* invocation")
        self.assertGreater(resolved["endsAt"], resolved["startsAt"])

    def test_one_that_is_first_seen_because_it_was_killed_raises_it_too(self):
        self.assert_told_once("doomed")

    def test_nothing_else_is_alarming_until_the_agent_is_gone(self):
        self.assertEqual(self.alerts_raised - ({"AutotuneAgentDown"} if self.was_missed() else set()), {"AutotuneFunctionOOM"})

    def test_prometheus_can_judge_all_alerts(self):
        rules = [rule for group in self.prometheus.api("rules")["groups"] for rule in group["rules"]]
        self.assertEqual(len(rules), (monitoring.SHIPPED / "autotune.rules.yml").read_text().count("- alert:"))
        for rule in rules:
            self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""), rule["name"])

    def test_every_query_of_every_panel_returns_series(self):
        asked = list(self.panels())
        self.assertGreater(len(asked), 25)
        silent = [f"{title}: {query}" for title, query, series in asked
                  if not any(math.isfinite(value) for _, values in series for value in values)]
        self.assertEqual(silent, [], "these show nothing")

    def test_the_dashboard_shows_what_happened(self):
        self.assertGreater(self.panel("OOM kills")[0][1][0], 0)
        self.assertEqual({labels["version"] for labels, _ in self.panel("Memory peak against limit")}, {"1", "2"})
        limits = {max(values) for _, values in self.panel("Memory peak against limit")}
        self.assertGreaterEqual(max(limits), 150 << 20)
        planned = {(labels.get("rule"), labels.get("change") or labels.get("disposition")): max(values)
                   for labels, values in self.panel("Plans, refusals and outcomes")}
        for mark in (("out-of-memory", "resize"), ("out-of-memory", "promoted"), ("second-thoughts", None)):
            self.assertGreater(planned[mark], 0, f"{mark} of {planned}")

    def test_changes_are_marked_on_the_dashboard(self):
        marks = {}
        for annotation in queries.dashboard()["annotations"]["list"]:
            if "expr" in annotation:
                found = self.prometheus.between(self.interpolated(annotation["expr"]), self.began, self.ended)
                marks[annotation["name"]] = [labels for labels, _ in found]
        self.assertIn({"step": "observing"}, marks["Canary under way"])
        self.assertEqual(marks["Changes that ended"], [{"rule": "out-of-memory", "disposition": "promoted"}])

    def test_the_functions_can_be_chosen_on_the_dashboard(self):
        variable = next(v for v in queries.dashboard()["templating"]["list"] if v["name"] == "function")
        metric, label = variable["query"]["query"].removeprefix("label_values(").removesuffix(")").split(", ")
        choices = self.prometheus.api(f"label/{label}/values", **{"match[]": metric})
        self.assertLessEqual({"doomed", "hungry"}, set(choices))

    def test_the_agent_tells_people_itself(self):
        told = self.receiver.alerts(AGENT, function="hungry")
        self.assertEqual([alert["status"] for alert in told], ["resolved", "resolved"], "503, then 200")
        self.assertEqual(told[0], told[1])
        self.assertEqual(told[0]["labels"]["alertname"], "out-of-memory")
        self.assertIn("promoted", told[0]["annotations"]["summary"])
        told, = self.receiver.alerts(AGENT, function="doomed")
        self.assertEqual((told["status"], told["labels"]["severity"]), ("firing", "critical"))
        self.assertIn("map-reduce", told["annotations"]["suggestion"])
        self.assertIn("kill_time", told["annotations"])

    def test_messages_that_did_not_arrive_are_counted(self):
        (_, dropped), = self.prometheus.at("autotune_notifications_dropped_total", self.ended)
        self.assertEqual(dropped, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
