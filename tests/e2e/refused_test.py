#!/usr/bin/env python3
"""What rules were refused is on record, once a change of reason: `history`, `history --refused` and `explain` show it."""
import json
import time
import unittest

import harness

GREEDY = harness.FILL + '''
import time

def handler(event, context):
    time.sleep(event.get("nap", 0))  # which no memory makes shorter
    fill(event["mb"])
'''
RULES = """version: 1
defaults: {mode: dry-run, cooldown: 1h, window: 1h}
guardrails:
  budget: {max_cost_increase_pct: 1}
  freeze_when: [frozen]
rules:
- {name: out-of-memory, priority: 9, scope: {functions: "greedy"}, when: fn.oom_count > 0, plan: [{resize: {strategy: oom-bump}}]}
- {name: also, priority: 1, scope: {functions: "greedy"}, when: fn.oom_count > 0, plan: [{resize: {strategy: oom-bump}}]}
- {name: dear, scope: {functions: "mixed"}, when: fn.oom_count > 0, plan: [{resize: {strategy: oom-bump}}]}
- {name: frozen, scope: {functions: "cold"}, when: fn.invocations > 0, plan: [{notify: {}}]}
- {name: cold, scope: {functions: "cold"}, when: fn.oom_count > 0, plan: [{resize: {strategy: oom-bump}}]}
"""
CLOSED = """version: 1
defaults: {mode: apply, window: 1h}
guardrails: {maintenance: [{days: [DAY], from: "00:00", to: "00:01"}]}
rules:
- {name: out-of-memory, when: fn.oom_count > 0, plan: [{resize: {strategy: oom-bump}}]}
"""


class Refused(harness.Story):
    def setUp(self):
        super().setUp()
        for name in ("greedy", "cold", "mixed"):
            harness.write_function(self.folder / "functions", name, GREEDY, timeout="60s")
        self.host = self.stack.enter_context(harness.running(harness.Host(self.folder / "functions", self.folder / "host")))

    def refusals(self, state):
        return harness.history(self.folder / state, "--refused")

    def test_each_reason_is_told_once(self):
        (self.folder / "rules.yaml").write_text(RULES)
        state = self.folder / "agent"
        agent = self.stack.enter_context(harness.running(harness.Agent(self.folder / "rules.yaml", self.host, state)))
        agent.wait_ready()
        for _ in range(9):
            self.host.invoke("mixed", {"mb": 1, "nap": 0.3})
        for name in ("mixed", "greedy", "cold"):
            self.host.invoke(name, {"mb": 400, "nap": 0.3})
        reasons = {("greedy", "out-of-memory"): "in its cooldown of 3600s after its last action",  # after its dry run
                   ("greedy", "also"): "lost to 'out-of-memory': one change a function at a time",
                   ("mixed", "dear"): "is above max_cost_increase_pct",
                   ("cold", "cold"): "frozen"}

        def told():
            rows = self.refusals("agent")
            return all(any((r["function"], r["rule"]) == key and reason in r["reason"] for r in rows)
                       for key, reason in reasons.items()) and rows
        rows = harness.wait_for("all refusals on record", told, 30)
        self.assertIn("resize 128 MB → 228 MB", [r["change"] for r in rows if r["rule"] == "cold"][0])
        time.sleep(3)  # three evaluations more
        later = self.refusals("agent")
        self.assertEqual(len(later), len({(r["function"], r["rule"], r["reason"]) for r in later}), later)

        text = harness.run("history", "--state", state).stdout
        self.assertIn("  refused  greedy  resize 128 MB → 228 MB\n    rule also: lost to 'out-of-memory'", text)
        planned = [c for c in harness.history(state) if c["rule"] == "out-of-memory"][0]
        said = harness.run("explain", str(planned["id"]), "--state", state).stdout
        self.assertRegex(said, r"(?m)^  refused +\S+Z  resize 128 MB → 228 MB, by ")
        for reason in ("also: lost to 'out-of-memory'", "out-of-memory: in its cooldown"):
            self.assertRegex(said, rf"(?m)^.{{10,13}}\S+Z  resize 128 MB → 228 MB, by {reason}")
        explained = json.loads(harness.run("explain", str(planned["id"]), "--state", state, "--json").stdout)
        self.assertIn("also", [r["rule"] for r in explained["refusals"]])
        self.assertNotIn("cold", [r["function"] for r in explained["refusals"]])

    def test_a_maintenance_window_that_is_closed_is_a_reason(self):
        day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(time.gmtime().tm_wday + 3) % 7]
        (self.folder / "rules.yaml").write_text(CLOSED.replace("DAY", day))
        state = self.folder / "agent"
        for _ in range(2):  # a restart tells nothing again
            with harness.running(harness.Agent(self.folder / "rules.yaml", self.host, state)) as agent:
                agent.wait_ready()
                self.host.invoke("greedy", {"mb": 400})
                rows = harness.wait_for("the refusal", lambda: self.refusals("agent"))
                time.sleep(2)
        self.assertEqual([(r["function"], r["rule"], r["reason"]) for r in self.refusals("agent")],
                         [("greedy", "out-of-memory", "outside of the maintenance windows")], rows)
        self.assertEqual(harness.history(state), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
