#!/usr/bin/env python3
"""Symptoms that only the platform sees, from the examples that have them: calls that are refused, and the same input with
different outputs. Each is found with its evidence; the remedy is executed and proved, or refused with the reason."""
import concurrent.futures
import json
import pathlib
import shutil
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

RULES = """version: 1
defaults: {mode: apply, cooldown: 10m, window: 10m}
rules:
- name: the-rule
  when: %s
  plan: [%s]
  canary: {alpha: 0.2, horizon: %s, on_hold: revert}
"""


class Symptoms(harness.Story):
    def begin(self, example, when, plan, horizon="5m"):
        self.name, self.state = example, self.folder / "state"
        shutil.copytree(harness.EXAMPLES / example, self.folder / "functions" / example)
        (self.folder / "rules.yaml").write_text(RULES % (when, plan, horizon))
        checked = harness.run("rules", "check", self.folder / "rules.yaml")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.host = self.stack.enter_context(harness.running(harness.Host(self.folder / "functions", self.folder / "host")))
        if example == "booking":
            self.reserve(1)
        self.agent = self.stack.enter_context(harness.running(harness.Agent(self.folder / "rules.yaml", self.host, self.state, everywhere=True)))
        self.agent.wait_ready()

    def reserve(self, number):
        done = self.host.request("PUT", f"/2017-10-31/functions/{self.name}/concurrency",
                                 json.dumps({"ReservedConcurrentExecutions": number}))
        self.assertEqual(done.status, 200)

    def reserved(self):
        return self.host.request("GET", f"/2019-09-30/functions/{self.name}/concurrency").json().get("ReservedConcurrentExecutions")

    def run_here(self, *arguments):
        return harness.run(*arguments, "--state", self.state,
                           env={"AWS_ENDPOINT_URL_LAMBDA": self.host.url, "AWS_ACCESS_KEY_ID": "test",
                                "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"})

    def change(self):
        rows = harness.history(self.state)
        return rows[0] if rows else {}

    def call_until(self, done, callers=4):
        """Calls at once, as many as that, until done(); what was refused waits a moment and comes again."""
        over = threading.Event()

        def call():
            while not over.is_set():
                if self.host.invoke(self.name, {"seat": 7}).status == 429:
                    time.sleep(0.05)

        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            calling = [pool.submit(call) for _ in range(callers)]
            try:
                return harness.wait_for("what the calls are for", done, 120, 0.2)
            except AssertionError as problem:
                raise AssertionError(f"{problem}\n{self.change()}\n{self.agent.output()[-3000:]}") from problem
            finally:
                over.set()
                for future in calling:
                    future.result()

    def refused_of(self, rounds, at_once=4):
        """How many of so many calls are refused when they come four at once."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            answers = []
            for _ in range(rounds):
                answers += pool.map(lambda _: self.host.invoke(self.name, {"seat": 7, "takes_s": 1}), range(at_once))
        refused = [a for a in answers if a.status == 429]
        for answer in refused:
            self.assertEqual(answer.json()["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded")
            self.assertIn("TooManyRequestsException", answer.headers["X-Amzn-ErrorType"])
        return len(refused)

    def test_refused_calls_get_room_and_that_is_taken_back(self):
        self.begin("booking", "fn.throttles >= 10", "{concurrency: {most: 4}}, {notify: {}}")
        self.assertEqual(self.refused_of(3), 9, "one is served, three are refused")
        self.call_until(lambda: self.change().get("step") == "closed")
        change = self.change()
        self.assertEqual((change["disposition"], change["change"]), ("promoted", "reserved concurrency 1 → 4"))
        self.assertEqual(self.reserved(), 4)
        judged = change["judged"]
        self.assertLess(judged["canary_failures"] / judged["canary_calls"], judged["baseline_failures"] / judged["baseline_calls"])
        self.assertGreaterEqual(int(change["evidence"]["facts"]["fn.throttles"]), 10)
        self.assertEqual(self.refused_of(3), 0, "there is room for all four")
        self.assertEqual(self.host.versions(self.name), ["$LATEST", "1"], "it takes no version")

        told = self.run_here("explain", change["id"])
        self.assertEqual(told.returncode, 0, told.stderr)
        for part in ("fn.throttles = ", "refused: since ", "were served that the old limit had refused", "no version, so no canary"):
            self.assertIn(part, told.stdout)
        self.assertIn("reserved concurrency 1 → 4 was proved and promoted", self.agent.output())
        self.assertEqual(self.agent.metrics()['autotune_events_lost_total{kind="observations"}'], 0)

        back = self.run_here("rollback", change["id"], "--by", "ada")
        self.assertEqual(back.returncode, 0, back.stderr)
        self.assertEqual(self.reserved(), 1)
        self.assertEqual(self.refused_of(3), 9, "as before")
        self.assertEqual(harness.run("history", "--verify", "--state", self.state).returncode, 0)

    def test_what_is_not_seen_to_help_is_taken_back(self):
        self.begin("booking", "fn.throttles >= 10", "{concurrency: {most: 4}}", horizon="3s")
        self.assertEqual(self.refused_of(4), 12)  # and then nobody calls
        harness.wait_for("the end", lambda: self.change().get("step") == "closed", 60, 0.2)
        change = self.change()
        self.assertEqual(change["disposition"], "reverted", change)
        self.assertIn("no call since would have met the old limit", change["detail"])
        self.assertEqual(self.reserved(), 1)

    def test_somebody_elses_reservation_stays(self):
        self.begin("booking", "fn.throttles >= 10", "{concurrency: {most: 4}}", horizon="20s")
        self.assertEqual(self.refused_of(4), 12)
        harness.wait_for("the change", lambda: self.change().get("step") == "observing", 60, 0.05)
        self.reserve(9)
        harness.wait_for("the end", lambda: self.change().get("step") == "closed", 60, 0.2)
        self.assertEqual((self.change()["disposition"], self.reserved()), ("failed", 9))
        self.assertIn("9 is reserved by now, and was left so", self.change()["detail"])

    def test_a_reservation_of_nothing_is_meant_so(self):
        self.begin("booking", "fn.throttles >= 10", "{concurrency: {most: 4}}, {notify: {}}")
        self.reserve(0)
        self.assertEqual(self.refused_of(3), 12)
        harness.wait_for("people are told", lambda: "a reservation of 0 switches it off" in self.agent.output(), 30)
        self.assertEqual((self.change()["disposition"], self.reserved()), ("notified", 0))

    def test_a_dry_run_shows_the_request(self):
        self.begin("booking", "fn.throttles >= 10", "{concurrency: {most: 4}}")
        self.agent.stop()
        dry = self.stack.enter_context(harness.running(harness.Agent(self.folder / "rules.yaml", self.host, self.state, mode="dry-run", everywhere=True)))
        dry.wait_ready()
        self.assertEqual(self.refused_of(4), 12)
        plan = self.run_here("plan", "--rules", self.folder / "rules.yaml")
        self.assertEqual(plan.returncode, 0, plan.stderr)
        for line in ("booking, by rule the-rule", "  - reserved concurrency 1\n  + reserved concurrency 4", "fact      fn.throttles = 12",
                     "proof     fewer calls refused than before", "request   PUT /2017-10-31/functions/booking/concurrency"):
            self.assertIn(line, plan.stdout)
        row = harness.wait_for("the plan", lambda: self.change() if self.change().get("disposition") == "planned" else None, 30)
        self.assertEqual(row["detail"], 'PUT /2017-10-31/functions/booking/concurrency {"ReservedConcurrentExecutions":4}')
        self.assertEqual(self.reserved(), 1)

    def test_different_answers_to_the_same_question(self):
        self.begin("offer", "fn.repeated_inputs >= 5", "{cache: {of: results, safe: true}}, {notify: {}}")
        asked = json.loads((harness.EXAMPLES / "offer" / "event.json").read_text())
        answers = [self.host.invoke("offer", asked) for _ in range(10)]
        self.assertGreater(len({a.body for a in answers}), 1, "it drew the same discount ten times")
        harness.wait_for("people are told", lambda: self.change().get("disposition") == "notified", 30)
        row = self.change()
        self.assertIn("no cache: the same input was answered otherwise", row["because"])
        first, second = row["evidence"]["differed"].split(" and ")
        by_id = {a.request_id: a.body for a in answers}
        self.assertNotEqual(by_id[first], by_id[second], "the two that are named differ")
        self.assertIn(f"the same input was answered otherwise by {first} and {second}", self.agent.output())
        told = self.run_here("explain", row["id"])
        self.assertIn(f"answered otherwise by {first} and {second}", told.stdout)
        head = self.host.configuration("offer")
        self.assertEqual((head["Handler"], self.host.versions("offer")), ("app.handler", ["$LATEST", "1"]), "nothing was put around it")


if __name__ == "__main__":
    unittest.main(verbosity=2)
