#!/usr/bin/env python3
"""`autotune profile --mode allocations` and `in-use` against arithmetic and tracemalloc, on the system's Python and those that
AUTOTUNE_PYTHONS names ("/path/a:/path/b")."""
import collections
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
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


# What an invocation is given at one line is n bytes objects of which the size is known.
GIVES = '''
import os, sys, threading, time
unit = b"x"
kept = [None] * 2000
def one(i, size):
    kept[i] = unit * size
def make(n, size):
    for i in range(n): one(i, size)
make(1500, 700)  # what the interpreter makes for a function that is called often (3.8, 3.9) is there now
def noise():
    while True:
        unit * 4000
        time.sleep(0.0005)
def handler(event, context):
    make(event["n"], event["size"])
    time.sleep(event.get("nap", 0))
    if event.get("fork"):
        pid = os.fork()
        if pid == 0:
            make(event["fork"], 9000)
            os._exit(0)
        os.waitpid(pid, 0)
    return sys.getsizeof(unit) - 1
'''
# An executor that asks for work as fast as it can, beside a thread that never stops.
EXECUTOR = GIVES + '''
import http.client, json
threading.Thread(target=noise, daemon=True).start()
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse()
    if answer.status != 200: break
    request = answer.getheader("Lambda-Runtime-Aws-Request-Id")
    told = handler(json.loads(answer.read()), None)
    api.request("POST", "/2018-06-01/runtime/invocation/%s/response" % request, body=json.dumps(told))
    api.getresponse().read()
'''
HEAD = sys.getsizeof(b"")  # of a bytes object, with the zero behind it: in each of these Pythons


class RuntimeApi:
    """Gives out events, in order, and then no more; a request id is its number."""

    def __init__(self, events):
        left = iter(enumerate(events))

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer is one packet: nobody waits for an acknowledgement

            def answer(self, status, body, **headers):
                self.send_response(status)
                for name, value in headers.items(): self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                number, event = next(left, (None, None))
                if event is None: return self.answer(403, b"{}")
                self.answer(200, json.dumps(event).encode(), Lambda_Runtime_Aws_Request_Id=f"request-{number}",
                            Lambda_Runtime_Invoked_Function_Arn="arn:aws:lambda:eu-west-1:123456789012:function:gives")

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(202, b"{}")

            def log_message(self, *_): pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.environment = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}", "AWS_LAMBDA_FUNCTION_NAME": "gives"}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


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
            (["-p", "1"], "process 1"),
        ]
        for arguments, said in cases:
            with self.subTest(arguments=arguments):
                done = profile("--mode", "allocations", *arguments)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(said, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        done = profile("--mode", "in-use", "--function", "orders")
        self.assertEqual(done.returncode, 2)
        self.assertIn("outlives the invocation", done.stderr)

    def test_a_program_ends_as_it_does_without_and_nothing_is_left(self):
        program = self.program("import sys\nprint('hello')\nsys.exit(7)\n")
        before = set(os.listdir("/dev/shm"))
        done = profile("--mode", "allocations", "-o", self.folder / "o.folded", "--", "/usr/bin/python3", program)
        self.assertEqual((done.returncode, done.stdout), (7, "hello\n"))
        self.assertEqual([name for name in set(os.listdir("/dev/shm")) - before if name.startswith("autotune-")], [])


def given(stacks, request=""):
    """What the line that makes them was given; of the one request where `each` was asked for."""
    return sum(w for frames, w in stacks if frames[0].startswith(request) and functions(frames)[-1] == "one")


def asked(event):
    return event["n"] * (event["size"] + HEAD) + event.get("fork", 0) * (9000 + HEAD)


class ByInvocation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (cls.folder / "executor.py").write_text(EXECUTOR)

    def executed(self, events, *arguments, python="/usr/bin/python3"):
        """Stacks of a command that is an executor, from its first line on."""
        api = RuntimeApi(events)
        self.addCleanup(api.close)
        out = self.folder / "out.folded"
        done = profile("--mode", "allocations", "--function", "gives", *arguments, "-o", out, "--", python, self.folder / "executor.py",
                       env=api.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return folded(out), done.stderr

    def test_what_each_is_given_is_exact_back_to_back(self):
        events = [{"n": 10 + 31 * (i % 7), "size": 600 + 100 * i} for i in range(40)]
        events[20] = {"n": 1000, "size": 2000}
        events[30]["fork"] = 5
        for python in PYTHONS:
            stacks, said = self.executed(events, "--invocation", "each", python=python)
            for i, event in enumerate(events):
                self.assertEqual(given(stacks, f"request-{i} "), asked(event), (python, i, said))
            self.assertEqual(given(stacks), sum(map(asked, events)))
            self.assertNotIn("no room", said)
            self.assertRegex(said, r"40 invocations")
            self.assertRegex(said, r"[\d.]+ \w+ more were handed out outside of these invocations")

    def test_all_one_and_slow_ones_against_the_median(self):
        events = [{"n": 20, "size": 1000, "nap": 0.002} for _ in range(30)]
        events[12] = {"n": 300, "size": 1000, "nap": 3}
        stacks, _ = self.executed(events)
        self.assertEqual(given(stacks), sum(map(asked, events)))
        stacks, said = self.executed(events, "--invocation", "request-7")
        self.assertEqual(given(stacks), asked(events[7]))
        self.assertIn("1 invocations", said)
        picture = self.folder / "slow.json"
        self.executed(events, "--diff", "-o", picture)
        data = json.loads(picture.read_text())
        now, before = (sum(s[key] for s in data["stacks"] if s["frames"][-1].endswith("one")) for key in ("weight", "before"))
        self.assertEqual((data["unit"], now), ("bytes", asked(events[12])))
        self.assertEqual(before % asked(events[0]), 0)
        self.assertGreater(before, 0)

    def test_an_executor_that_runs_already(self):
        harness.write_function(self.folder / "functions", "gives", GIVES, memory_mb=1769, timeout="20s")
        host = harness.Host(self.folder / "functions", self.folder / "host")
        self.addCleanup(host.stop)
        idle = {"n": 0, "size": 0}
        events = [{"n": 10 + 5 * i, "size": 2000} for i in range(32)]
        events[9]["nap"] = 5
        for view in ("each", "slowest"):
            host.invoke("gives", idle)
            out = self.folder / "out.folded"
            argv = [harness.AUTOTUNE, "profile", "--mode", "allocations", "--function", "gives", "--invocation", view, "--duration", "120", "-o", out]
            profiler = harness.Daemon(argv, "watching for gives")
            try:
                harness.wait_for("the executor", lambda: host.invoke("gives", idle) and "found gives" in profiler.output(), 60, 0.2)
                ids = [host.invoke("gives", event).request_id for event in events]
                host.invoke("gives", idle)
            finally:
                status = profiler.stop(60)
            said = profiler.output()
            self.assertEqual(status, 0, said)
            self.assertIn("found while running", said)
            stacks = folded(out)
            if view == "slowest":
                self.assertEqual(given(stacks), asked(events[9]), said)
                continue
            for event, request in zip(events, ids):
                self.assertEqual(given(stacks, request), asked(event), said)
            self.assertEqual(given(stacks), sum(map(asked, events)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
