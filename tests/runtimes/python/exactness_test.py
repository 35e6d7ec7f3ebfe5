#!/usr/bin/env python3
"""Calls as the hook counts them are the calls that CPython made, on its own standard library at work.

For the system's Python, and those that AUTOTUNE_PYTHONS names ("/path/a:/path/b").
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

from ring_reader import rings_in

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = pathlib.Path(os.environ["AUTOTUNE_BINARY_DIR"], "runtimes/python/libautotune_python.so")
PYTHONS = ["/usr/bin/python3"] + [p for p in os.environ.get("AUTOTUNE_PYTHONS", "").split(":") if p]
PROGRAMS = sorted(p.stem for p in (HERE / "programs").glob("*.py"))
# Threads wait as often as it happens to be.
NOT_THE_SAME_TWICE = {"pool_work", "generators"}
OURS = str(HERE / "counted.py")


def run(python, arguments, hooked, folder, program=OURS):
    environment = dict(os.environ, PYTHONPATH=str(HERE / "programs"), PYTHONHASHSEED="0")
    environment.pop("AUTOTUNE_PYTHONS", None)
    if hooked:
        environment.update(AUTOTUNE_RING=folder, AUTOTUNE_PYTHON="alone", LD_PRELOAD=str(LIBRARY))
    done = subprocess.run([python, program, *arguments], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, (done.returncode, done.stdout.decode())
    return done.stdout.decode()


def version(python):
    answer = subprocess.check_output([python, "-c", "import sys; print(*sys.version_info[:2])"])
    return tuple(map(int, answer.split()))


def truth(path):
    counts = {}
    for line in pathlib.Path(path).read_text("utf-8", "surrogatepass").splitlines():
        file, number, name, calls = line.split("\0")
        counts[file, int(number), name] = int(calls)
    return counts


def hook_counts(folder):
    (ring,) = rings_in(folder)
    assert (ring.unpaired, ring.unseen_calls) == (0, 0), vars(ring)
    counts = ring.counts()
    for name in ring.open_calls:  # os._exit left them open; CPython counts a call when it begins
        counts[name] = counts.get(name, 0) + 1
    return without_ours(counts)


def without_ours(counts):
    """Nor the loader that CPython makes for the script itself, before anybody but the hook could count."""
    return {key: calls for key, calls in counts.items()
            if key[0] != OURS and not (key[0].startswith("<frozen importlib") and key[2].endswith("__init__"))}


def seen_by_tracers(counts):
    """A thread sets its tracer when it has run some of threading.py; the hook was there before."""
    return {key: calls for key, calls in counts.items() if os.path.basename(key[0]) != "threading.py"}


class Exactness(unittest.TestCase):
    maxDiff = None

    def each(self, check):
        for python in PYTHONS:
            for program in PROGRAMS:
                run(python, ["bare", program], False, "")  # writes the .pyc files
                with self.subTest(python=python, program=program), \
                        tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                    check(python, program, folder)

    def test_the_hook_counts_what_the_tracer_counts_in_the_same_run(self):
        def check(python, program, folder):
            run(python, ["trace", program, folder + "/truth"], True, folder)
            self.assertEqual(seen_by_tracers(hook_counts(folder)),
                             seen_by_tracers(without_ours(truth(folder + "/truth"))))
        self.each(check)

    def test_calls_in_threads_are_those_that_arithmetic_says(self):
        for python in PYTHONS:
            with self.subTest(python=python), tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                run(python, ["bare", "pool_work"], True, folder)
                fib = [calls for (_, _, name), calls in hook_counts(folder).items() if name == "fib"]
                self.assertEqual(fib, [40 * 465 + 30 * 25])

    def test_the_hook_counts_what_cprofile_counts_in_another_run(self):
        def check(python, program, folder):
            if program in NOT_THE_SAME_TWICE:
                return
            run(python, ["cprofile", program, folder + "/truth"], False, folder)
            os.mkdir(folder + "/import")
            run(python, ["import", program], True, folder + "/import")
            before = hook_counts(folder + "/import")
            run(python, ["bare", program], True, folder)
            main_only = {key: calls - before.get(key, 0) for key, calls in hook_counts(folder).items()}
            self.assertEqual({key: calls for key, calls in main_only.items() if calls},
                             without_ours(truth(folder + "/truth")))
        self.each(check)

    def test_calls_that_find_no_recursion_left_are_none_and_deep_ones_are_exact(self):
        for python in PYTHONS:
            # Before 3.11 calls are C calls, with no more room than the limit that CPython begins with.
            limits = ["1000"] if version(python) < (3, 11) else ["1000", "60000"]
            with self.subTest(python=python), tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                calls = run(python, limits, True, folder, str(HERE / "too_deep.py"))
                (ring,) = rings_in(folder)
                self.assertEqual({name: n for (_, _, name), n in ring.counts().items() if name == "deep"},
                                 {"deep": int(calls)})


if __name__ == "__main__":
    unittest.main(verbosity=2)
