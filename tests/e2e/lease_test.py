#!/usr/bin/env python3
"""Two agents with state folders of their own, the same rules and one platform: exactly one changes the function, and the
other says who does. When the one that changes it dies half-way, the other takes over after the lease's time: what was left is
put back, then it makes its own change."""
import unittest

import harness

GREEDY = harness.FILL + '''
def handler(event, context):
    fill(150)
'''
RULES = """version: 1
defaults: {{mode: apply, cooldown: 10m}}
rules:
- name: out-of-memory
  when: fn.oom_count > 0
  window: 1m
  plan: [{{resize: {{strategy: oom-bump}}}}]
  canary: {{weight: 0.5, alpha: 0.2, error_margin: 0.1, horizon: {horizon}}}
guardrails: {{blast_radius: {{max_canary_weight: 0.5}}}}
"""
LEASE = 5  # seconds, the shortest


class Lease(harness.Story):
    def setUp(self):
        super().setUp()
        harness.write_function(self.folder / "functions", "greedy", GREEDY, timeout="60s")
        self.host = self.stack.enter_context(harness.running(harness.Host(self.folder / "functions", self.folder / "host")))

    def agent(self, name, horizon="2m", lease=LEASE):
        rules = self.folder / "rules.yaml"
        rules.write_text(RULES.format(horizon=horizon))
        agent = self.stack.enter_context(
            harness.running(harness.Agent(rules, self.host, self.folder / name, "--lease", f"{lease}s")))
        agent.wait_ready()
        return agent

    def changes(self, name, *options):
        return harness.history(self.folder / name, *options)

    def begun(self, name):
        return [c for c in self.changes(name) if c["disposition"] not in ("refused", "planned", "notified")]

    def tag(self):
        return self.host.request("GET", "/2015-03-31/functions/greedy").json().get("Tags", {}).get("autotune:lease")

    def call_until(self, what, done, seconds=240):
        return harness.wait_for(what, lambda: (self.host.invoke("greedy", {}), done())[1], seconds)

    def test_exactly_one_of_two_agents_changes_the_function(self):
        one, two = (self.agent(name, horizon="10m", lease=60) for name in ("one", "two"))  # nobody dies: it must not end
        ended = self.call_until("a promoted change", lambda: [
            (name, c) for name in ("one", "two") for c in self.begun(name) if c["step"] == "closed"])
        (winner, change), = ended
        loser = "two" if winner == "one" else "one"
        self.assertEqual(change["disposition"], "promoted", one.output() + two.output())
        self.assertEqual(self.host.versions("greedy"), ["$LATEST", "1", "2"])
        self.assertEqual(self.host.alias("greedy")["FunctionVersion"], "2")
        owner = (self.folder / winner / "agent").read_text().strip()
        # It was refused before it began, or when it saw that it had been slower: either way it is on record, and why.
        told = [r["reason"] for r in self.changes(loser, "--refused")] + [c["detail"] for c in self.changes(loser)]
        self.assertTrue([t for t in told if f"agent {owner} changes it since " in t], told)
        self.assertEqual([c for c in self.begun(loser) if c["disposition"] == "promoted"], [])
        harness.wait_for("the lease given back", lambda: self.tag() is None)
        for name in (winner, loser):
            self.assertEqual(harness.run("history", "--verify", "--state", self.folder / name).returncode, 0)

    def test_what_a_dead_agent_left_is_put_back_by_the_other(self):
        one = self.agent("one", horizon="1h")
        change = self.call_until("a canary", lambda: [c for c in self.begun("one") if c["step"] == "observing"])[0]
        one.kill()
        self.assertIn("RoutingConfig", self.host.alias("greedy"))
        self.assertTrue(self.tag().startswith((self.folder / "one/agent").read_text().strip() + " "))
        two = self.agent("two")
        end = self.call_until("a change of the other's", lambda: [c for c in self.begun("two") if c["step"] == "closed"])
        self.assertEqual((end[0]["rule"], end[0]["disposition"]), ("lease", "reverted"), two.output())
        alias = self.host.alias("greedy")
        self.assertFalse((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"))
        self.assertEqual((alias["FunctionVersion"], self.host.configuration("greedy")["MemorySize"]), ("1", 128))
        # The one that comes back finds that its time is over, and leaves all as it is.
        again = self.stack.enter_context(harness.running(
            harness.Agent(self.folder / "rules.yaml", self.host, self.folder / "one", "--lease", f"{LEASE}s", mode="dry-run")))
        last = harness.wait_for("its change closed", lambda: [
            c for c in self.changes("one") if c["id"] == change["id"] and c["step"] == "closed"])
        self.assertEqual(last[0]["disposition"], "failed", again.output())
        self.assertIn("the lease was not this agent's", last[0]["detail"])
        self.assertLessEqual(len(self.host.versions("greedy")), 3)
        for name in ("one", "two"):
            self.assertEqual(harness.run("history", "--verify", "--state", self.folder / name).returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
