#!/usr/bin/env python3
"""Programs taken apart: what cannot be taken apart, and why, by file, line and column."""
import os
import subprocess
import unittest

from world import PYTHON, Case


class Stays(Case):
    def test_reasons_have_places(self):
        for code, line, column, says in (
                ("N = 0\ndef main(event):\n    return up()\ndef up():\n    global N\n    N += 1\n    return N\n", 6, 5, "uses N, a variable of the module"),
                ("L = []\ndef main(event):\n    up()\n    return L\ndef up():\n    L.append(1)\n", 6, 5, "uses L"),
                ("L = []\ndef main(event):\n    up()\n    return L\ndef up():\n    x = L\n    x[0:] = [1]\n", 6, 9, "uses L"),
                ("import time\nT = time.time()\ndef main(event):\n    return age()\ndef age():\n    return T\n", 6, 12, "is not the same in two processes"),
                ("def main(event):\n    return list(g(event))\ndef g(n):\n    yield n\n", 4, 5, "is a generator"),
                ("def main(event):\n    return g(event)(1)\ndef g(n):\n    return lambda x: x + n\n", 4, 5, "returns a function"),
                ("def main(event):\n    return g(lambda x: x)\ndef g(f):\n    return f(1)\n", 2, 14, "is handed a function"),
                ("class C: pass\ndef main(event):\n    c = C()\n    return g(c)\ndef g(c):\n    return 1\n", 4, 14, "is handed an object of C"),
                ("def main(event, context):\n    return g(context)\ndef g(c):\n    return 1\n", 2, 14, "is handed the context"),
                ("class C: pass\ndef main(event):\n    return len([g()])\ndef g():\n    return C()\n", 5, 5, "returns an object of C"),
                ("def main(event):\n    with open('/dev/null') as f:\n        return g(f)\ndef g(f):\n    return 1\n", 3, 18, "an open file"),
                ("def main(event):\n    g(event)\n    return event\ndef g(e):\n    e['x'] = 1\n", 5, 5, "changes its argument e"),
                ("def main(event):\n    g(event)\n    return event\ndef g(e):\n    for x in sorted(e):\n        x.append(1)\n", 6, 9, "changes its argument e"),
                ("def main(event):\n    x = g(event)\n    x.append(1)\n    return event\ndef g(e):\n    return e\n", 3, 5, "returns its argument"),
                ("def main(event):\n    return g(1)\ndef g(n, seen=[]):\n    seen.append(n)\n    return seen\n", 4, 5, "changes the default"),
                ("def deco(f): return f\ndef main(event):\n    return g(1)\n@deco\ndef g(n):\n    return n\n", 4, 2, "has a decorator"),
                ("def main(event):\n    return g(event)\ndef g(n):\n    return n and h(n - 1)\ndef h(n):\n    return n and g(n - 1)\n", 4, 18, "call each other"),
                ("def main(event):\n    return g(1)\ndef g(n):\n    return n\nX = g(2)\n", 5, 5, "is called when the module is imported"),
                ("def g(n):\n    return n\ndef main(event, n=g(1)):\n    return g(1)\n", 3, 19, "is called when the module is imported"),
                ("def main(event):\n    g.n = 1\n    return g(1)\ndef g(n):\n    return n\n", 2, 5, "has an attribute"),
                ("def main(event):\n    return g(1)\ndef g(n):\n    return n\ng = print\n", 3, 1, "is bound more than once"),
                ("def main(event):\n    return g(1)\nasync def g(n):\n    return n\n", 3, 1, "is a coroutine"),
                ("import os\ndef main(event):\n    return g()\ndef g():\n    os.environ['A'] = '1'\n", 5, 5, "changes the environment"),
                ("import decimal\ndef main(event):\n    decimal.getcontext().prec = 4\n    return g()\ndef g():\n    return decimal.getcontext().prec\n", 6, 12,
                 "uses the arithmetic context of the process"),
                ("import decimal\ndef main(event):\n    decimal.getcontext().prec = 4\n    return g()\ndef g():\n    return str(decimal.Decimal(1) / 7)\n", 6, 16,
                 "uses the arithmetic context that the program changes"),
                ("import locale\ndef main(event):\n    return g()\ndef g():\n    return locale.setlocale(locale.LC_ALL)\n", 5, 12, "uses the locale of the process"),
                ("import os\ndef main(event):\n    os.environ['A'] = '1'\n    return g()\ndef g():\n    return os.environ.get('A')\n", 6, 12,
                 "uses the environment that the program changes"),
                ("import os\ndef main(event):\n    os.chdir('/')\n    return g()\ndef g():\n    return open('x').read()\n", 6, 12,
                 "uses the folder that the program changes"),
                ("import sys\ndef main(event):\n    return g()\ndef g():\n    return list(sys.stdin)\n", 5, 17, "reads from standard input"),
                ("from sys import stdin as s\ndef main(event):\n    return g()\ndef g():\n    return s.read()\n", 5, 12, "reads from standard input"),
                ("import random\nrandom.seed(1)\ndef main(event):\n    return g()\ndef g():\n    return random.random()\n", 6, 12, "has seeded"),
                ("class C:\n    n = 0\ndef main(event):\n    return g()\ndef g():\n    C.n += 1\n    return C.n\n", 6, 5, "a variable of the class C")):
            with self.subTest(says=says, code=code):
                done = self.take_apart(code)
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertIn(f"app.py:{line}:{column}: ", done.stderr)
                self.assertIn(says, done.stderr)

    def test_what_stays_takes_its_callers_with_it_only_where_there_is_state(self):
        code = """
            SEEN = {}
            def main(event):
                return [a(n) for n in event] + [c(n) for n in event]
            def a(n):
                return b(n)
            def b(n):
                SEEN[n] = SEEN.get(n, 0) + 1
                return SEEN[n]
            def c(n):
                return list(d(n))
            def d(n):
                yield n
            """
        done, pieces = self.same(code, [1, 1], invoked={"app-c"})
        self.assertEqual(pieces, {"app", "app-c"})
        self.assertIn("app.py:6:12: a calls b, which must stay with the entry; it stays with the entry", done.stderr)

    def test_programs_that_cannot_be_taken_apart(self):
        for code, says in (("def other(event): pass\n", 'app.py:1:1: there is no function "main" at the top of the file; there are: other'),
                           ("def main(:\n", "app.py:1:10: this is no Python"), ("from . import x\ndef main(event): pass\n", "app.py:1:1: relative imports"),
                           ("def main(event):\n    yield 1\n", "app.py:1:1: main is a generator: it cannot be the entry"),
                           ("async def main(event): pass\n", "it cannot be the entry"), ("\0", "this")):
            with self.subTest(says=says):
                done = self.take_apart(code)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn(says, done.stderr)
                self.assertFalse(self.made.exists())
                self.assertNotIn("Traceback", done.stderr)

    def test_a_folder_that_is_not_empty_is_left_alone(self):
        self.take_apart("def main(event): pass\n")
        (self.made / "mine").write_text("x")
        done = subprocess.run([PYTHON, self.folder / "tool/autotune_decompose", "app.py", "--package", self.made], cwd=self.source, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is not empty", done.stderr)
        self.assertEqual((self.made / "mine").read_text(), "x")
        done = subprocess.run([PYTHON, self.folder / "tool/autotune_decompose", "nowhere.py", "--package", self.folder / "x"], cwd=self.source,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("nowhere.py", done.stderr)


if __name__ == "__main__":
    unittest.main()
