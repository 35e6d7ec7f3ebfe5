#!/usr/bin/env python3
"""`autotune profile` as people run it: a Python program of known shares, a stripped program of Debian's, mistakes."""
import functools
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

# It rests first, until somebody can have read its files, and last, until its names were read: on a busy machine that takes its time.
SHARES = '''
import time
time.sleep(1)
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for i in range(200): i * i
def three(): burn(0.9)
def one(): burn(0.3)
three(); one()
time.sleep(3)
'''

# Prints what it was in each, in s of the wall clock.
WAITS = '''
import json, threading, time
time.sleep(1)
spent = {}
def clocked(function):
    before, ran = time.monotonic(), time.thread_time()
    function()
    spent[function.__name__] = time.monotonic() - before
    spent[function.__name__ + " off"] = spent[function.__name__] - (time.thread_time() - ran)
def nap():
    for _ in range(20): time.sleep(0.02)
def locked():
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.4, lock.release).start()
    lock.acquire()
def burn():
    end = time.thread_time() + 0.5
    while time.thread_time() < end: pass
for function in nap, locked, burn: clocked(function)
print(json.dumps(spent), flush=True)
time.sleep(3)
'''


def profile(*arguments):
    return subprocess.run([str(harness.AUTOTUNE), "profile", *map(str, arguments)], capture_output=True, text=True, timeout=90,
                          stdin=subprocess.DEVNULL)


def folded(path):
    """[(frames root first, weight)]"""
    rows = [line.rsplit(" ", 1) for line in path.read_text().splitlines()]
    return [(stack.split(";"), int(weight)) for stack, weight in rows]


