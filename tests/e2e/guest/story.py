"""Inside the guest: what must hold on Linux 6.1 with cgroup v2 alone. The last line is the result, in JSON.

One host and one agent serve all tests; they are in the order of their names, and the last stops both.
"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

import harness

CGROUPS = pathlib.Path("/sys/fs/cgroup")
RESULT = "GUEST RESULT "
PATIENCE_S = 60  # everything is slow here, and slower still when others use the machine below

HOG = '''
def handler(event, context):
    return len(b"x" * (event["megabytes"] << 20))
'''
PROBE = '''
import os, time

def spin(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass

def handler(event, context):
    time.sleep(event.get("sleep", 0))
    spin(event.get("spin", 0))
    return {"pid": os.getpid(), "length": len(b"x" * (event.get("megabytes", 0) << 20))}
'''
# The host gives CPU in proportion to memory, and an emulated CPU is about ten times slower than a real one: sizes
# and limits are such that a Python starts, and a kill comes, well within them.
FUNCTIONS = {"hog": (HOG, 512, "60s"), "probe": (PROBE, 1769, "60s"), "sleeper": (PROBE, 1769, "2s")}
RULES = '''
version: 1
defaults: {mode: apply, cooldown: 10m}
guardrails: {blast_radius: {max_canary_weight: 0.5}}
rules:
- name: out-of-memory
  scope: {functions: hog}
  when: fn.oom_count >= 2
  window: 5m
  plan: [{resize: {strategy: oom-bump}}]
  canary: {weight: 0.5, alpha: 0.2, latency_margin: 1.0, horizon: 10m, on_hold: revert}
'''


class Guest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path("/tmp/story")
        for name, (code, memory, timeout) in FUNCTIONS.items():
            harness.write_function(cls.folder / "functions", name, code, memory_mb=memory, timeout=timeout)
        rules = cls.folder / "rules.yaml"
        rules.write_text(RULES)
        # With a seed, the draws between the alias' two versions are the same each time.
        cls.host = harness.Host(cls.folder / "functions", cls.folder / "host", "--seed", "1")
        # An emulated CPU is so slow that the budget would leave nothing to look at.
        cls.agent = harness.Agent(rules, cls.host, cls.folder / "agent", "--budget", "off", everywhere=True)
        cls.addClassCleanup(cls.tell_what_they_said)  # also when the agent does not get ready
        cls.agent.wait_ready()

    @classmethod
    def tell_what_they_said(cls):
        for daemon in (cls.agent, cls.host):
            daemon.kill()
            print(f"--- {type(daemon).__name__}\n{daemon.output()}", flush=True)

    def record(self, answer, function):
        """What the agent knows of the invocation that was answered so."""
        def find():
            rows = harness.history(self.agent.state, "--invocations", function)
            return next((r for r in rows if r["id"] == answer.request_id), None)
        return harness.wait_for(f"a record of {function} {answer.request_id}", find, PATIENCE_S)

    def test_1_the_doctor_finds_nothing_amiss(self):
        done = subprocess.run([harness.AUTOTUNE, "doctor", "--json"], capture_output=True, text=True)
        report = json.loads(done.stdout)
        checks = {c["name"]: c for c in report["checks"]}
        self.assertEqual((done.returncode, report["backend"], report["lacking"]), (0, "bpf", []), done.stdout)
        self.assertEqual([c["name"] for c in report["checks"] if c["status"] != "ok"], [])
        self.assertIn(f"memory v2, cpu v2, pids v2, ids by {CGROUPS}", checks["cgroups"]["detail"])

    def test_2_the_agent_misses_nothing(self):
        self.assertNotIn("no stack samples", self.agent.output())
        self.assertEqual(self.agent.metrics()["autotune_agent_missing_capabilities"], 0)

    def test_3_an_oom_kill_is_told_as_on_lambda_and_seen(self):
        answer = self.host.invoke("hog", {"megabytes": 600}, log=True)
        self.assertEqual(answer.json()["errorType"], "Runtime.ExitError")
        self.assertIn("signal: killed", answer.json()["errorMessage"])
        self.assertRegex(answer.log, r"REPORT RequestId: .*\tMemory Size: 512 MB\tMax Memory Used: 512 MB"
                                     r".*\tStatus: error\tError Type: Runtime.OutOfMemory")
        record = self.record(answer, "hog")
        self.assertEqual((record["status"], record["cold"]), ("oom", True))
        self.assertEqual((record["memory_peak"], record["memory_limit"]), (512 << 20, 512 << 20))
        self.assertGreater(record["init_ms"], 0)
        self.assertGreater(record["cpu_ms"], 0)

    def test_4_a_deadline_is_enforced_and_seen(self):
        answer = self.host.invoke("sleeper", {"sleep": 600}, log=True)
        self.assertIn("Task timed out after 2.00 seconds", answer.json()["errorMessage"])
        self.assertIn("Status: timeout", answer.log)
        record = self.record(answer, "sleeper")
        self.assertEqual(record["status"], "timeout")
        self.assertGreaterEqual(record["duration_ms"], 1950)
        process = pathlib.Path(f"/proc/{record['pid']}")
        harness.wait_for("the end of the process", lambda: not process.exists(), PATIENCE_S)

    def box(self, answer):
        """What was written down of the killed invocation."""
        def find():
            done = harness.run("profile", "--black-box", answer.request_id, "--state", self.agent.state, "--json")
            return done.returncode == 0 and json.loads(done.stdout)
        return harness.wait_for(f"the black box of {answer.request_id}", find, PATIENCE_S)

    def test_5_black_boxes_name_the_lines_that_were_killed(self):
        for name, event, line in (("hog", {"megabytes": 600}, 3), ("sleeper", {"sleep": 600}, 10)):
            with self.subTest(function=name):
                box = self.box(self.host.invoke(name, event))
                self.assertTrue(box["culprit_file"].endswith("handler.py"), box["culprit"])
                self.assertEqual(box["culprit_line"], line, box["culprit"])
                self.assertEqual(box["out_of_memory"], name == "hog")
                self.assertFalse(box["threads"][0]["truncated"])
                self.assertGreater(len(box["calls"]), 0)
                self.assertIn(" -> 127.0.0.1:", "\n".join(f["what"] for f in box["files"]))
                self.assertGreater(box["memory"]["anonymous"], (400 if name == "hog" else 1) << 20)

    def test_5_peak_memory_is_the_cgroups_watermark(self):
        for megabytes, older in ((50, False), (300, False), (20, True)):
            with self.subTest(megabytes=megabytes):
                answer = self.host.invoke("probe", {"megabytes": megabytes})
                record = self.record(answer, "probe")
                group = pathlib.Path(f"/proc/{answer.json()['pid']}/cgroup").read_text().strip().removeprefix("0::/")
                watermark = int((CGROUPS / group / "memory.peak").read_text())
                self.assertGreater(watermark, megabytes << 20)
                self.assertLessEqual(abs(record["memory_peak"] - watermark), max(1 << 20, 0.02 * watermark))
                # Before Linux 6.12 nobody can reset it: it may be of an earlier invocation, and that is said.
                self.assertEqual(record["memory_peak_is_bound"], older)

    def test_6_native_calls_are_exact_without_the_probes_of_newer_kernels(self):
        out = self.folder / "native.json"
        program = "import zlib\nfor i in range(300): zlib.crc32(b'x' * 100)\nfor i in range(200): zlib.adler32(b'y')"
        done = harness.run("trace", "-o", out, "--function", "libz.so.1:*32(int arg3)", "--", sys.executable, "-S", "-c", program)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(out.read_text())
        self.assertEqual({f["name"]: (f["calls"], f["told_singly"], f["cut"]) for f in report["functions"]},
                         {"crc32": (300, 300, 0), "adler32": (200, 200, 0)})
        self.assertGreater(report["error_ns"], 0)
        self.assertEqual({v["value"] for v in report["variables"]}, {"100", "1"})

    def test_6_cold_starts_are_told_by_phase_and_module(self):
        done = harness.run("profile", "--cold", "--json", "--", sys.executable, "-c", "import json")
        self.assertEqual(done.returncode, 0, done.stderr)
        start = json.loads(done.stdout)["starts"][0]
        self.assertEqual([p["name"] for p in start["phases"]], ["fork", "exec", "loader", "runtime", "program"])
        below = json.dumps(start["phases"][4])
        self.assertIn("json/decoder.py", below)
        self.assertGreater(start["total"]["minor_faults"], 100)
        self.assertGreater(start["total"]["read_bytes"], 10000)

    def test_6_stacks_are_sampled_down_to_python(self):
        record = self.record(self.host.invoke("probe", {"spin": 2}), "probe")
        self.assertGreater(record["samples"], 20)
        self.assertGreater(record["cpu_ms"], 1000)
        flames = self.agent.state / "flames" / "probe.folded"
        harness.wait_for("handler;spin in the flame graph",
                         lambda: flames.exists() and "handler;spin" in flames.read_text(), PATIENCE_S)

    def test_6_waits_are_told_by_stack(self):
        out = self.folder / "waits.folded"
        program = "import time\ndef nap(): time.sleep(0.5)\nbegin = time.monotonic()\nfor i in range(8): nap()\nprint(time.monotonic() - begin)"
        for options in ([], ["--kernel"]):
            done = harness.run("profile", "--mode", "off-cpu", *options, "-o", out, "--", sys.executable, "-S", "-c", program)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = [line.rsplit(" ", 1) for line in out.read_text().splitlines()]
            napped = sum(int(ns) for stack, ns in rows if "nap" in stack.split(";"))
            # The first some may be walked before CPython is known.
            self.assertGreater(napped, 2.5e9, rows)
            self.assertLess(napped / 1e9, 1.05 * float(done.stdout) + 0.01, rows)
        self.assertTrue(any("do_nanosleep" in stack for stack, _ in rows), rows)

    def test_6_memory_is_told_by_stack(self):
        out = self.folder / "memory.folded"
        program = "import time\ndef take(): return b'x' * (24 << 20)\ntime.sleep(2)\ntaken = take()\ntime.sleep(3)"
        for mode in ("memory", "growth"):
            done = harness.run("profile", "--mode", mode, "-o", out, "--", sys.executable, "-S", "-c", program)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = [line.rsplit(" ", 1) for line in out.read_text().splitlines()]
            took = sum(int(size) for stack, size in rows if "take" in stack.split(";"))
            self.assertAlmostEqual(took / (24 << 20), 1, delta=0.05, msg=rows)

    def test_7_a_resize_is_published_judged_and_promoted(self):
        def step():
            self.host.invoke("hog", {"megabytes": 520})
            rows = harness.history(self.agent.state)
            return rows and rows[0]["step"] == "closed" and rows[0]
        change = harness.wait_for("the end of the change", step, 5 * PATIENCE_S)
        self.assertEqual((change["disposition"], change["candidate"], change["replaces"]), ("promoted", "2", "1"),
                         change)
        self.assertEqual(change["judged"]["canary_failures"], 0)
        self.assertEqual(change["judged"]["baseline_failures"], change["judged"]["baseline_calls"])
        alias = self.host.alias("hog")
        self.assertEqual(alias["FunctionVersion"], "2")
        self.assertFalse((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights"))
        self.assertGreater(self.host.configuration("hog")["MemorySize"], 512)
        answer = self.host.invoke("hog", {"megabytes": 520})
        self.assertEqual((answer.ok, answer.version), (True, "2"), answer.body)

    def test_8_nothing_is_left_after_the_stop(self):
        self.assertEqual((self.agent.stop(PATIENCE_S), self.host.stop(PATIENCE_S)), (0, 0))
        # The folder of all hosts stays, empty.
        self.assertEqual([str(p) for p in CGROUPS.rglob("*") if p.is_dir()], [f"{CGROUPS}/autotune", f"{CGROUPS}/{harness.CGROUP}"])
        alive = [p.parent.name for p in pathlib.Path("/proc").glob("[0-9]*/cmdline") if p.read_bytes()]
        self.assertEqual(sorted(map(int, alive)), [1, os.getpid()])


class Result(unittest.TextTestResult):
    """Also what is told to the world outside: for each test nothing, or what went wrong."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.outcomes = {}

    def stopTest(self, test):
        super().stopTest(test)
        wrong = [text for failed, text in self.failures + self.errors if test.id() in failed.id()]
        self.outcomes[test.id().rpartition(".")[2]] = "\n".join(wrong)


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Guest)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    print(RESULT + json.dumps({"kernel": os.uname().release, "good": result.wasSuccessful(), "tests": result.outcomes}),
          flush=True)
