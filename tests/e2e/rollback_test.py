#!/usr/bin/env python3
"""`autotune apply` begins what `autotune plan` shows; `autotune rollback` takes it back, with an agent and without one."""
import concurrent.futures
import contextlib
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

GREEDY = harness.FILL + '''
def handler(event, context):
    fill(event["mb"])
    return {"held": event["mb"] << 20}
'''
WATCH = """version: 1
guardrails: {blast_radius: {max_canary_weight: 0.5}}
rules:
- {name: never, when: fn.invocations < 0, window: 1h, plan: [{notify: {}}]}
"""
RULES = """version: 1
defaults: {mode: dry-run}
guardrails: {blast_radius: {max_canary_weight: 0.5}}
rules:
- name: out-of-memory
  when: fn.oom_count > 0
  window: 1h
  plan: [{resize: {strategy: oom-bump}}]
  canary: {weight: 0.5}
"""


class Rollback(harness.Story):
    def setUp(self):
        super().setUp()
        self.state = self.folder / "state"
        harness.write_function(self.folder / "functions", "greedy", GREEDY, timeout="60s")
        (self.folder / "watch.yaml").write_text(WATCH)
        (self.folder / "rules.yaml").write_text(RULES)
        self.host = self.stack.enter_context(harness.running(harness.Host(self.folder / "functions", self.folder / "host")))

    @contextlib.contextmanager
    def agent(self, mode="apply"):
        with harness.running(harness.Agent(self.folder / "watch.yaml", self.host, self.state, mode=mode)) as agent:
            agent.wait_ready()
            yield agent

    def run_here(self, *arguments):
        return harness.run(*arguments, "--state", self.state,
                           env={"AWS_ENDPOINT_URL_LAMBDA": self.host.url, "AWS_ACCESS_KEY_ID": "test",
                                "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"})

    def serves(self):
        alias = self.host.alias("greedy")
        version = alias["FunctionVersion"]
        sized = self.host.request("GET", f"/2015-03-31/functions/greedy/configuration?Qualifier={version}").json()["MemorySize"]
        return version, alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}), sized, self.host.configuration("greedy")["MemorySize"]

    def change(self, number):
        return next(r for r in harness.history(self.state) if r["id"] == number)

    def applied(self):
        """The number of a change that `apply` began."""
        for _ in range(3):
            self.host.invoke("greedy", {"mb": 150})
        harness.wait_for("kills on record", lambda: len(harness.history(self.state, "--invocations", "greedy")) >= 3)
        before = {r["id"] for r in harness.history(self.state)}
        done = self.run_here("apply", "greedy", "--rules", self.folder / "rules.yaml", "--by", "ada")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("+ memory 228 MB", done.stdout)
        row = harness.wait_for("the change", lambda: next((r for r in harness.history(self.state) if r["id"] not in before), None))
        self.assertEqual((row["mode"] if "mode" in row else "apply", row["rule"]), ("apply", "out-of-memory"))
        return row["id"]

    def promoted(self):
        """The same, proved by calls that only the larger one survives."""
        number = self.applied()
        over = threading.Event()

        def call():
            while not over.is_set():
                self.host.invoke("greedy", {"mb": 150})

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            calling = [pool.submit(call) for _ in range(2)]
            try:
                harness.wait_for("the verdict", lambda: self.change(number)["step"] == "closed", 300, 0.2)
            finally:
                over.set()
                for future in calling:
                    future.result()
        self.assertEqual(self.change(number)["disposition"], "promoted")
        self.assertEqual(self.serves(), ("2", {}, 228, 228))
        return number

    def test_of_a_promoted_change_by_the_agent(self):
        with self.agent():
            number = self.promoted()
            infra = self.folder / "infra"
            infra.mkdir()
            (infra / "serverless.yml").write_text("functions:\n  greedy:\n    memorySize: 128  # MB\n")
            patch = self.run_here("explain", number, "--patch", infra)
            self.assertEqual(patch.returncode, 0, patch.stderr)
            self.assertIn("-    memorySize: 128  # MB\n+    memorySize: 228  # MB\n", patch.stdout)
            done = self.run_here("rollback", number, "--by", "ada")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"change {number} rolled back by ada", done.stderr)
            self.assertEqual(self.serves(), ("1", {}, 128, 128))
            undo = harness.history(self.state)[0]
            self.assertEqual((undo["disposition"], undo["function"]), ("rolled-back", "greedy"))
            again = self.run_here("rollback", number)
            self.assertEqual(again.returncode, 1)
            self.assertIn("the agent could not roll back", again.stderr)
            self.assertEqual(self.serves(), ("1", {}, 128, 128))
        self.assertEqual(harness.run("history", "--verify", "--state", self.state).returncode, 0)

    def test_of_a_promoted_change_while_no_agent_runs(self):
        with self.agent():
            number = self.promoted()
        done = self.run_here("rollback", number)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.serves(), ("1", {}, 128, 128))
        again = self.run_here("rollback", number)
        self.assertEqual(again.returncode, 1)
        self.assertIn("serves version 1 by now", again.stderr)
        with self.agent("dry-run"):
            self.assertEqual(self.run_here("rollback", 99).returncode, 1)

    def test_of_a_canary_that_is_under_way(self):
        with self.agent():
            number = self.applied()
            harness.wait_for("the canary", lambda: self.change(number)["step"] == "observing")
            self.assertEqual(self.serves()[1], {"2": 0.5})
            done = self.run_here("rollback", number)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.serves(), ("1", {}, 128, 128))
            self.assertEqual(self.change(number)["disposition"], "reverted")

    def test_mistakes_are_told(self):
        with self.agent():
            pass
        self.assertEqual(self.run_here("rollback", 7).returncode, 1)
        self.assertEqual(self.run_here("rollback", "x").returncode, 2)
        self.assertEqual(self.run_here("apply", "--rules", self.folder / "rules.yaml").returncode, 2)
        done = self.run_here("apply", "absent", "--rules", self.folder / "rules.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing is planned for absent", done.stderr)


if __name__ == "__main__":
    unittest.main()
