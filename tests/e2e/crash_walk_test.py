#!/usr/bin/env python3
"""Kills the agent at every changing call of a canary, of a size and of each remedy, starts it again, and looks: the alias serves the old
version or the new one, whole; nothing was done twice; the audit holds.

A walk ends by construction: n grows until a run completes without reaching its n-th call. CI walks every fourth n, each walk from
another one on; AUTOTUNE_ALL_POINTS=1 walks all of them.
"""
import concurrent.futures
import contextlib
import http.client
import itertools
import json
import os
import subprocess
import time
import unittest

import harness

FUNCTION = harness.FILL + '''
import time, urllib.request

def handler(event, context):
    if "items" in event:  # too many for one
        fill(10 * len(event["items"]))
        return event["items"]
    if "steps" in event:  # too long for one
        for done in range(getattr(context, "state", None) or 0, event["steps"]):
            time.sleep(0.2)
            if hasattr(context, "handover"):
                context.handover(done + 1)
        return "done"
    if "nap" in event:  # too many at once
        time.sleep(event["nap"])
        return "ok"
    if "ask" in event:  # too slow for its caller
        with urllib.request.urlopen(event["ask"], timeout=10) as answer:
            return answer.read().decode()
    fill(600)
    return "ok"
'''

MEMORY = 512  # MB: less than the above takes, and enough of a core that a start of Python is no long computation

RULES = '''
version: 1
defaults: {{mode: apply, cooldown: 10m}}
guardrails: {{blast_radius: {{max_concurrent_changes: 4, max_canary_weight: 0.5}}}}
rules:
- name: out-of-memory
  scope: {{functions: "{name}"}}
  when: {when}
  window: 1m
  plan: [{plan}]
  canary: {{weight: 0.5, alpha: 0.2, error_margin: 0.1, horizon: {horizon}, on_hold: revert}}
'''


def slow(_):
    time.sleep(0.1)
    return b"price"


# What is done about which event of the function above: condition, plan, event, the time limit that it needs.
REMEDIES = {
    "resize": ("fn.oom_count > 0", "{resize: {strategy: oom-bump}}", {}, "60s"),
    "map_reduce": ("fn.oom_count > 0", "{map_reduce: {over: event.items, part: 20}}", {"items": [1] * 60}, "60s"),
    "handover": ("fn.timeouts > 0", "{handover: {hops: 4}}", {"steps": 8}, "1s"),
    "cache": ("fn.io_wait_share > 0.1", "{cache: {ttl: 10m}}", {"ask": "the service's URL"}, "60s"),
    "relocate": ("fn.io_wait_share > 0.1", "{relocate: {tries: 1, places: [{region: eu-west-1, endpoint: 'ENDPOINT'}]}}",
                 {"ask": "the service's URL"}, "60s"),
    "concurrency": ("fn.throttles > 5", "{concurrency: {most: 4}}", {"nap": 0.3}, "60s"),
    "keep_warm": ("fn.cold_starts >= 6", "{keep_warm: {most: 4}}", {"nap": 0.3}, "60s"),
    "deploy": ("fn.invocations < 0", "{notify: {}}", {}, "60s"),  # people ask for it
}
OF_NO_VERSION = ("concurrency", "keep_warm")  # they change how many environments there are, not what runs in them

PATIENCE_S = 300
MOST_STEPS = 30  # far above what a canary takes; a walk that gets there never completes
STRIDE = 1 if os.environ.get("AUTOTUNE_ALL_POINTS") == "1" else 4


