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
                 {"app-a", "app-m-f", "app-k-f"}),
                ("from m import f\ndef main(event):\n    def inner(n):\n        from k import f\n        return f(n)\n    return [inner(event), f(event)]\n",
                 {"app-m-f", "app-k-f"})):
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


COUNTS = "L = []\ndef f(n):\n    L.append(n)\n    return len(L)\n"  # b.py: in two processes it answers otherwise than in one
USES = "\ndef main(event):\n    return [g(1), k(2)]\ndef k(n):\n    import b\n    return b.f(n)\ndef g(n):\n    "
CALLS = "\ndef main(event):\n    return [f(1), g(2)]\ndef g(n):\n    "
SIZE = "\ndef main(event):\n    g(1)\n    return k(1)\ndef k(n):\n    from b import L\n    return len(L)\ndef g(n):\n    "  # k by itself is harmless


class Stays(Case):
    """Whatever way leads to what counts, it is found, or what may take it stays."""

    def stays(self, code, says="b.py:3:5: f uses L", **files):
        with self.subTest(code=code):
            done = self.take_apart(code, files={"b.py": COUNTS, **{f"{name}.py": text for name, text in files.items()}})
            self.assertEqual(self.pieces(done), {"app"})  # which is the program as it was
            self.assertIn(says, done.stderr)

    def test_import_all_through_another_module(self):
        self.stays("from a import *" + CALLS + "return f(n)\n", a="from b import *\n")
        self.stays("from a import *" + CALLS + "return f(n)\n", a="from c import *\n", c="from b import *\n")
        self.stays("from a import *" + CALLS + "return f(n)\n", a="from b import *\nx = 1\n", b=COUNTS + "from a import *\n")
        self.stays("from a import *\ndef main(event):\n    put(1)\n    return L\ndef put(n):\n    L.append(n)\n", "app.py:6:5: put uses L", a="from b import *\n")

    def test_import_all_of_what_has_that_name_already(self):
        other = "def f(n):\n    return -n\n"
        for begin in ("from a import *\nfrom b import *", "from a import f\nfrom b import *", other + "from b import *", other + "from b import f",
                      "from b import *\nif len('f') > 1:\n    from a import *"):
            self.stays(begin + CALLS + "return f(n)\n", "may be something else as well", a=other)
        self.stays("from b import *\nh = f\n" + other + "def main(event):\n    return [h(1), g(2)]\ndef g(n):\n    return h(n)\n")

    def test_import_all_by_its_list(self):
        under = COUNTS.replace("def f", "def _f")
        self.stays("from b import *" + CALLS.replace("f(1)", "_f(1)") + "return _f(n)\n", "_f uses L", b="__all__ = ['_f']\n" + under)
        self.stays("from a import *" + CALLS + "return f(n)\n", a="from b import *\n__all__: list = ('f',)\n")
        for line, code in ((1, "__all__ = [n for n in ('f',)]\n"), (1, "__all__ = ['f']\n__all__ += []\n"), (1, "from b import __all__\n")):
            done = self.take_apart("from a import *" + CALLS + "return 1\n", files={"a.py": code, "b.py": "__all__ = []\n"})
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(f"a.py:{line}:1: __all__ is no list of texts", done.stderr)
        self.assertFalse(self.made.exists())

    def test_modules_of_modules_are_followed(self):
        self.stays("import a" + USES + "return a.b.f(n)\n", a="import b\n")
        self.stays("from a import b" + USES + "return b.f(n)\n", a="import b\n")
        self.stays("from a import *" + USES + "return b.f(n)\n", a="import b\n")
        for begin, of in (("import a", "a.os"), ("from a import *", "os"), ("from a import os as o", "o")):
            self.stays(f"{begin}\ndef main(event):\n    g(1)\n    return k(2)\ndef g(n):\n    {of}.environ['QQ'] = 'x'\ndef k(n):\n    return {of}.environ.get('QQ')\n",
                       "app.py:8:12: k uses the environment", a="import os\n")

    def test_whole_modules_in_functions(self):
        for begin, body, says in (
                ("import b", "z = b\n    return z.f(n)\n", "uses b, which is a whole module"), ("import b", "return getattr(b, 'f')(n)\n", "uses b, which"),
                ("import b", "return (lambda m=b: m.f(n))()\n", "uses b, which"), ("import b", "return b.__dict__['f'](n)\n", "uses b.__dict__, which"),
                ("import a", "return getattr(a, 'b').f(n)\n", "uses a, which"), ("import sys", "return sys.modules['b'].f(n)\n", "uses sys.modules"),
                ("import importlib", "return importlib.import_module('b').f(n)\n", "uses importlib.import_module, which"),
                ("from importlib import import_module as i", "x = i\n    return x('b').f(n)\n", "uses i, which"),
                ("", "return __import__('b').f(n)\n", "uses __import__, which"),
                ("from b import f", "return globals()['f'](n)\n", "looks at the variables"), ("", "import b\n    return eval('b.f(n)')\n", "runs text")):
            for main in (USES, SIZE):
                self.stays(begin + main + body, says, a="import b\n")
        self.stays("import b" + SIZE.replace("def g(n)", "def g(n, b=b)") + "return b.f(n)\n", "g uses b, which is a whole module")
        self.stays("import b" + SIZE + "return m().f(n)\ndef m():\n    return b\n", "m uses b, which is a whole module")

    def test_whole_modules_in_variables(self):
        for begin, call in (("z = b", "z.f(n)"), ("z = b", "z.L.append(n)"), ("T = {'b': b}", "T['b'].f(n)"), ("R = []\nR.append(b)", "R[0].f(n)"),
                            ("R = []\nR.append(b.f)", "R[0](n)"), ("ADD = b.L.append", "ADD(n)"), ("z = __import__('b')", "z.f(n)"),
                            ("R = []\ndef put(x):\n    R.append(x)\nput(b)", "R[0].f(n)"), ("R = []\ndef put(x):\n    R.append(x)\nput(b.f)", "R[0](n)")):
            self.stays("import b\n" + begin + SIZE + f"return {call}\n", "it stays with the entry")

    def test_what_is_not_the_whole_module(self):
        for says in ("b is None", "'b' in sys.modules", "b.__name__ == 'c'"):
            done, _ = self.same(f"import b\nimport sys\ndef main(event):\n    return None if g({says}) else b.f(1)\ndef g(n):\n    return not n\n", 1,
                                files={"b.py": "def f(n):\n    return n\n"})
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_names_that_are_bound_anew(self):
        code = "import a\nimport b\ndef main(event):\n    {}\n    return g(-1)\ndef g(n):\n    return b.k(n)\n"
        for change in ("b.k = abs", "a.b.k = abs", "setattr(b, 'k', abs)", "b.__dict__['k'] = abs", "import b as z; z.k = abs"):
            self.stays(code.format(change), "app.py:7:12: g uses k", a="import b\n", b="def k(n):\n    return n\n")

    def test_names_of_inner_scopes_are_theirs(self):
        for line in ("x = sorted([1], key=lambda f: f)", "x = [f for f in (1, 2)]", "def inner(f): return f", "class f: pass\n    del f\n    from b import f"):
            self.stays("from b import f" + CALLS + line + "\n    return f(n)\n")
        self.stays("from b import f" + CALLS.replace("g(n)", "g(n, f=f)") + "return f(n)\n")
        self.stays(CALLS + "try:\n        import b\n    except ImportError:\n        b = None\n    return b.f(n)\nfrom b import f\n")
        self.stays("if True:\n    def f(n):\n        L.append(n)\n        return len(L)\nL = []" + CALLS + "return f(n)\n", "app.py:3:9: f uses L")
        self.stays("if len('f') == 1:\n    def f(n):\n        L.append(n)\n        return len(L)\nelse:\n    def f(n):\n        return n\nL = []" + CALLS +
                   "return f(n)\n", "f uses L")

    def test_modules_that_import_a_name_of_each_other(self):
        done, _ = self.same("import a\ndef main(event):\n    return [g(1), a.x]\ndef g(n):\n    return a.x + n\n", 1, invoked={"app-g"}, files={
            "a.py": "x = 1\ntry:\n    from b import x\nexcept ImportError:\n    pass\n", "b.py": "from a import x\n"})
        self.assertEqual(done.returncode, 0, done.stderr)
        done, _ = self.same("from a import x\ndef main(event):\n    return x(event)\n", "four", files={
            "a.py": "x = len\ntry:\n    from b import x\nexcept ImportError:\n    pass\n", "b.py": "from a import x\n"})
        done = self.take_apart("from a import y\ndef main(event):\n    return y(event)\n", files={"a.py": "from b import y\n", "b.py": "from a import y\n"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))


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
