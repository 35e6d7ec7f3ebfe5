#!/usr/bin/env python3
"""Kills the agent at every changing call of a canary, starts it again, and looks: the alias serves the old
version or the new one, whole; nothing was done twice; the audit holds.

The walks are exhaustive by construction: n grows until a run completes without reaching its n-th call.
"""
import concurrent.futures
import contextlib
import itertools
import subprocess
import time
import unittest

import harness

FUNCTION = '''
import mmap

def handler(event, context):
    block = mmap.mmap(-1, 150 << 20)
    for offset in range(0, len(block), 4096):
        block[offset] = 1
    return "ok"
'''

RULES = '''
version: 1
defaults: {{mode: apply, cooldown: 10m}}
guardrails: {{blast_radius: {{max_concurrent_changes: 4, max_canary_weight: 0.5}}}}
rules:
- name: out-of-memory
  scope: {{functions: "{name}"}}
  when: fn.oom_count > 0
  window: 1m
  plan: [{{resize: {{strategy: oom-bump}}}}]
  canary: {{weight: 0.5, alpha: 0.2, horizon: {horizon}, on_hold: revert}}
'''

MOST_STEPS = 30  # far above what a canary takes; a walk that gets there never completes


class Walk:
    """One seam, one moment, every n. Walks share a host and run side by side, each on functions of its own."""

    def __init__(self, host, folder, numbers, seam, when, horizon, keep_calling):
        self.host, self.folder, self.numbers = host, folder, numbers
        self.seam, self.when, self.horizon, self.keep_calling = seam, when, horizon, keep_calling
        self.ends = []
        self.check = unittest.TestCase()

    def deaths(self):
        """Walks to the end; returns how many calls a change takes, that is: how often the agent died."""
        for n in range(1, MOST_STEPS):
            try:
                died = self.one(n)
            except AssertionError as problem:
                raise AssertionError(f"death {self.when} {self.seam} call {n}: {problem}") from problem
            if not died:
                print(f"{self.seam}, {self.when}: {n - 1} deaths, ends: {', '.join(self.ends)}", flush=True)
                return n - 1
        raise AssertionError("the walk never completed")

    def traffic_until(self, name, done, seconds, callers=3):
        """Invokes until done() or the time is over; returns what done() said last."""
        deadline = time.monotonic() + seconds
        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            def call():
                while not done() and time.monotonic() < deadline:
                    with contextlib.suppress(OSError):
                        self.host.invoke(name, {})
            for future in [pool.submit(call) for _ in range(callers)]:
                future.result()
        return done()

    def until(self, name, done):
        if self.keep_calling:
            return self.traffic_until(name, done, 90)
        return harness.wait_for("death or end", done, 90, 0.1)

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
        number = next(self.numbers)
        name = f"walk-{number}"
        state = self.folder / f"agent-{number}"
        rules = self.folder / f"rules-{number}.yaml"
        rules.write_text(RULES.format(name=name, horizon=self.horizon))

        doomed = harness.Daemon([harness.BINARY_DIR / "tests/e2e/agent_under_fault", rules, state, self.seam, self.when, str(n)],
                                r"serving http://127", {"AWS_ENDPOINT_URL_LAMBDA": self.host.url, "AWS_REGION": "us-east-1"})
        try:
            self.host.invoke(name, {})
            self.until(name, lambda: not doomed.alive() or self.closed(state))
            died = not doomed.alive()
            if died:
                self.check.assertEqual(doomed.process.returncode, -9, doomed.output())
        finally:
            doomed.stop()

        with harness.running(harness.Agent(rules, self.host, state)) as agent:
            agent.wait_ready()
            if died and self.change(state) is None:  # died before the intent was written: nothing may have happened
                self.check.assertEqual(self.host.versions(name), ["$LATEST", "1"])
                self.check.assertEqual(self.host.configuration(name)["MemorySize"], 128)
                return True
            end = self.until(name, lambda: self.closed(state))
            self.check.assertTrue(end, "the change did not end:\n" + agent.output())
        self.look(name, state, end)
        return died

    def look(self, name, state, end):
        """Fully old or fully new, nothing twice, an unbroken audit."""
        alias = self.host.alias(name)
        memory = self.host.configuration(name)["MemorySize"]
        self.check.assertFalse((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"), "split for ever")
        self.check.assertIn(self.host.versions(name), (["$LATEST", "1"], ["$LATEST", "1", "2"]), "published twice")
        if end["disposition"] == "promoted":
            self.check.assertEqual((alias["FunctionVersion"], memory > 128), ("2", True))
        else:
            self.check.assertEqual((alias["FunctionVersion"], memory), ("1", 128))
        verified = subprocess.run([str(harness.AUTOTUNE), "history", "--state", str(state), "--verify"],
                                  capture_output=True, text=True)
        self.check.assertEqual(verified.returncode, 0, verified.stderr)
        self.ends.append(end["disposition"])


# name: seam, moment, horizon, does traffic go on (else the canary is never proved, and is reverted)
WALKS = {
    "promotion, journal": ("store", "after", "2m", True),
    "promotion, before the platform": ("provider", "before", "2m", True),
    "promotion, after the platform": ("provider", "after", "2m", True),
    "reversal, journal": ("store", "after", "1s", False),
    "reversal, after the platform": ("provider", "after", "1s", False),
}


class CrashWalk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        cls.stack = contextlib.ExitStack()
        folder = cls.stack.enter_context(harness.workspace())
        for number in range(1, 80):
            harness.write_function(folder / "functions", f"walk-{number}", FUNCTION, timeout="60s")  # the kill comes first
        host = cls.stack.enter_context(harness.running(harness.Host(folder / "functions", folder / "host")))
        pool = cls.stack.enter_context(concurrent.futures.ThreadPoolExecutor(4))
        numbers = itertools.count(1)
        cls.walks = {name: pool.submit(Walk(host, folder, numbers, *walk).deaths) for name, walk in WALKS.items()}

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
