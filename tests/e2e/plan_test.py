#!/usr/bin/env python3
"""`autotune plan` and `autotune explain`: what would be done, from what is on record, and why something was; nothing is
changed by either."""
import json
import pathlib
import unittest

import harness

GREEDY = harness.FILL + '''
def handler(event, context):
    fill(event["mb"])
    return {"held": event["mb"] << 20}
'''
WATCH = "version: 1\nrules:\n- {name: never, when: fn.invocations < 0, window: 1h, plan: [{notify: {}}]}\n"
RULES = """version: 1
rules:
- name: out-of-memory
  when: fn.oom_count > 0
  window: 1h
  plan: [{resize: {strategy: oom-bump}}]
"""


class Plan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()

    def state_of(self, host):
        return host.configuration("greedy"), host.alias("greedy"), host.versions("greedy")

    def plan(self, host, rules, state, *options):
        return harness.run("plan", "--rules", rules, "--state", state, *options,
                           env={"AWS_ENDPOINT_URL_LAMBDA": host.url, "AWS_ACCESS_KEY_ID": "test",
                                "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
                                "TMPDIR": "/nowhere"})  # only a package needs it

    def test_says_what_would_be_done_and_changes_nothing(self):
        with harness.workspace() as folder:
            harness.write_function(folder / "functions", "greedy", GREEDY, timeout="60s")
            watch, rules, state = folder / "watch.yaml", folder / "rules.yaml", folder / "state"
            watch.write_text(WATCH)
            rules.write_text(RULES)
            with harness.running(harness.Host(folder / "functions", folder / "host")) as host:
                with harness.running(harness.Agent(watch, host, state)) as agent:
                    agent.wait_ready()
                    for _ in range(3):
                        host.invoke("greedy", {"mb": 400})
                    host.invoke("greedy", {"mb": 1})
                    harness.wait_for("invocations on record",
                                     lambda: len(harness.history(state, "--invocations", "greedy")) >= 4)
                    before = self.state_of(host)
                    done = self.plan(host, rules, state)  # beside an agent
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("greedy, by rule out-of-memory\n  - memory 128 MB\n  + memory 228 MB\n", done.stdout)
                self.assertIn("fact      fn.oom_count = 3", done.stdout)
                planned = json.loads(self.plan(host, rules, state, "--json").stdout)  # and without one
                requests = planned["actions"][0]["requests"]
                self.assertIn('"MemorySize":228', requests[0])
                self.assertEqual(len(requests), 3, requests)
                self.assertEqual(self.state_of(host), before)
                self.assertEqual(harness.history(state), [])

                # A function that was removed meanwhile is told, and does not keep the others from being planned.
                (folder / "none").mkdir()
                with harness.running(harness.Host(folder / "none", folder / "empty")) as elsewhere:
                    done = self.plan(elsewhere, rules, state)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertRegex(done.stdout, r"greedy, by rule out-of-memory\n(.*\n)*? +refused +.*greedy")

                # The same by an agent in a dry run, explained.
                with harness.running(harness.Agent(rules, host, folder / "second", mode="dry-run")) as agent:
                    agent.wait_ready()
                    host.invoke("greedy", {"mb": 400})
                    change = harness.wait_for("a dry run on record", lambda: harness.history(folder / "second"))[0]
                self.assertEqual(self.state_of(host), before)
                said = harness.run("explain", str(change["id"]), "--state", folder / "second")
                self.assertEqual(said.returncode, 0, said.stderr)
                self.assertIn("greedy  resize 128 MB → 228 MB: planned", said.stdout)
                self.assertRegex(said.stdout, r"fn\.oom_count = \d+\n")
                self.assertRegex(said.stdout, r"steps +\S+  closed \(planned\)")
                absent = harness.run("explain", "99", "--state", folder / "second")
                self.assertEqual((absent.returncode, absent.stdout), (1, ""))
                self.assertIn("there is no change 99", absent.stderr)

    def test_what_needs_an_approval_waits_for_it(self):
        with harness.workspace() as folder:
            harness.write_function(folder / "functions", "greedy", GREEDY, timeout="60s")
            rules, state = folder / "rules.yaml", folder / "state"
            rules.write_text(RULES.replace("rules:", "guardrails: {approval: {required_for: [resize], expires: 1h}}\n"
                                           "defaults: {mode: apply}\nrules:"))
            with harness.running(harness.Host(folder / "functions", folder / "host")) as host:
                with harness.running(harness.Agent(rules, host, state)) as agent:
                    agent.wait_ready()
                    before = self.state_of(host)
                    change = harness.wait_for("a change that waits", lambda: host.invoke("greedy", {"mb": 400}) and
                                              harness.history(state), seconds=120)[0]
                    self.assertEqual((change["step"], change["disposition"]), ("waiting", "waiting"))
                    self.assertIn('"MemorySize":228', change["detail"])
                    harness.wait_for("the metric", lambda: agent.metrics().get(
                        'autotune_changes_in_progress{function="greedy",step="waiting"}') == 1)
                    harness.wait_for("a notification", lambda: f"autotune approve {change['id']}" in agent.output())
                    self.assertEqual(self.state_of(host), before)
                self.assertEqual(harness.run("approve", str(change["id"]), "--by", "ada", "--state", state).returncode, 0)
                with harness.running(harness.Agent(rules, host, state)) as agent:  # it was left while none ran
                    harness.wait_for("the canary", lambda: host.versions("greedy") != before[2])
                    harness.wait_for("begun", lambda: harness.history(state)[0]["step"] not in ("waiting", "intended"))
                again = harness.run("approve", str(change["id"]), "--state", state)
                self.assertEqual((again.returncode, again.stdout), (1, ""))
                self.assertIn("does not wait for an approval", again.stderr)
                said = harness.run("explain", str(change["id"]), "--state", state)
                self.assertRegex(said.stdout, r"steps +\S+  waiting\n +\S+  intended")
                self.assertEqual(harness.run("history", "--verify", "--state", state).returncode, 0)

    def test_mistakes_are_told_by_status(self):
        with harness.workspace() as folder:
            rules = folder / "rules.yaml"
            rules.write_text(RULES)
            nowhere = {"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "test",
                       "AWS_SECRET_ACCESS_KEY": "test"}
            for arguments, status in ((("plan",), 2), (("plan", "--rules", folder / "absent.yaml"), 2),
                                      (("plan", "--rules", rules, "--state", folder / "absent"), 1),
                                      (("explain", "0"), 2), (("explain", "one"), 2), (("approve",), 2),
                                      (("approve", "1", "--state", folder / "absent"), 1),
                                      (("explain", "1", "--state", folder / "absent"), 1)):
                with self.subTest(arguments):
                    done = harness.run(*arguments, env=nowhere)
                    self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