class Profile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_shares_of_a_python_program(self):
        program = self.folder / "shares.py"
        program.write_text(SHARES)
        out = self.folder / "out.folded"
        shares = []
        for _ in range(3):  # the host's other guests take ticks of one more than of the other now and then
            done = profile("--hz", "499", "-o", out, "-o", self.folder / "out.html", "-o", self.folder / "out.pb.gz", "--",
                           "/usr/bin/python3", program)
            self.assertEqual(done.returncode, 0, done.stderr)
            stacks = folded(out)
            weight = {name: sum(w for frames, w in stacks if name in frames) for name in ("three", "one")}
            shares.append(weight["three"] / (weight["three"] + weight["one"]))
            if abs(shares[-1] - 0.75) <= 0.03:
                break
        else:
            self.fail(shares)
        self.assertTrue((self.folder / "out.html").read_text().startswith("<!doctype html>"))
        self.assertEqual((self.folder / "out.pb.gz").read_bytes()[:2], b"\x1f\x8b")

    def test_a_stripped_program_without_frame_pointers(self):
        data = self.folder / "data"
        data.write_bytes(bytes(i * i % 251 for i in range(1 << 16)) * 1600)  # half a second: what runs before gzip does is little of it
        out = self.folder / "out.folded"
        done = profile("--hz", "999", "-o", out, "--", "gzip", "-9", "-k", data)
        self.assertEqual(done.returncode, 0, done.stderr)
        stacks = folded(out)
        total = sum(w for _, w in stacks)
        from_start = sum(w for frames, w in stacks if len(frames) >= 3 and any("libc_start" in f for f in frames[:3]))
        self.assertGreater(from_start / total, 0.95, stacks[:5])

    def test_a_process_that_runs_and_the_commands_status(self):
        done = profile("-o", self.folder / "o.svg", "--", "sh", "-c", "exit 5")
        self.assertEqual(done.returncode, 5)
        busy = subprocess.Popen(["/usr/bin/python3", "-c", "print('ready', flush=True)\nwhile True: pass"], stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(busy.stdout.readline(), "ready\n")
            done = profile("-p", busy.pid, "--duration", "3")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("<module>", done.stdout)
            self.assertIsNone(busy.poll())
        finally:
            busy.kill()
            busy.communicate()

    def test_where_a_program_waits(self):
        program = self.folder / "waits.py"
        program.write_text(WAITS)
        out = self.folder / "out.folded"
        done = profile("--mode", "off-cpu", "-o", out, "--", "/usr/bin/python3", program)
        self.assertEqual(done.returncode, 0, done.stderr)
        stacks = folded(out)
        told = json.loads(done.stdout)
        self.assertNotIn("do_nanosleep", out.read_text())
        unseen = sum(w for frames, w in stacks if frames[-1] == "[a switch was not seen]")  # of any of these
        self.assertLess(unseen / 1e9, 0.5)
        for name in ("nap", "locked"):
            weight = sum(w for frames, w in stacks if name in frames)
            off = told[name + " off"]
            self.assertAlmostEqual(weight / 1e9, off, delta=0.03 * off + 0.005 + unseen / 1e9)
        self.assertRegex(done.stderr, r"\d+ waits, [\d.]+ s in [\d.]+ s")

    def test_the_whole_wall_clock_with_the_kernels_frames(self):
        program = self.folder / "waits.py"
        program.write_text(WAITS)
        out = self.folder / "out.folded"
        for tries in range(3):  # what the host's other guests take of one is told apart
            done = profile("--mode", "wall", "--kernel", "--hz", "499", "-o", out, "--", "/usr/bin/python3", program)
            self.assertEqual(done.returncode, 0, done.stderr)
            stacks = folded(out)
            told = json.loads(done.stdout)
            seconds = {name: sum(w for frames, w in stacks if name in frames) / 1e9 for name in ("nap", "burn")}
            if all(abs(seconds[name] - told[name]) <= 0.05 * told[name] + 0.005 for name in seconds):
                break
        else:
            self.fail((seconds, told))
        asleep = sum(w for frames, w in stacks if "nap" in frames and frames[-1] == "__schedule")
        self.assertGreater(asleep / 1e9, 0.9 * told["nap"])

    def test_a_process_that_waits_all_the_time(self):
        sleeper = subprocess.Popen(["/usr/bin/python3", "-c", "print('ready', flush=True)\ninput()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.assertEqual(sleeper.stdout.readline(), b"ready\n")
            weights = []
            while len(weights) < 3 and not (weights and abs(weights[-1] / 1e9 - 1) <= 0.3):  # it ends late on a busy machine
                done = profile("--mode", "off-cpu", "-p", sleeper.pid, "--duration", "1", "-o", "-")
                self.assertEqual(done.returncode, 0, done.stderr)
                weights.append(sum(int(line.rsplit(" ", 1)[1]) for line in done.stdout.splitlines()))
            self.assertAlmostEqual(weights[-1] / 1e9, 1, delta=0.3, msg=weights)
        finally:
            sleeper.kill()
            sleeper.communicate()

    def test_which_function_takes_memory(self):
        program = self.folder / "takes.py"
        # It takes memory once, and is there before and after: where the machine is busy we begin late, and names are read late.
        program.write_text("import time\ntime.sleep(3)\ndef much(): return b'x' * (48 << 20)\ndef less(): return b'y' * (16 << 20)\n"
                           "kept = much(), less()\ntime.sleep(3)\n")
        for mode in ("memory", "growth"):
            with self.subTest(mode=mode):
                out = self.folder / "out.folded"
                done = profile("--mode", mode, "-o", out, "--", "/usr/bin/python3", program)
                self.assertEqual(done.returncode, 0, done.stderr)
                stacks = folded(out)
                for name, size in (("much", 48 << 20), ("less", 16 << 20)):
                    weight = sum(w for frames, w in stacks if name in frames)
                    self.assertAlmostEqual(weight / size, 1, delta=0.02, msg=(done.stderr, stacks))
                self.assertRegex(done.stderr, r"[\d.]+ MiB in ")

    def test_a_process_that_ended_and_was_not_reaped_is_over(self):
        brief = subprocess.Popen(["sleep", "1"])  # we do not wait for it: it stays a zombie
        done = profile("-p", brief.pid, "-o", self.folder / "out.folded")
        self.assertEqual(done.returncode, 0, done.stderr)
        brief.wait()

    def test_a_debuginfod_names_a_stripped_program(self):
        built = harness.BINARY_DIR / "tests/agent/symbols"
        served = self.folder / "buildid/0123456789abcdef0123456789abcdef01234567"
        served.mkdir(parents=True)
        shutil.copy(built / "native_program.debug", served / "debuginfo")
        # Beside its debug file it would need no server.
        program = shutil.copy(built / "native_program.stripped", self.folder / "program")
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=self.folder)
        handler.log_message = lambda *arguments: None
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        servers = {"DEBUGINFOD_URLS": f"http://127.0.0.1:{server.server_port}", "DEBUGINFOD_CACHE_PATH": str(self.folder / "cache")}
        shares = []
        for _ in range(2):  # the second time it is in the cache from the beginning
            out = self.folder / "out.folded"
            done = harness.run("profile", "--hz", "499", "-o", out, "--", program, "1500", env=servers)
            self.assertEqual(done.returncode, 0, done.stderr)
            stacks = folded(out)
            named = sum(w for frames, w in stacks if "large_share" in frames or "small_share" in frames)
            shares.append(named / sum(w for _, w in stacks))
            self.assertIn("debuginfod: 0123456789abcdef0123456789abcdef01234567: fetched", done.stderr)
        self.assertGreater(shares[1], 0.5, shares)

    def test_mistakes_are_one_clear_line(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        (self.folder / "noexec").write_text("no program")
        for arguments, status, words in [([], 2, "nothing to draw"), (["-p", gone.pid], 1, str(gone.pid)),
                                         (["--", self.folder / "nothing"], 127, "nothing"),
                                         (["--", self.folder / "noexec"], 126, "noexec"),
                                         (["-o", "x.png", "--", "true"], 2, ".svg"), (["--diff"], 2, "--function"),
                                         (["--diff", "a.folded"], 2, "two files"),
                                         (["--from", self.folder / "nothing"], 1, "nothing")]:
            with self.subTest(arguments=arguments):
                done = profile(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
