#!/usr/bin/env python3
"""A program that is traced prints what it prints without, and ends as it ends without.

For the system's Python, and those that AUTOTUNE_PYTHONS names ("/path/a:/path/b").
"""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from ring_reader import allocations_in, rings_in

LIBRARY = pathlib.Path(os.environ["AUTOTUNE_BINARY_DIR"], "runtimes/python/libautotune_python.so")
PYTHONS = ["/usr/bin/python3"] + [p for p in os.environ.get("AUTOTUNE_PYTHONS", "").split(":") if p]

PROGRAMS = {
    "a child of fork": """
import os
def f(): return 7
pid = os.fork()
for _ in range(100): f()
if pid == 0: os._exit(f())
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if hasattr(os, 'waitstatus_to_exitcode') else 7)
""",
    "fork in a thread, beside threads": """
import os, threading
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
def forks():
    for _ in range(5):
        pid = os.fork()
        if pid == 0:
            f(8)
            os._exit(0)
        print(os.waitpid(pid, 0)[1])
others = [threading.Thread(target=f, args=(16,)) for _ in range(4)]
forker = threading.Thread(target=forks)
for t in others + [forker]: t.start()
for t in others + [forker]: t.join()
""",
    "exec": """
import os, sys
def f(): os.execv(sys.executable, [sys.executable, '-c', 'def g(): return 5\\nprint(g()); raise SystemExit(g())'])
f()
""",
    "os._exit within calls": "import os\ndef f(n): f(n - 1) if n else os._exit(9)\nf(50)",
    "a killing signal": "import os, signal\ndef f(): os.kill(os.getpid(), signal.SIGTERM)\nf()",
    "abort": "import os\ndef f(): os.abort()\nf()",
    "an uncaught exception": "def f(n): return 1 / n if n == 0 else f(n - 1)\nf(5)",
    "SystemExit in a thread and an exit status": """
import sys, threading
def f(): raise SystemExit(3)
t = threading.Thread(target=f); t.start(); t.join()
sys.exit(4)
""",
    "daemon threads at the end": """
import threading, time
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
started = threading.Semaphore(0)
def spin():
    started.release()
    while True: f(8)
def sleep():
    started.release()
    while True: time.sleep(0.0001)
for target in [spin, sleep] * 6: threading.Thread(target=target, daemon=True).start()
for _ in range(12): started.acquire()
print('end')
""",
    "finalizers and atexit": """
import atexit
class A:
    def __del__(self): print('gone', flush=True)
a = A(); a.me = a
def last(): print('last')
atexit.register(last)
def generator():
    try: yield 1
    finally: print('closed')
g = generator(); next(g)
""",
    "a profiler of its own": """
import cProfile, sys
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
p = cProfile.Profile(builtins=False)
p.enable(); f(10); p.disable()
print(sorted(e.callcount for e in p.getstats()))
before = sys.getprofile()
events = []
sys.setprofile(lambda frame, event, arg: events.append(event) if frame.f_code is f.__code__ else None)
f(5)
sys.setprofile(before)
print(len(events))
""",
    "a tracer of its own": """
import sys
lines = []
def tracer(frame, event, arg):
    if frame.f_code.co_name == 'f': lines.append((event, frame.f_lineno))
    return tracer
def f(n):
    for i in range(n): n -= 1
    return [n][0]
sys.settrace(tracer); f(3); sys.settrace(None); f(3)
print(lines)
""",
    "small stacks, many threads": """
import threading
threading.stack_size(256 << 10)
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
results = []
def both(): results.append((f(9), deep(200)))
ts = [threading.Thread(target=both) for _ in range(200)]
for t in ts: t.start()
for t in ts: t.join()
print(sorted(set(results)), len(results))
""",
    "all descriptors closed": """
import os
def f(): return 1
os.closerange(3, 4096)
for _ in range(3000): f()
print(os.fork() and os.wait()[1])
""",
    "code that comes and goes": """
for i in range(3000):
    scope = {}
    exec('def f%d(x): return x + %d' % (i, i), scope)
    assert scope['f%d' % i](1) == i + 1
print('ok')
""",
    "processes and pools": """
import multiprocessing, subprocess, sys
def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
if __name__ == '__main__':
    with multiprocessing.get_context('fork').Pool(3) as pool: print(pool.map(f, range(12)))
    print(subprocess.run(['/bin/sh', '-c', sys.executable + ' -c "print(1)"; exit 3'], stdout=subprocess.PIPE))
""",
    "an event loop": """
import asyncio
async def a(n): await asyncio.sleep(0); return n
async def main(): print(await asyncio.gather(*(a(i) for i in range(50))))
asyncio.run(main())
""",
    "tracemalloc of its own": """
import gc, sys, tracemalloc
gc.disable()
kept = []
def f(n):
    for _ in range(n): kept.append(bytes(1000))
f(10)
tracemalloc.start(5)
f(100)
here = [s for s in tracemalloc.take_snapshot().statistics('lineno') if s.size > 100 * 1000]
print([(s.traceback[0].lineno, s.size, s.count) for s in here])
tracemalloc.stop()
f(10)
print(len(kept))
""",
    "subinterpreters": """
try: import _interpreters as subs
except ImportError: import _xxsubinterpreters as subs
import threading
def g(): return [i for i in range(1000)]
def one():
    for _ in range(3):
        sub = subs.create()
        subs.run_string(sub, "def f(n): return [str(i) * 3 for i in range(n)]\\nassert len(f(2000)) == 2000")
        g()
        subs.destroy(sub)
ts = [threading.Thread(target=one) for _ in range(1)]
for t in ts: t.start()
for t in ts: t.join()
print('ok')
""",
    "recursion without end, and out of memory": """
def f(n): return [n, f(n + 1)]
try: f(0)
except RecursionError as e: print(type(e), str(e)[:40])
try: bytearray(1 << 60)
except MemoryError as e: print(type(e))
try: [0] * (1 << 58)
except MemoryError as e: print(type(e))
""",
    "names that are no text": "exec(compile('def f(): return 2\\nprint(f())', 'a\\udcffb', 'exec'))",
}


