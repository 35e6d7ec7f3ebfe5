#!/usr/bin/env python3
"""`autotune profile --mode allocations` and `in-use` against arithmetic and tracemalloc, on the system's Python and those that
AUTOTUNE_PYTHONS names ("/path/a:/path/b")."""
import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

PYTHONS = ["/usr/bin/python3"] + [p for p in os.environ.get("AUTOTUNE_PYTHONS", "").split(":") if p]

# Each line with a "*" makes n bytes objects of which the size is known, and nothing else.
KNOWN = '''
import os, sys, threading
unit = b"x"
def make(n, size, kept):
    for i in range(n):
        kept[i] = unit * size
def generate(n):
    for _ in range(n):
        yield unit * 3000
def deep(depth, kept):
    if depth > 0: return deep(depth - 1, kept)
    for i in range(20):
        kept[i] = unit * 5000
def in_a_thread(kept):
    for i in range(50):
        kept[i] = unit * 7000
def in_a_child(kept):
    for i in range(30):
        kept[i] = unit * 9000
def thrown_away(n):
    for i in range(n):
        unit * 11000
def grows(n):
    kept = bytearray()
    for i in range(n):
        kept += unit
kept = [None] * 1000
make(1000, 2000, kept)
for x in generate(100): pass
sys.setrecursionlimit(3000)
deep(800, kept)
threads = [threading.Thread(target=in_a_thread, args=([None] * 50,)) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
thrown_away(200)
grows(100000)
pid = os.fork()
if pid == 0:
    in_a_child(kept)
    os._exit(0)
os.waitpid(pid, 0)
print(sys.getsizeof(unit) - 1)
'''
EXACT = {"make": (1000, 2000), "generate": (100, 3000), "deep": (20, 5000), "in_a_thread": (4 * 50, 7000), "in_a_child": (30, 9000),
         "thrown_away": (200, 11000)}

# What is in use at the end, by line; first by itself, then by tracemalloc.
KINDS = '''
import gc, json, sys, tracemalloc
def work():
    kept = []
    for _ in range(3000):
        kept.append(bytes(700))
    text = ""
    for _ in range(2000): text += "abc"
    array = bytearray()
    for _ in range(5000): array.append(1)
    numbers = {i: str(i) for i in range(5000)}
    floats = [x * 1.5 for x in range(1000)]
    class A: pass
    things = [A() for _ in range(500)]
    for thing in things: thing.x = [1, 2, 3]
    return kept, text, array, numbers, floats, things
gc.disable()
asked = len(sys.argv) > 1
if asked: tracemalloc.start()
kept = work()
if asked:
    told = tracemalloc.take_snapshot()
    tracemalloc.stop()
    print(json.dumps({s.traceback[0].lineno: s.size for s in told.statistics("lineno") if s.traceback[0].filename == __file__}))
'''
KINDS_LINES = range(4, 17)


