#!/usr/bin/env python3
"""`autotune profile --function`: one invocation's time and memory, of functions that know nothing of it."""
import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

CODE = '''
import threading, time

def background():
    while True: time.sleep(0.05)
threading.Thread(target=background, daemon=True).start()

def nap(seconds):  # how long it was
    begin = time.monotonic()
    time.sleep(seconds)
    return time.monotonic() - begin
def spin(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass
kept = []  # else the allocator would use it again
def take(megabytes): kept.append(b"x" * (megabytes << 20))

def handler(event, context):
    napped = nap(event["nap"])
    spin(event["spin"])
    take(event["take"])
    return napped
'''
CALLS = [{"nap": 0.1, "spin": 0.05, "take": 4}, {"nap": 3, "spin": 0.05, "take": 1}, {"nap": 0.1, "spin": 0.3, "take": 16}]


class FunctionProfile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        harness.write_function(cls.folder / "functions", "naps", CODE, memory_mb=1769, timeout="6s")
        cls.host = harness.Host(cls.folder / "functions", cls.folder / "host")
        cls.addClassCleanup(cls.host.kill)
        cls.host.invoke("naps", CALLS[0])  # the sandbox is there, and its files have been seen

    def profiled(self, calls, *arguments):
        """[(frames root first, weight)] of what ran while these were called, and [(request id, what was answered)]."""
        out = self.folder / "out.folded"
        argv = [harness.AUTOTUNE, "profile", "--function", "naps", "--duration", "120", "-o", out, *arguments]
        profiler = harness.Daemon([str(a) for a in argv], "watching for naps")
        try:
            # The executor is heard of with its next words, and its files are read then.
            warm = {"nap": 0, "spin": 0, "take": 0}
            harness.wait_for("the executor", lambda: self.host.invoke("naps", warm) and "found naps" in profiler.output(), 60, 0.2)
            answers = [self.host.invoke("naps", call) for call in calls]
            self.host.invoke("naps", warm)  # the executor has told of the end of the one before
        finally:
            status = profiler.stop(60)
        said = profiler.output()
        self.assertEqual(status, 0, said)
        rows = [line.rsplit(" ", 1) for line in out.read_text().splitlines()]
        told = [(answer.request_id, answer.json()) for answer in answers]
        return [(stack.split(";"), int(weight)) for stack, weight in rows], told, said

    @staticmethod
    def weight(stacks, *names):
        return sum(w for frames, w in stacks if all(any(n in f for f in frames) for n in names))

    @staticmethod
    def seconds_of(stacks, request):
        return next(float(frames[0].split()[1]) / 1e3 for frames, _ in stacks if request in frames[0])

    def assert_is_nap(self, nanoseconds, nap, napped):
        """It waited at least as long as it wished to, and no longer than it says: on a busy machine it is woken late."""
        self.assertGreaterEqual(nanoseconds / 1e9, 0.95 * nap - 0.01)
        self.assertLessEqual(nanoseconds / 1e9, 1.05 * napped + 0.01)

    def test_each_invocation_has_its_own_waits(self):
        stacks, told, said = self.profiled(CALLS, "--mode", "off-cpu", "--invocation", "each")
        for call, (request, napped) in zip(CALLS, told):
            self.assert_is_nap(self.weight(stacks, request, "nap"), call["nap"], napped)
            # A thread of its own waits all the time, but nothing outside of the invocation is counted.
            whole = self.seconds_of(stacks, request)
            self.assertLessEqual(self.weight(stacks, request, "background") / 1e9, whole)
            self.assertGreater(self.weight(stacks, request, "background") / 1e9, 0.7 * whole)
        self.assertRegex(said, r"\d+ invocations")

    def test_the_slowest_on_the_wall_clock(self):
        stacks, told, _ = self.profiled(CALLS, "--mode", "wall", "--invocation", "slowest", "--hz", "499")
        self.assert_is_nap(self.weight(stacks, "nap"), 3, told[1][1])
        self.assertGreater(self.weight(stacks, "spin") / 1e9, 0.04)

    def test_memory_of_all_and_of_each(self):
        stacks, told, _ = self.profiled(CALLS, "--mode", "memory", "--invocation", "each")
        for call, (request, _) in zip(CALLS, told):
            self.assertAlmostEqual(self.weight(stacks, request, "take") / (1 << 20), call["take"], delta=0.3)
        stacks, _, _ = self.profiled(CALLS, "--mode", "memory")
        self.assertAlmostEqual(self.weight(stacks, "take") / (1 << 20), sum(c["take"] for c in CALLS), delta=0.5)

    def test_a_wait_that_the_deadline_ended(self):
        stacks, ((request, _),), _ = self.profiled([{"nap": 60, "spin": 0, "take": 0}], "--mode", "off-cpu", "--invocation", "each")
        self.assert_is_nap(self.weight(stacks, request, "nap"), 6, self.seconds_of(stacks, request))

    def test_the_slowest_against_the_median(self):
        # Far apart: on a busy machine too, it is the long nap that is the slowest.
        picture = self.folder / "slow.json"
        _, told, _ = self.profiled([{"nap": 0.02, "spin": 0, "take": 0}] * 10 + [{"nap": 4, "spin": 0, "take": 0}],
                      "--mode", "off-cpu", "--diff", "-o", picture)
        data = json.loads(picture.read_text())
        self.assertRegex(data["title"], r"^naps: the slowest 1 of \d+ invocations \(\d+ ms and more\) against the median")
        slowest_ms = int(re.search(r"(\d+) ms", data["title"])[1])
        self.assertGreaterEqual(slowest_ms, 4000)
        self.assertLess(slowest_ms, 1000 * told[-1][1] + 1000)
        now, before = (sum(s[key] for s in data["stacks"] if "nap" in s["frames"]) / 1e9 for key in ("weight", "before"))
        self.assertGreaterEqual(now, 3.999)
        self.assertLess(before, now / 3)

    def test_nothing_that_matches_is_said(self):
        done = harness.run("profile", "--function", "nobody", "--duration", "0.2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no invocation of nobody", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
