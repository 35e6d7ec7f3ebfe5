#!/usr/bin/env python3
"""Kills the host, and the host and the agent at once, at changing calls of every remedy; the host is started again with its
state folder, and so is the agent where it died. Then as in crash_walk: the alias serves the old version or the new one, whole;
nothing was done twice; the audit holds.

Each point has a host of its own, so one costs some ten seconds. CI walks two points a remedy and victim, one of the journal and
one of the platform, another one for each; AUTOTUNE_ALL_POINTS=1 walks all of them until a run completes.
"""
import concurrent.futures
import contextlib
import http.client
import os
import unittest

import crash_walk_test as crash_walk
import harness

ALL = os.environ.get("AUTOTUNE_ALL_POINTS") == "1"
# Each change takes at least so many of these calls, in a run to its end.
FEWEST = {remedy: {"store": 9, "provider": 5} for remedy in crash_walk.REMEDIES}
FEWEST |= {remedy: {"store": 5, "provider": 2} for remedy in crash_walk.OF_NO_VERSION}


class HostWalk(crash_walk.Walk):
    """One remedy, one victim, one seam, on hosts of its own."""

    def __init__(self, folder, remedy, victim, seam, when):
        super().__init__(None, folder, None, remedy, seam, when, "2m", True)
        self.victim = victim

    def one(self, n):
        name = f"{self.remedy}-{self.victim}-{self.seam}-{n}"
        home = self.folder / name
        (home / "good").mkdir(parents=True)
        (home / "good" / "handler.py").write_text("def handler(event, context):\n    return 'ok'\n")
        crash_walk.write_function(home / "functions", name, self.remedy)
        rules, state = home / "rules.yaml", home / "agent"
        rules.write_text(crash_walk.RULES.format(name=name, horizon=self.horizon, when=self.condition, plan=self.plan))
        if self.remedy == "deploy":
            done = harness.run("deploy", name, "--code", home / "good", "--state", state, "--weight", 0.5, "--alpha", 0.2,
                               "--error-margin", 0.1, "--horizon", 0.03)
            self.check.assertEqual(done.returncode, 0, done.stderr)
        first = self.host = harness.Host(home / "functions", home / "host")
        agent = None
        try:
            if self.remedy == "concurrency":
                crash_walk.reserve_one(first, name)
            victim = str(first.process.pid) + ("+self" if self.victim == "both" else "")
            agent = harness.Daemon([harness.BINARY_DIR / "tests/e2e/agent_under_fault", rules, state, self.seam, self.when,
                                    str(n), victim], r"serving http://127",
                                   {"AWS_ENDPOINT_URL_LAMBDA": first.url, "AWS_REGION": "us-east-1"})
            with contextlib.suppress(OSError, http.client.HTTPException):  # it may die early
                self.provoke(name)
            self.until(name, lambda: not first.alive() or self.closed(state))
            died = not first.alive()
            if died:
                self.check.assertEqual(first.process.returncode, -9, first.output())
                self.host = harness.Host(home / "functions", home / "host", port=first.port)
            if died and self.victim == "both":
                harness.wait_for("the agent's death", lambda: not agent.alive())
                agent = harness.Agent(rules, self.host, state, "--budget", "off")
                agent.wait_ready()
            end = self.until(name, lambda: self.closed(state))
            self.check.assertTrue(end, "the change did not end:\n" + agent.output())
            self.look(name, state, end)
        finally:
            for daemon in (agent, self.host, first):
                if daemon is not None and daemon.alive():
                    daemon.stop()
        return died


def sampled(walk, index):
    """One point, another one for each walk, and the host must have died there."""
    n = 1 + index // 2 * 7 % FEWEST[walk.remedy][walk.seam]  # for the agent's death beside the host's another one
    try:
        if not walk.one(n):
            raise AssertionError("nobody died")
    except AssertionError as problem:
        raise AssertionError(f"{walk.remedy}, {walk.victim}, {walk.when} {walk.seam} call {n}: {problem}") from problem
    print(f"{walk.remedy}, {walk.victim}, {walk.when} {walk.seam} call {n}: {', '.join(walk.ends)}", flush=True)
    return 1


class HostDies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        cls.stack = contextlib.ExitStack()
        folder = cls.stack.enter_context(harness.workspace())
        crash_walk.prepare(cls.stack, folder)
        pool = cls.stack.enter_context(concurrent.futures.ThreadPoolExecutor(3))
        walks = [(remedy, victim, seam, when) for remedy in crash_walk.REMEDIES for victim in ("host", "both")
                 for seam, when in (("store", "after"), ("provider", "before" if victim == "host" else "after"))]
        cls.ends = {}
        for index, (remedy, victim, seam, when) in enumerate(walks):
            walk = HostWalk(folder, remedy, victim, seam, when)
            cls.ends.setdefault(remedy, []).append((seam, pool.submit(walk.deaths) if ALL else pool.submit(sampled, walk, index)))

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def test_every_remedy_survives_it(self):
        for remedy, ends in self.ends.items():
            for seam, end in ends:
                with self.subTest(remedy=remedy, seam=seam):
                    self.assertGreaterEqual(end.result(), FEWEST[remedy][seam] if ALL else 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
