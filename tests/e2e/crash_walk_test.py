"""Kills the agent at every changing call of a canary, starts it again, and looks: the alias serves the old
version or the new one, whole; nothing was done twice; the audit holds.

The walk is exhaustive by construction: n grows until a run completes without reaching its n-th call.
"""
import concurrent.futures
import contextlib
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


class Walk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        cls.stack = contextlib.ExitStack()
        cls.folder = cls.stack.enter_context(harness.workspace())
        cls.number = 0
        (cls.folder / "none").mkdir()
        cls.functions = cls.folder / "functions"
        for number in range(1, 4 * MOST_STEPS):
            harness.write_function(cls.functions, f"walk-{number}", FUNCTION)
        cls.host = cls.stack.enter_context(harness.running(harness.Host(cls.functions, cls.folder / "host")))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

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

    def change(self, state):
        with contextlib.suppress(AssertionError):
            rows = harness.history(state)
            return rows[0] if rows else None

    def closed(self, state):
        change = self.change(state)
        return change if change and change["step"] == "closed" else None

    def one(self, seam, when, n, horizon, keep_calling):
        """One death and one recovery. False when the run completed before its n-th call."""
        type(self).number += 1
        name = f"walk-{self.number}"
        state = self.folder / f"agent-{self.number}"
        rules = self.folder / f"rules-{self.number}.yaml"
        rules.write_text(RULES.format(name=name, horizon=horizon))

        doomed = harness.Daemon([harness.BINARY_DIR / "tests/e2e/agent_under_fault", rules, state, seam, when, str(n)],
                                r"serving http://127", {"AWS_ENDPOINT_URL_LAMBDA": self.host.url, "AWS_REGION": "us-east-1"})
        try:
            self.host.invoke(name, {})
            if keep_calling:
                self.traffic_until(name, lambda: not doomed.alive() or self.closed(state), 40)
            else:
                harness.wait_for("death or end", lambda: not doomed.alive() or self.closed(state), 40)
            died = not doomed.alive()
            if died:
                self.assertEqual(doomed.process.returncode, -9, doomed.output())
        finally:
            doomed.stop() if doomed.alive() else doomed.kill()

        with harness.running(harness.Agent(rules, self.host, state)) as agent:
            agent.wait_ready()
            if died and self.change(state) is None:  # died before the intent was written: nothing may have happened
                self.assertEqual(self.host.versions(name), ["$LATEST", "1"])
                self.assertEqual(self.host.configuration(name)["MemorySize"], 128)
                return True
            if keep_calling:
                end = self.traffic_until(name, lambda: self.closed(state), 40)
            else:
                end = harness.wait_for("the end of the change", lambda: self.closed(state), 40)
            self.assertTrue(end, "the change did not end:\n" + agent.output())

        alias = self.host.alias(name)
        versions = self.host.versions(name)
        memory = self.host.configuration(name)["MemorySize"]
        self.assertFalse((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"), "split for ever")
        self.assertIn(versions, (["$LATEST", "1"], ["$LATEST", "1", "2"]), "published twice")
        if end["disposition"] == "promoted":
            self.assertEqual((alias["FunctionVersion"], memory > 128), ("2", True))
        else:
            self.assertEqual((alias["FunctionVersion"], memory), ("1", 128))
        verified = subprocess.run([str(harness.AUTOTUNE), "history", "--state", str(state), "--verify"], capture_output=True, text=True)
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.ends.append(end["disposition"])
        return died

    def walk(self, seam, when, horizon, keep_calling):
        self.ends = []
        for n in range(1, MOST_STEPS):
            with self.subTest(seam=seam, when=when, n=n):
                if not self.one(seam, when, n, horizon, keep_calling):
                    print(f"{seam}, {when}: {n - 1} deaths, ends: {', '.join(self.ends)}", flush=True)
                    return n - 1
        self.fail("the walk never completed")

    def test_promotion_survives_death_at_every_journal_write(self):
        self.assertGreaterEqual(self.walk("store", "after", "1m", keep_calling=True), 9)

    def test_promotion_survives_death_before_every_platform_call(self):
        self.assertGreaterEqual(self.walk("provider", "before", "1m", keep_calling=True), 4)

    def test_promotion_survives_death_after_every_platform_call(self):
        self.assertGreaterEqual(self.walk("provider", "after", "1m", keep_calling=True), 4)

    def test_reversal_survives_death_at_every_journal_write(self):
        self.assertGreaterEqual(self.walk("store", "after", "1s", keep_calling=False), 9)

    def test_reversal_survives_death_after_every_platform_call(self):
        self.assertGreaterEqual(self.walk("provider", "after", "1s", keep_calling=False), 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
