#!/usr/bin/env python3
"""Calls that wait for new environments: as many as were needed at a time are kept initialised for the alias, which is proved, or
taken back where it is not seen to help; and how the embedded host keeps them."""
import concurrent.futures
import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

RULES = """version: 1
defaults: {mode: apply, cooldown: 10m, window: 10m}
rules:
- name: the-rule
  when: fn.cold_starts >= 6 && fn.cold_start_share > 0.5
  plan: [{keep_warm: {most: 4}}, {notify: {}}]
  canary: {alpha: 0.2, horizon: %s, on_hold: revert}
"""

# Its imports take their time, and where its calls end it says how it was started.
CODE = """import os, time
time.sleep(0.3)

def handler(event, context):
    time.sleep(1)  # so that they are under way at once
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""

AT_ONCE = 3


class KeepWarm(harness.Story):
    def start_host(self, port=0):
        return self.stack.enter_context(harness.running(harness.Host(
            self.folder / "functions", self.folder / "host", "--idle-timeout", "0.7", port=port)))

    def begin(self, horizon="5m", mode="apply"):
        self.state = self.folder / "state"
        harness.write_function(self.folder / "functions", "quote", CODE, memory_mb=512)
        (self.folder / "rules.yaml").write_text(RULES % horizon)
        checked = harness.run("rules", "check", self.folder / "rules.yaml")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.host = self.start_host()
        self.agent = self.stack.enter_context(harness.running(
            harness.Agent(self.folder / "rules.yaml", self.host, self.state, mode=mode)))
        self.agent.wait_ready()

    def run_here(self, *arguments):
        return harness.run(*arguments, "--state", self.state,
                           env={"AWS_ENDPOINT_URL_LAMBDA": self.host.url, "AWS_ACCESS_KEY_ID": "test",
                                "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"})

    def provisioned(self, count=None):
        """The answer to what is kept; with a number, to ordering so many."""
        body = None if count is None else json.dumps({"ProvisionedConcurrentExecutions": count})
        return self.host.request("GET" if count is None else "PUT",
                                 "/2019-09-30/functions/quote/provisioned-concurrency?Qualifier=live", body)

    def kept(self):
        answer = self.provisioned()
        if answer.status == 404:
            self.assertEqual(answer.headers["x-amzn-ErrorType"], "ProvisionedConcurrencyConfigNotFoundException")
            return None
        return answer.json()["RequestedProvisionedConcurrentExecutions"]

    def ready(self):
        return self.provisioned().json().get("Status") == "READY"

    def change(self):
        rows = harness.history(self.state)
        return rows[0] if rows else {}

    def burst(self, qualifier="live"):
        """So many calls at once, after those of before are idle for too long; how many waited, and by whom they were served."""
        time.sleep(3)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda _: self.host.invoke("quote", {}, qualifier, log=True), range(AT_ONCE)))
        for answer in answers:
            self.assertTrue(answer.ok, answer.body)
        return sum("Init Duration" in a.log for a in answers), sorted({a.json() for a in answers})

    def bursts_until(self, done, qualifier="live"):
        deadline = time.monotonic() + 240
        while not done():
            self.assertLess(time.monotonic(), deadline, f"{self.change()}\n{self.agent.output()[-3000:]}")
            self.burst(qualifier)

    def test_calls_that_waited_do_not_any_more_and_that_is_taken_back(self):
        self.begin()
        self.assertEqual(self.burst(), (AT_ONCE, ["on-demand"]))
        self.assertEqual(self.burst(), (AT_ONCE, ["on-demand"]))
        self.bursts_until(lambda: self.change().get("step") == "closed")
        change = self.change()
        self.assertEqual((change["disposition"], change["change"]), ("promoted", "kept warm none → 3"), change)
        self.assertEqual(change["evidence"]["facts"]["fn.cold_start_share"], "1")
        self.assertIn("at most 3 were under way at a time; 3 environments are paid for all the time", change["because"])
        judged = change["judged"]
        self.assertLess(judged["canary_failures"] / judged["canary_calls"], judged["baseline_failures"] / judged["baseline_calls"])
        self.assertEqual((self.kept(), self.ready()), (3, True))
        self.assertEqual(self.burst(), (0, ["provisioned-concurrency"]))
        self.assertEqual(self.host.versions("quote"), ["$LATEST", "1"], "it takes no version")

        told = self.run_here("explain", change["id"])
        self.assertEqual(told.returncode, 0, told.stderr)
        for part in ("fn.cold_starts = ", "cold: since ", "were served by an environment that is kept since", "no version, so no canary"):
            self.assertIn(part, told.stdout)
        self.assertIn("kept warm none → 3 was proved and promoted", self.agent.output())
        self.assertIn("costs up to 3 environments that wait, 0.54 USD a day at 512 MB (AWS Lambda, x86", self.agent.output())

        back = self.run_here("rollback", change["id"], "--by", "ada")
        self.assertEqual(back.returncode, 0, back.stderr)
        self.assertIsNone(self.kept())
        self.assertEqual(self.burst(), (AT_ONCE, ["on-demand"]), "as before")
        self.assertEqual(harness.run("history", "--verify", "--state", self.state).returncode, 0)

    def test_what_nobody_is_served_by_is_taken_back(self):
        self.begin(horizon="4s")
        closed = lambda: self.change().get("step") == "closed"
        self.bursts_until(closed, qualifier="1")  # past the alias
        change = self.change()
        self.assertEqual((change["disposition"], change["change"]), ("reverted", "kept warm none → 3"), change)
        self.assertIn("no call since was served by an environment that is kept since", change["detail"])
        self.assertIsNone(self.kept())

    def test_somebody_elses_number_stays(self):
        self.begin()
        self.bursts_until(self.change)
        harness.wait_for("observing", lambda: self.change().get("step") == "observing")  # without calls, which could end it
        self.assertEqual(self.provisioned(2).status, 202)
        self.bursts_until(lambda: self.change().get("step") == "closed")
        self.assertEqual((self.change()["disposition"], self.kept()), ("failed", 2))
        self.assertIn("2 are kept warm by now, and it was left so", self.change()["detail"])

    def test_a_dry_run_shows_the_request(self):
        self.begin(mode="dry-run")
        self.bursts_until(lambda: self.change().get("disposition") == "planned")
        plan = self.run_here("plan", "--rules", self.folder / "rules.yaml")
        self.assertEqual(plan.returncode, 0, plan.stderr)
        request = "PUT /2019-09-30/functions/quote/provisioned-concurrency?Qualifier=live"
        for line in ("quote, by rule the-rule", "  - kept warm none\n  + kept warm 3", "proof     fewer calls cold than before",
                     f"request   {request}"):
            self.assertIn(line, plan.stdout)
        self.assertEqual(self.change()["detail"], request + ' {"ProvisionedConcurrentExecutions":3}')
        self.assertIsNone(self.kept())

    def test_they_are_kept_over_a_restart_and_follow_their_alias(self):
        harness.write_function(self.folder / "functions", "quote", CODE, memory_mb=512)
        self.host = self.start_host()
        self.assertEqual(self.provisioned(2).json()["Status"], "IN_PROGRESS")
        harness.wait_for("all are ready", self.ready)
        self.assertEqual(self.host.stop(), 0)
        self.host = self.start_host(self.host.port)
        harness.wait_for("all are ready again", self.ready)
        first = self.host.invoke("quote", {}, log=True)
        self.assertEqual(first.json(), "provisioned-concurrency")
        self.assertNotIn("Init Duration", first.log)

        changed = self.host.request("PUT", "/2015-03-31/functions/quote/configuration", json.dumps({"MemorySize": 640}))
        self.assertEqual(changed.status, 200)
        self.assertEqual(self.host.request("POST", "/2015-03-31/functions/quote/versions").json()["Version"], "2")
        moved = self.host.request("PUT", "/2015-03-31/functions/quote/aliases/live", json.dumps({"FunctionVersion": "2"}))
        self.assertEqual(moved.status, 200)
        harness.wait_for("those of the next version are ready", self.ready)
        next_one = self.host.invoke("quote", {}, log=True)
        self.assertEqual((next_one.version, next_one.json()), ("2", "provisioned-concurrency"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
