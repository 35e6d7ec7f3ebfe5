#!/usr/bin/env python3
"""Watched expressions: evaluated at their line, told as text, and nothing else of the program changes.

For the system's Python, and those that AUTOTUNE_PYTHONS names ("/path/a:/path/b").
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

from ring_reader import rings_in

LIBRARY = pathlib.Path(os.environ["AUTOTUNE_BINARY_DIR"], "runtimes/python/libautotune_python.so")
PYTHONS = ["/usr/bin/python3"] + [p for p in os.environ.get("AUTOTUNE_PYTHONS", "").split(":") if p]

PROGRAM = """\
limit = 3
def helper(x): return x + 100
class Odd:
    def __repr__(self): raise ValueError('no repr')
class Dies:
    def __del__(self): print('dies')
def handler(items, *rest, key=None, **more):
    total = 0
    def inner():
        return total + len(items)
    for item in items:
        total += item
    mine = locals()
    odd, text, deep = Odd(), 'x' * 500, [[[[[1]]]]]
    dies = Dies()
    del dies
    print(sorted(mine), inner())
    return total
def outer(base):
    def closure(n):
        return base + n
    return closure(2)
def generator(n):
    for i in range(n):
        yield i
async def coroutine(n):
    return n
def other(): return [handler(list(range(n))) for n in range(4)]
class Body:
    inside = 7
    after = inside
def recursive(n):
    return n and recursive(n - 1)
other()
outer(40)
list(generator(3))
recursive(2)
import threading
t = threading.Thread(target=outer, args=(5,))
t.start(); t.join()
"""
LINES = {text: number + 1 for number, text in reversed(list(enumerate(PROGRAM.splitlines())))}


def line(text):
    (number,) = [number for key, number in LINES.items() if key.strip() == text]
    return number


def run(python, watches, folder, program=PROGRAM):
    path = pathlib.Path(folder, "handler.py")
    path.write_text(program)
    options = "".join("\nwatch\t%d\thandler.py\t%s" % watch for watch in watches)
    plain = {key: value for key, value in os.environ.items() if not key.startswith("AUTOTUNE_")}
    hooked = dict(plain, AUTOTUNE_RING=folder, AUTOTUNE_PYTHON=options, LD_PRELOAD=str(LIBRARY))
    outputs = [subprocess.run([python, str(path)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for environment in (plain, hooked)]
    (ring,) = rings_in(folder)
    return outputs[0], outputs[1], ring


class Begins(str):
    """Equal to what begins like it: CPython's words for a syntax error change."""

    def __eq__(self, other):
        return other.startswith(str(self))


class Watch(unittest.TestCase):
    maxDiff = None

    def check(self, watches, expected, program=PROGRAM):
        for python in PYTHONS:
            with self.subTest(python=python), tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                plain, hooked, ring = run(python, watches, folder, program)
                self.assertEqual((plain.returncode, plain.stdout), (hooked.returncode, hooked.stdout))
                self.assertEqual([value for _, value, _ in ring.values], expected)

    def test_an_expression_is_evaluated_each_time_before_its_line(self):
        self.check([(line("total += item"), "item, total")],
                   ["(0, 0)", "(0, 0)", "(1, 0)", "(0, 0)", "(1, 0)", "(2, 1)"])

    def test_variables_of_all_kinds_are_seen(self):
        self.check([(line("mine = locals()"), "len(items), rest, key, more, total, limit, Odd.__name__")],
                   ["(%d, (), None, {}, %d, 3, … 7 in all)" % (n, n * (n - 1) // 2) for n in range(4)])
        self.check([(line("return base + n"), "(base, n, [i for i in range(n) if i < base])")],
                   ["(40, 2, [0, 1])", "(5, 2, [0, 1])"])
        self.check([(line("yield i"), "i * n")], ["0", "3", "6"])
        self.check([(line("after = inside"), "inside")], ["7"])
        self.check([(line("return n and recursive(n - 1)"), "n")], ["2", "1", "0"])

    def test_exceptions_are_the_value(self):
        here = line("after = inside")
        self.check([(here, "1 / 0"), (here, "nobody"), (here, "1 +"), (here, "[1 for x in 2 if raise]")],
                   ["raised ZeroDivisionError: division by zero", "raised NameError: name 'nobody' is not defined",
                    Begins("raised SyntaxError: "), Begins("raised SyntaxError: ")])

    def test_what_an_expression_calls_is_no_call_of_the_program(self):
        for python in PYTHONS:
            with self.subTest(python=python), tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                _, _, ring = run(python, [(line("after = inside"), "helper(1)")], folder)
                self.assertEqual([value for _, value, _ in ring.values], ["101"])
                self.assertEqual([key for key in ring.counts() if key[2] == "helper"], [])

    def test_values_are_told_in_few_bytes(self):
        self.check([(line("dies = Dies()"), "odd"), (line("dies = Dies()"), "deep, text")],
                   ["<repr raised ValueError: no repr>", "([[[…]]], '%s'… 500 in all)" % ("x" * 80)] * 4)
        self.check([(line("after = inside"), "{i: str(i) for i in range(1000)}"),
                    (line("after = inside"), "set(range(1000))"), (line("after = inside"), "1 << 99999")],
                   ["{0: '0', 1: '1', 2: '2', 3: '3', 4: '4', 5: '5', … 1000 in all}", "<set of 1000 items>",
                    "<int of 100000 bits>"])

    def test_nothing_can_be_rebound(self):
        self.check([(line("mine = locals()"), "[total := 99, limit := 5]")], ["[99, 5]"] * 4)

    def test_ten_values_a_second_are_told_and_the_rest_is_counted(self):
        program = "def f(i):\n    return i\nfor i in range(20000): f(i)\n"
        for python in PYTHONS:
            with self.subTest(python=python), tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                plain, hooked, ring = run(python, [(2, "i")], folder, program)
                values = [(int(value), skipped) for _, value, skipped in ring.values]
                self.assertEqual(values[:10], [(i, 0) for i in range(10)])
                for (before, _), (value, skipped) in zip(values, values[1:]):  # when a second is over
                    self.assertEqual(value, before + skipped + 1)

    def test_a_tracer_of_the_program_goes_first(self):
        program = ("import sys\nlines = []\ndef t(frame, event, arg):\n    lines.append(event)\n    return t\n"
                   "def f(x):\n    y = x\n    return y\nf(1)\nsys.settrace(t)\nf(2)\nsys.settrace(None)\nf(3)\n"
                   "print(lines)\n")
        for python in PYTHONS:
            with self.subTest(python=python), tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
                plain, hooked, ring = run(python, [(8, "y")], folder, program)
                self.assertEqual((plain.returncode, plain.stdout), (hooked.returncode, hooked.stdout))
                self.assertEqual([v for _, v, _ in ring.values if v != "2"], ["1", "3"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