def run(python, program, environment):
    done = subprocess.run([python, "-X", "faulthandler", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment, stdin=subprocess.DEVNULL, timeout=120)
    return done.returncode, done.stdout, re.sub(rb"0x[0-9a-f]+|pid=[0-9]+", b"NUMBER", done.stderr)


def calls_told(folder):
    return any(ring.counts() or ring.open_calls for ring in rings_in(folder))


def allocations_told(folder):
    return any(sum(entry.bytes for entry in told.entries) > 1000 for told in allocations_in(folder))


class Harmless(unittest.TestCase):
    maxDiff = None

    def compare(self, options, told):
        plain = {key: value for key, value in os.environ.items() if not key.startswith("AUTOTUNE_")}
        for python in PYTHONS:
            for what, program in PROGRAMS.items():
                with self.subTest(python=python, program=what), \
                        tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                    hooked = dict(plain, AUTOTUNE_RING=folder, AUTOTUNE_PYTHON=options, LD_PRELOAD=str(LIBRARY))
                    self.assertEqual(run(python, program, hooked), run(python, program, plain))
                    self.assertEqual([p.read_text() for p in pathlib.Path(folder).glob("*.refused")], [])
                    self.assertTrue(told(folder))

    def test_programs_do_what_they_do_without(self):
        self.compare("", calls_told)

    def test_programs_do_what_they_do_without_when_functions_in_c_are_told_too(self):
        self.compare("builtins", calls_told)

    def test_programs_do_what_they_do_without_when_their_allocations_are_told(self):
        self.compare("allocations", allocations_told)

    def test_children_of_fork_and_programs_they_execute_have_rings_of_their_own(self):
        for python in PYTHONS:
            with self.subTest(python=python), tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                hooked = dict(os.environ, AUTOTUNE_RING=folder, AUTOTUNE_PYTHON="", LD_PRELOAD=str(LIBRARY))
                run(python, PROGRAMS["a child of fork"], hooked)
                parent, child = sorted(rings_in(folder), key=lambda ring: ring.forked_from)
                calls = [[n for (_, _, name), n in ring.counts().items() if name == "f"] for ring in (parent, child)]
                self.assertEqual((child.forked_from, calls), (parent.pid, [[100], [101]]))

    def test_what_is_no_cpython_is_left_alone(self):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            hooked = dict(os.environ, AUTOTUNE_RING=folder, AUTOTUNE_PYTHON="", LD_PRELOAD=str(LIBRARY))
            done = subprocess.run(["/bin/sh", "-c", "echo 1; exit 3"], env=hooked, stdout=subprocess.PIPE)
            self.assertEqual((done.returncode, done.stdout, os.listdir(folder)), (3, b"1\n", []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