class Walk:
    """One seam, one moment, every n. Walks share a host and run side by side, each on functions of its own."""

    def __init__(self, host, folder, numbers, remedy, seam, when, horizon, keep_calling, index=0):
        # A change of no version makes few calls of the platform: one that changes something, between two for its lease.
        self.stride = 1 if seam == "provider" and remedy in OF_NO_VERSION else STRIDE
        self.first = 1 + index % self.stride
        self.host, self.folder, self.numbers, self.remedy = host, folder, numbers, remedy
        self.condition, self.plan, self.event, _ = REMEDIES[remedy]
        self.seam, self.when, self.horizon, self.keep_calling = seam, when, horizon, keep_calling
        self.ends = []
        self.check = unittest.TestCase()

    def deaths(self):
        """Walks to the end; returns how many calls a change takes, or up to STRIDE - 1 more."""
        for n in range(self.first, MOST_STEPS, self.stride):
            try:
                died = self.one(n)
            except AssertionError as problem:
                raise AssertionError(f"{self.remedy}, death {self.when} {self.seam} call {n}: {problem}") from problem
            if not died:
                self.check.assertGreater(n, self.first, "nobody died")
                print(f"{self.remedy}, {self.seam}, {self.when}: up to {n - 1} calls, ends: {', '.join(self.ends)}", flush=True)
                return n - 1
        raise AssertionError("the walk never completed")

    def traffic_until(self, name, done, seconds, callers=3):
        """Invokes until done() or the time is over; returns what done() said last."""
        deadline = time.monotonic() + seconds
        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            def call():
                while not done() and time.monotonic() < deadline:
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        if self.host.invoke(name, self.event).status == 429:
                            time.sleep(0.02)
            for future in [pool.submit(call) for _ in range(callers)]:
                future.result()
        return done()

    def burst(self, name):
        """So many calls at once; how many of them were refused."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.host.invoke(name, self.event), range(8)))
        return sum(a.status == 429 for a in answers)

    def provoke(self, name):
        """What the rule waits for."""
        if self.remedy == "keep_warm":  # each of them waits for an environment of its own
            self.check.assertEqual(self.burst(name), 0)
            return
        self.host.invoke(name, self.event)
        if self.remedy == "concurrency":  # which one alone does not want
            refused = harness.wait_for("refused calls", lambda: self.burst(name), 30, 0)
            self.check.assertGreater(refused, 5)

    def until(self, name, done):
        if self.keep_calling:
            end = self.traffic_until(name, done, PATIENCE_S)
            self.check.assertTrue(end, f"not within {PATIENCE_S} s: death or end")
            return end
        return harness.wait_for("death or end", done, PATIENCE_S, 0.1)

    @staticmethod
    def change(state):
        with contextlib.suppress(AssertionError):
            rows = harness.history(state)
            return rows[0] if rows else None

    def closed(self, state):
        change = self.change(state)
        return change if change and change["step"] == "closed" else None

    def one(self, n):
        """One death and one recovery. False when the change completed before its n-th call."""
        number = next(self.numbers[self.remedy])
        name = f"{self.remedy}-{number}"
        state = self.folder / f"agent-{name}"
        rules = self.folder / f"rules-{name}.yaml"
        rules.write_text(RULES.format(name=name, horizon=self.horizon, when=self.condition, plan=self.plan))

        if self.remedy == "deploy":
            done = harness.run("deploy", name, "--code", self.folder / "good", "--state", state, "--weight", 0.5, "--alpha", 0.2,
                               "--error-margin", 0.1, "--horizon", 0.03 if self.keep_calling else 0.001)
            self.check.assertEqual(done.returncode, 0, done.stderr)
        doomed = harness.Daemon([harness.BINARY_DIR / "tests/e2e/agent_under_fault", rules, state, self.seam, self.when, str(n)],
                                r"serving http://127", {"AWS_ENDPOINT_URL_LAMBDA": self.host.url, "AWS_REGION": "us-east-1"})
        try:
            self.provoke(name)
            self.until(name, lambda: not doomed.alive() or self.closed(state))
            died = not doomed.alive()
            if died:
                self.check.assertEqual(doomed.process.returncode, -9, doomed.output())
        finally:
            doomed.stop()

        with harness.running(harness.Agent(rules, self.host, state, "--budget", "off")) as agent:
            agent.wait_ready()
            # Died before the intent was written: nothing may have happened. (A deployment is still asked for.)
            if died and self.change(state) is None and self.remedy != "deploy":
                self.check.assertEqual(self.host.versions(name), ["$LATEST", "1"])
                self.check.assertFalse(self.changed(name))
                return True
            end = self.until(name, lambda: self.closed(state))
            self.check.assertTrue(end, "the change did not end:\n" + agent.output())
        self.look(name, state, end)
        return died

    def changed(self, name):
        """Whether the head has what the change gives it; one that is half changed fails here."""
        if self.remedy == "concurrency":
            limit = self.host.request("GET", f"/2019-09-30/functions/{name}/concurrency").json()["ReservedConcurrentExecutions"]
            self.check.assertIn(limit, (1, 2, 3, 4))
            return limit > 1
        if self.remedy == "keep_warm":
            kept = lambda: self.host.request("GET", f"/2019-09-30/functions/{name}/provisioned-concurrency?Qualifier=live")
            if kept().status == 404:
                return False
            harness.wait_for("all are ready", lambda: kept().json()["Status"] == "READY", 30)
            self.check.assertEqual(kept().json()["AvailableProvisionedConcurrentExecutions"], 4)
            return True
        head = self.host.configuration(name)
        variables = (head.get("Environment") or {}).get("Variables", {})
        if self.remedy == "deploy":
            old = self.host.request("GET", f"/2015-03-31/functions/{name}/configuration?Qualifier=1").json()["CodeSha256"]
            return head["CodeSha256"] != old
        is_new = [head["MemorySize"] > MEMORY] if self.remedy == "resize" else [
            head["Handler"] == "autotune_remedy.handler", len(head.get("Layers", [])) == 1,
            list(json.loads(variables.get("AUTOTUNE_REMEDY", '{"remedies":{}}'))["remedies"]) == [self.remedy]]
        is_old = (head["MemorySize"], head["Handler"], head.get("Layers", []), variables) == (MEMORY, "handler.handler", [], {})
        self.check.assertTrue(all(is_new) != is_old, f"half changed: {head}")
        return all(is_new)

    def look(self, name, state, end):
        """Fully old or fully new, nothing twice, an unbroken audit."""
        alias = self.host.alias(name)
        changed = self.changed(name)
        self.check.assertFalse((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"), "split for ever")
        published = [] if self.remedy in OF_NO_VERSION else [["$LATEST", "1", "2"]]
        self.check.assertIn(self.host.versions(name), [["$LATEST", "1"], *published], "published twice")
        self.check.assertEqual(len(harness.history(state)), 1, "done twice")
        promoted = end["disposition"] == "promoted"
        version = "2" if promoted and self.remedy not in OF_NO_VERSION else "1"
        self.check.assertEqual((alias["FunctionVersion"], changed), (version, promoted))
        verified = subprocess.run([str(harness.AUTOTUNE), "history", "--state", str(state), "--verify"],
                                  capture_output=True, text=True)
        self.check.assertEqual(verified.returncode, 0, verified.stderr)
        self.ends.append(end["disposition"])


# name: remedy, seam, moment, horizon, does traffic go on (else the canary is never proved, and is reverted)
WALKS = {
    "promotion, journal": ("resize", "store", "after", "2m", True),
    "promotion, before the platform": ("resize", "provider", "before", "2m", True),
    "promotion, after the platform": ("resize", "provider", "after", "2m", True),
    "reversal, journal": ("resize", "store", "after", "1s", False),
    "reversal, after the platform": ("resize", "provider", "after", "1s", False),
    "map-reduce, journal": ("map_reduce", "store", "after", "2m", True),
    "map-reduce, after the platform": ("map_reduce", "provider", "after", "2m", True),
    "map-reduce taken back": ("map_reduce", "provider", "after", "1s", False),
    "handover, journal": ("handover", "store", "after", "2m", True),
    "cache, journal": ("cache", "store", "after", "2m", True),
    "cache taken back": ("cache", "store", "after", "1s", False),
    "relocate, journal": ("relocate", "store", "after", "2m", True),
    "concurrency, journal": ("concurrency", "store", "after", "2m", True),
    "concurrency, before the platform": ("concurrency", "provider", "before", "2m", True),
    "concurrency, after the platform": ("concurrency", "provider", "after", "2m", True),
    "concurrency taken back": ("concurrency", "provider", "after", "1s", False),
    "concurrency taken back, journal": ("concurrency", "store", "after", "1s", False),
    "keep warm, journal": ("keep_warm", "store", "after", "2m", True),
    "keep warm, before the platform": ("keep_warm", "provider", "before", "2m", True),
    "keep warm, after the platform": ("keep_warm", "provider", "after", "2m", True),
    "keep warm taken back": ("keep_warm", "provider", "after", "1s", False),
    "keep warm taken back, journal": ("keep_warm", "store", "after", "1s", False),
    "deploy, journal": ("deploy", "store", "after", "2m", True),
    "deploy, after the platform": ("deploy", "provider", "after", "2m", True),
    "deploy taken back": ("deploy", "provider", "after", "1s", False),
}


def write_function(folder, name, remedy):
    harness.write_function(folder, name, FUNCTION, timeout=REMEDIES[remedy][3], memory_mb=MEMORY)


def reserve_one(host, name):
    host.request("PUT", f"/2017-10-31/functions/{name}/concurrency", '{"ReservedConcurrentExecutions": 1}')


def prepare(stack, folder):
    """What functions ask, and where they could ask instead."""
    service = stack.enter_context(harness.service(slow, Cache_Control="max-age=600"))
    for remedy in ("cache", "relocate"):
        REMEDIES[remedy][2]["ask"] = f"{service}/"
    (folder / "none").mkdir()
    there = stack.enter_context(harness.running(harness.Host(folder / "none", folder / "there", "--region", "eu-west-1")))
    condition, plan, event, timeout = REMEDIES["relocate"]
    REMEDIES["relocate"] = (condition, plan.replace("ENDPOINT", there.url), event, timeout)


class CrashWalk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        cls.stack = contextlib.ExitStack()
        folder = cls.stack.enter_context(harness.workspace())
        for remedy in REMEDIES:
            for number in range(1, 80):
                write_function(folder / "functions", f"{remedy}-{number}", remedy)
        prepare(cls.stack, folder)
        (folder / "good").mkdir()
        (folder / "good" / "handler.py").write_text("def handler(event, context):\n    return 'ok'\n")
        host = cls.stack.enter_context(harness.running(harness.Host(folder / "functions", folder / "host")))
        for number in range(1, 80):
            reserve_one(host, f"concurrency-{number}")
        pool = cls.stack.enter_context(concurrent.futures.ThreadPoolExecutor(4))
        numbers = {remedy: itertools.count(1) for remedy in REMEDIES}
        cls.walks = {name: pool.submit(Walk(host, folder, numbers, *walk, index).deaths)
                     for index, (name, walk) in enumerate(WALKS.items())}

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def test_promotion_survives_death_at_every_journal_write(self):
        self.assertGreaterEqual(self.walks["promotion, journal"].result(), 9)

    def test_promotion_survives_death_before_every_platform_call(self):
        self.assertGreaterEqual(self.walks["promotion, before the platform"].result(), 4)

    def test_promotion_survives_death_after_every_platform_call(self):
        self.assertGreaterEqual(self.walks["promotion, after the platform"].result(), 4)

    def test_reversal_survives_death_at_every_journal_write(self):
        self.assertGreaterEqual(self.walks["reversal, journal"].result(), 9)

    def test_reversal_survives_death_after_every_platform_call(self):
        self.assertGreaterEqual(self.walks["reversal, after the platform"].result(), 4)

    def test_a_remedy_survives_death_at_every_journal_write(self):
        for remedy in ("map-reduce", "handover", "cache", "relocate"):
            with self.subTest(remedy):
                self.assertGreaterEqual(self.walks[f"{remedy}, journal"].result(), 9)

    def test_a_remedy_survives_death_after_every_platform_call(self):
        self.assertGreaterEqual(self.walks["map-reduce, after the platform"].result(), 5)  # the layer too

    def test_a_number_of_environments_survives_death_everywhere(self):
        for remedy in ("concurrency", "keep warm"):
            with self.subTest(remedy):
                self.assertGreaterEqual(self.walks[f"{remedy}, journal"].result(), 5)
                self.assertGreaterEqual(self.walks[f"{remedy}, before the platform"].result(), 1)
                self.assertGreaterEqual(self.walks[f"{remedy}, after the platform"].result(), 1)
                self.assertGreaterEqual(self.walks[f"{remedy} taken back"].result(), 2)
                self.assertGreaterEqual(self.walks[f"{remedy} taken back, journal"].result(), 5)

    def test_a_deployment_survives_death_everywhere(self):
        self.assertGreaterEqual(self.walks["deploy, journal"].result(), 9)
        self.assertGreaterEqual(self.walks["deploy, after the platform"].result(), 4)
        self.assertGreaterEqual(self.walks["deploy taken back"].result(), 4)

    def test_a_remedy_is_taken_back_whole(self):
        self.assertGreaterEqual(self.walks["map-reduce taken back"].result(), 5)
        self.assertGreaterEqual(self.walks["cache taken back"].result(), 9)


if __name__ == "__main__":
    unittest.main(verbosity=2)