def profile(*arguments, env=None):
    return subprocess.run([str(harness.AUTOTUNE), "profile", *map(str, arguments)], capture_output=True, text=True, timeout=90,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


def folded(path):
    """[(frames root first, weight)]"""
    rows = [line.rsplit(" ", 1) for line in path.read_text().splitlines()]
    return [(stack.split(";"), int(weight)) for stack, weight in rows]


def functions(frames):
    """Names without the class or function they are in, which 3.8 to 3.10 do not know."""
    return [frame.split(" (")[0].split(".")[-1] for frame in frames]


class Allocations(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def program(self, text, name="program.py"):
        path = self.folder / name
        path.write_text(text)
        return path

    def told(self, *arguments):
        """The JSON, what the program printed, what was said beside it."""
        out = self.folder / "out.json"
        done = profile(*arguments[:2], "-o", out, "--", *arguments[2:])
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(out.read_text()), done.stdout, done.stderr

    def test_what_each_line_is_given_is_exact(self):
        program = self.program(KNOWN)
        lines = KNOWN.splitlines()
        for python in PYTHONS:
            found, printed, said = self.told("--mode", "allocations", python, program)
            own = {(functions([f["name"]])[0], f.get("line")): f["self"] for f in found["functions"] if f.get("file") == str(program)}
            head = int(printed)  # of a bytes object, with the zero behind it
            for name, (count, size) in EXACT.items():
                begin = next(i for i, line in enumerate(lines) if line.startswith(f"def {name}("))
                line = next(i for i in range(begin, len(lines)) if "unit * " in lines[i]) + 1
                self.assertEqual(own.get((name, line)), count * (size + head), (name, line))
            stacks = [(functions(stack["frames"]), stack["weight"]) for stack in found["stacks"]]
            self.assertIn((["<module>", "make"], 1000 * (2000 + head)), stacks)
            self.assertIn((["<module>", "generate"], 100 * (3000 + head)), stacks)
            self.assertIn((["<module>", "in_a_child"], 30 * (9000 + head)), stacks)
            threads = [(frames, w) for frames, w in stacks if frames[-1] == "in_a_thread" and w == 200 * (7000 + head)]
            self.assertEqual([frames[-2] for frames, _ in threads], ["run"])
            # 802 calls are deeper than what is kept of a stack: its innermost 512, below what says so.
            cut = [frames for frames, w in stacks if frames[0] == "[truncated]" and w == 20 * (5000 + head)]
            self.assertEqual([(len(frames), frames[1], frames[-1]) for frames in cut], [(513, "deep", "deep")])
            # Made larger again and again, 100,000 bytes are handed out once, and an eighth more for what is to come.
            grown = own["grows", lines.index("        kept += unit") + 1]
            self.assertTrue(100_000 <= grown <= 140_000, grown)
            self.assertRegex(said, r"\d+ allocations, [\d.]+ MiB in .* do not reach their start")

    def test_what_is_in_use_is_what_tracemalloc_says_line_by_line(self):
        program = self.program(KINDS)
        for python in PYTHONS:
            peer = {int(k): v for k, v in json.loads(subprocess.check_output([python, program, "tell"])).items()}
            found, _, _ = self.told("--mode", "in-use", python, program)
            ours = collections.Counter()
            for f in found["functions"]:
                if f.get("file") == str(program): ours[f["line"]] += f["self"]
            total = sum(peer.get(line, 0) for line in KINDS_LINES)
            self.assertGreater(total, 2_500_000)
            for line in KINDS_LINES:
                # Objects from the interpreter's free lists are, for tracemalloc, at the line that used them last.
                self.assertAlmostEqual(ours[line], peer.get(line, 0), delta=0.001 * total, msg=(python, line))
            self.assertAlmostEqual(sum(ours[line] for line in KINDS_LINES), total, delta=0.001 * total)

    def test_a_process_that_runs_and_what_it_forks(self):
        program = self.program('import os, sys\n'
                               'kept = [None] * 100\n'
                               'unit = b"x"\n'
                               'def make(n, size):\n'
                               '    for i in range(n):\n'
                               '        kept[i] = unit * size\n'
                               'print("ready", flush=True)\n'
                               'sys.stdin.readline()\n'
                               'make(100, 6000)\n'
                               'pid = os.fork()\n'
                               'if pid == 0: make(10, 8000); os._exit(0)\n'
                               'os.waitpid(pid, 0)\n'
                               'print(sys.getsizeof(b""), flush=True)\n'
                               'sys.stdin.readline()\n')
        out = self.folder / "out.json"
        for python in PYTHONS:
            with subprocess.Popen([python, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
                self.addCleanup(running.kill)
                self.assertEqual(running.stdout.readline(), "ready\n")
                ours = subprocess.Popen([str(harness.AUTOTUNE), "profile", "--mode", "allocations", "-p", str(running.pid), "-o", str(out)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                self.addCleanup(ours.kill)
                maps = pathlib.Path(f"/proc/{running.pid}/maps")
                harness.wait_for("the sums' file is mapped", lambda: ".allocations" in maps.read_text(), 60)
                running.stdin.write("\n")
                running.stdin.flush()
                head = int(running.stdout.readline())
                ours.send_signal(signal.SIGINT)
                _, said = ours.communicate(timeout=60)
                self.assertEqual(ours.returncode, 0, said)
                own = [f["self"] for f in json.loads(out.read_text())["functions"] if f["name"] == "make" and f["line"] == 6]
                self.assertEqual(own, [100 * (6000 + head) + 10 * (8000 + head)])
                running.stdin.write("\n")  # it runs on as before
                running.stdin.flush()
                self.assertEqual(running.wait(60), 0)

    def test_every_view_has_the_same_bytes(self):
        program = self.program("kept = [bytes(100000) for _ in range(10)]\n")
        ends = (".folded", ".html", ".svg", ".pb.gz", ".speedscope.json", ".json", ".perfetto-trace", ".chrome.json")
        written = [argument for end in ends for argument in ("-o", self.folder / ("out" + end))]
        done = profile("--mode", "allocations", *written, "--", "/usr/bin/python3", program)
        self.assertEqual(done.returncode, 0, done.stderr)
        for end in ends:
            self.assertGreater((self.folder / ("out" + end)).stat().st_size, 20, end)
        total = sum(w for _, w in folded(self.folder / "out.folded"))
        self.assertGreater(total, 1_000_000)
        told = json.loads((self.folder / "out.json").read_text())
        self.assertEqual((told["unit"], sum(stack["weight"] for stack in told["stacks"])), ("bytes", total))
        scope = json.loads((self.folder / "out.speedscope.json").read_text())["profiles"][0]
        self.assertEqual((scope["unit"], sum(scope["weights"])), ("bytes", total))

    def test_what_cannot_be_is_one_clear_line(self):
        quick = self.program("pass\n")
        cases = [
            (["--", "sh", "-c", "exit 0"], "ran no CPython 3.8 to 3.13"),
            (["--kernel", "--", "/usr/bin/python3", quick], "no kernel frames"),
            (["--function", "orders"], "no invocations"),
            (["-p", "1"], "process 1"),
        ]
        for arguments, said in cases:
            with self.subTest(arguments=arguments):
                done = profile("--mode", "allocations", *arguments)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(said, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_a_program_ends_as_it_does_without_and_nothing_is_left(self):
        program = self.program("import sys\nprint('hello')\nsys.exit(7)\n")
        before = set(os.listdir("/dev/shm"))
        done = profile("--mode", "allocations", "-o", self.folder / "o.folded", "--", "/usr/bin/python3", program)
        self.assertEqual((done.returncode, done.stdout), (7, "hello\n"))
        self.assertEqual([name for name in set(os.listdir("/dev/shm")) - before if name.startswith("autotune-")], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
