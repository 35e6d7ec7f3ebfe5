"""What the stories about `autotune trace` share."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import harness

PYTHON = "/usr/bin/python3"
FIB = '''
import sys
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def write_it(path, text):
    with open(path, "w") as out:
        out.write(text)
fib(15)
write_it(sys.argv[1], "x" * 5000)
sys.exit(7)
'''


def trace(*arguments, **more):
    return subprocess.run([str(harness.AUTOTUNE), "trace", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **more)


def links_of(pid):
    """What the descriptors of a process are."""
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            yield os.readlink(link)


class TraceCase(unittest.TestCase):
    """A folder, and a Python program in it."""

    @classmethod
    def setUpClass(cls):
        harness.need_root()

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.program = self.folder / "fib.py"
        self.program.write_text(FIB)

    def report(self, *arguments, status=0):
        out = self.folder / "report.json"
        done = trace("-o", out, *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(out.read_text()), done

    def calls(self, report, name):
        return sum(f["calls"] for f in report["functions"] if f["name"] == name)

    def built(self, *flags):
        """A program in C, built with these flags: fib of 15, and a file that is written within a call."""
        source, program = self.folder / "app.c", self.folder / "app"
        source.write_text('#include <stdio.h>\nint fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }\n'
                          'void write_it(const char* path) { FILE* f = fopen(path, "w"); fputs("0123456789", f); fclose(f); }\n'
                          'int main(int n, char** words) { fib(15); write_it(words[n - 1]); return 7; }\n')
        subprocess.run(["gcc", "-O1", "-fno-inline", "-fno-optimize-sibling-calls", "-fno-ipa-cp", *flags, source, "-o", program],
                       check=True)
        return program


class Running:
    """A Python program (its first statement is a simple one) that runs until it is closed."""

    def __init__(self, program):
        self.process = subprocess.Popen([PYTHON, "-c", "print('ready', flush=True); " + program], stdout=subprocess.PIPE)
        self.pid = self.process.pid
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError(f"it ended: {program}")

    def close(self):
        self.process.kill()
        self.process.communicate()
