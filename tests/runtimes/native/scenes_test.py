#!/usr/bin/env python3
"""Programs that were built to be traced are traced exactly, and do what they do without us.

scenes.cpp in each way that compilers offer; what it prints and how it ends is compared with an untraced run, the
calls of its functions with what the source says.
"""
import json
import os
import pathlib
import platform
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
AUTOTUNE = pathlib.Path(os.environ["AUTOTUNE_BINARY_DIR"], "autotune")
COMPILER = os.environ.get("CXX", "g++")
WAYS = {
    "hooks": ["-O2", "-finstrument-functions"],
    "hooks-plain": ["-O0", "-finstrument-functions"],
    "patched": ["-O2", "-fpatchable-function-entry=5"],
    "patched-cet": ["-O2", "-fpatchable-function-entry=16,11", "-fcf-protection=full"],
    "patched-fixed": ["-O0", "-fpatchable-function-entry=5", "-no-pie"],
}
if platform.machine() != "x86_64":
    WAYS = {name: flags for name, flags in WAYS.items() if name.startswith("hooks")}
# Libraries that are loaded while a program runs. Relocations may be packed: then the words are in the file.
PLUGS = {
    "plug.so": ["-finstrument-functions"],
    "plug-patched.so": ["-fpatchable-function-entry=5"],
    "plug-packed.so": ["-fpatchable-function-entry=5", "-Wl,-z,pack-relative-relocs"],
}
UNBUILT = {"unbuilt": ["-O2"]}  # a program that was not built for it, and loads such a library
if platform.machine() != "x86_64":
    PLUGS = {"plug.so": PLUGS["plug.so"]}
# Calls by function. A signal's handler that meets a probe at work is not seen; the loss is counted.
EXACT = {
    "recursion": {"fib": 1973},
    "threads": {"work": 10_000},
    "tails": {"first": 100, "middle": 100, "last": 100},
    "registers": {name: 1 for name in ("floats", "integers", "pair", "large", "wide", "extended", "various")},
    "exceptions": {"thrower": 4000, "catcher": 1000},
    "jumps": {"jumper": 4000, "work": 1},
    "ends": {"leaver": 120, "waiter": 120},
    "children": {"work": 16, "first": 100, "middle": 100, "last": 100},
    "signals": {"fib": 200 * 465},
    "coroutines": {"work": 8, "step": 3 * 5 + 3 * 6},
    "backtraces": {"outermost": 12},
    "library": {},
    "killed": {"work": 10, "waiter": 3},
}


def run(command, library):
    return subprocess.run([str(part) for part in command], env={**os.environ, "SCENES_LIBRARY": str(library)},
                          capture_output=True, text=True, timeout=100)


class Scenes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        building = []
        for way, flags in {**WAYS, **UNBUILT}.items():
            building.append(subprocess.Popen([COMPILER, "-std=c++17", *flags, HERE / "scenes.cpp", "-o",
                                              cls.folder / way, "-pthread", "-ldl"]))
        for name, flags in PLUGS.items():
            building.append(subprocess.Popen(["gcc", "-O1", "-shared", "-fPIC", *flags, HERE / "plug.c", "-o",
                                              cls.folder / name]))
        assert all(p.wait() == 0 for p in building)

    def trace(self, way, scene, library="plug.so"):
        report = self.folder / "report.json"
        plain = run([self.folder / way, scene], self.folder / library)
        traced = run([AUTOTUNE, "trace", "--backend", "runtime", "-o", report, "--", self.folder / way, scene],
                     self.folder / library)
        self.assertEqual(traced.stdout, plain.stdout, traced.stderr)
        # A command that was killed by a signal gives 128 and its number.
        expected = plain.returncode if plain.returncode >= 0 else 128 - plain.returncode
        self.assertEqual(traced.returncode, expected, traced.stderr)
        return json.loads(report.read_text())

    def play(self, scene, check=None, ways=WAYS, library="plug.so"):
        """`check`: instead of that nothing was lost; takes calls by function, the sum of losses, and the report."""
        for way in ways:
            with self.subTest(way=way, library=library):
                report = self.trace(way, scene, library)
                calls = {f["name"]: f["calls"] for f in report["functions"]}
                for name, count in EXACT.get(scene, {}).items():
                    self.assertEqual(calls.get(name), count, (name, calls, report["losses"]))
                lost = sum(report["losses"].values())
                if check:
                    check(calls, lost, report)
                else:
                    self.assertEqual(lost, 0)

    def test_recursion(self):
        self.play("recursion")

    def test_a_thousand_threads(self):
        self.play("threads")

    def test_tail_calls(self):
        self.play("tails")

    def test_arguments_and_results_of_all_kinds(self):
        self.play("registers")

    def test_exceptions_through_frames(self):
        self.play("exceptions")

    def test_longjmp(self):
        self.play("jumps")

    def test_threads_that_exit_or_are_cancelled_within_calls(self):
        self.play("ends")

    def test_fork_and_vfork_and_exec(self):
        self.play("children")

    def test_coroutines(self):
        self.play("coroutines")

    def test_stacks_can_be_walked(self):
        self.play("backtraces")

    def test_handlers_of_signals(self):
        self.play("signals", lambda calls, lost, _: self.assertGreaterEqual(calls["work"] + lost, 200))

    def test_recursion_deeper_than_is_told(self):
        self.play("deep", lambda calls, lost, _: self.assertEqual(calls["down"] + lost, 100_001))

    def test_a_library_that_is_loaded_and_unloaded(self):
        def check(calls, _, report):
            self.assertEqual((calls.get("plug"), calls.get("unfold")), (12, 3), (calls, report["notes"]))
        for library in PLUGS:
            self.play("library", check, [*WAYS, *UNBUILT], library)

    def test_what_was_open_when_it_was_killed(self):
        def check(calls, _, report):
            self.assertEqual({f["name"]: f["cut"] for f in report["functions"] if f["cut"]}, {"waiter": 3}, calls)
        self.play("killed", check)

    def test_what_was_not_built_for_it_is_left_alone(self):
        report = self.folder / "plain.json"
        done = run([AUTOTUNE, "trace", "--backend", "runtime", "-o", report, "--", "/bin/true"], "")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(report.read_text())["functions"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
