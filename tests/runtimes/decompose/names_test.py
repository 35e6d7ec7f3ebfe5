#!/usr/bin/env python3
"""Programs taken apart: functions by other names. They are followed to what they stand for, or stay, with the line."""
import unittest

from world import Case

M = {"m.py": "L = []\ndef f(e):\n    return e\ndef put(n):\n    L.append(n)\n    return len(L)\nalso = f\n"}


class Followed(Case):
    """Each is one function, and a piece, whatever its name."""

    def test_names_of_modules(self):
        for code, invoked in (
                ("def g(n):\n    return n + 1\nh = g\nk = h\ndef main(event):\n    return k(event) + h(event)\n", {"app-g"}),
                ("from m import f\nh = f\ndef main(event):\n    return h(event)\n", {"app-m-f"}),
                ("from m import f as g\ndef main(event):\n    return g(event)\n", {"app-m-f"}),
                ("import m as z\ndef main(event):\n    return z.also(event)\n", {"app-m-f"}),
                ("from m import *\ndef main(event):\n    return also(event)\n", {"app-m-f"}),
                ("try:\n    import simplejson as json\nexcept ImportError:\n    import json\ndef main(event):\n    return g(event)\ndef g(n):\n    return json.dumps(n)\n",
                 {"app-g"})):
            with self.subTest(code=code):
                done, _ = self.same(code, 1, files=M, invoked=invoked)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_names_of_functions(self):
        for code, invoked in (
                ("def g(n):\n    return n + 1\ndef main(event):\n    h = g\n    k = h\n    return k(event)\n", {"app-g"}),
                ("def main(event):\n    from m import f as g\n    return g(event)\n", {"app-m-f"}),
                ("def main(event):\n    import m as z\n    return z.f(event)\n", {"app-m-f"}),
                ("def main(event):\n    def inner(n):\n        from m import f\n        return f(n)\n    return inner(event)\n", {"app-m-f"}),
                ("from m import f as g\ndef main(event):\n    return [a(event), g(event)]\ndef a(n):\n    from k import f as g\n    return g(n)\n",
                 {"app-a", "app-m-f", "app-k-f"})):
            with self.subTest(code=code):
                done, _ = self.same(code, 1, files={**M, "k.py": "def f(n):\n    return -n\n"}, invoked=invoked)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_done_to_the_answer_by_another_name_is_seen(self):
        for begin in ("def g(e):\n    return e\ndef main(event):\n    h = g\n", "def g(e):\n    return e\nh = g\ndef main(event):\n    pass\n",
                      "def main(event):\n    from m import f as h\n", "def main(event):\n    import m\n    h = m.also\n"):
            with self.subTest(begin=begin):
                done, _ = self.same(begin + "    x = h(event)\n    x.append(1)\n    return event\n", [1], files=M, invoked=set())
                self.assertIn("returns its argument, and that is changed here", done.stderr)
                self.assertIn(f"app.py:{begin.count(chr(10)) + 2}:5: ", done.stderr)

    def test_what_is_handed_over_by_another_name_is_seen(self):
        done, _ = self.same("def g(e):\n    return e(1)\ndef main(event):\n    h = g\n    return h(lambda x: x)\n", 1, invoked=set())
        self.assertIn("app.py:5:14: g is handed a function", done.stderr)


class Imported(Case):
    """What functions import is seen as what is imported at the top."""

    def test_state_is(self):
        for code, line in (
                ("import m\ndef main(event):\n    return [a(1), b(2), m.L]\ndef a(n):\n    from m import L\n    L.append(n)\n    return 1\n"
                 "def b(n):\n    import m as z\n    z.L.append(n)\n    return 2\n", 6),
                ("import os\ndef main(event):\n    a(1)\n    return os.environ.get('QQ')\ndef a(n):\n    import os as o\n    o.environ['QQ'] = str(n)\n", 7),
                ("def main(event):\n    import random as r\n    r.seed(1)\n    return a(event)\ndef a(n):\n    import random\n    return random.random()\n", 7),
                ("from m import *\ndef main(event):\n    return [a(1), L]\ndef a(n):\n    L.append(n)\n    return 1\n", 5)):
            with self.subTest(code=code):
                done, _ = self.same(code, 1, files=M, invoked=set())
                self.assertIn(f"app.py:{line}:", done.stderr)
                self.assertIn("it stays with the entry", done.stderr)


class Refused(Case):
    def test_names_that_may_stand_for_several_functions(self):
        k = {"k.py": "def f(n):\n    return -n\n"}
        for code, line, column, says in (
                ("try:\n    from m import put as f\nexcept ImportError:\n    from k import f\ndef main(event):\n    return f(event)\n", 6, 12,
                 "f is named f here, which may be something else as well"),
                ("def main(event):\n    if event:\n        from m import f\n    else:\n        from k import f\n    return f(event)\n", 6, 12, "may be something else"),
                ("def g(e):\n    return e\ndef k(e):\n    return e\ndef main(event):\n    h = g if event else k\n    return h(event)\n", 6, 9,
                 "g gets the name h here"),
                ("def g(e):\n    return e\ndef main(event):\n    h = g\n    h = abs\n    return h(event)\n", 4, 9, "g gets the name h here"),
                ("def g(e):\n    return e\ndef main(event):\n    return [h(event) for h in (g, abs)]\n", 4, 32, "g gets the name h here"),
                ("from m import f\ndef main(event):\n    def inner(n):\n        from k import f\n        return f(n)\n    return [inner(event), f(event)]\n", 5, 16,
                 "f is named f here"),
                ("def g(e):\n    return e\nh = g\nh = abs\ndef main(event):\n    return h(event)\n", 6, 12, "g is held by h"),
                ("def g(e):\n    return e\nh = g\ndef main(event):\n    a()\n    return h(event)\ndef a():\n    global h\n    h = abs\n", 6, 12, "g is held by h"),
                ("import m\ndef main(event):\n    m.also = abs\n    return m.also(event)\n", 3, 5, "")):
            with self.subTest(code=code):
                done, _ = self.same(code, 1, files={**M, **k}, invoked=set())
                if says:
                    self.assertIn(f"app.py:{line}:{column}: ", done.stderr)
                    self.assertIn(says, done.stderr)

    def test_what_is_handed_on_and_gives_away_its_argument(self):
        code = "def g(e):\n    return e\ndef main(event):\n    for x in map(g, event):\n        x.append(1)\n    return event\n"
        done, _ = self.same(code, [[1], [2]], invoked=set())
        self.assertIn("app.py:4:18: g is handed on here", done.stderr)


if __name__ == "__main__":
    unittest.main()
