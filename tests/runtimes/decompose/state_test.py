#!/usr/bin/env python3
"""Programs taken apart: state that does not look like a variable that is assigned to."""
import unittest

from world import Case

STATS = """
    class Stats:
        def __init__(self):
            self.n = 0
        def hit(self):
            self.n += 1
    """
CART = """
    class Cart:
        def __init__(self):
            self.items = []
        def put(self, x):
            self.items.append(x)
        def total(self):
            return sum(self.items)
    CART = Cart()
    def put(x):
        CART.put(x)
        return x
    """


class State(Case):
    def stays(self, code, event, says, depth="medium", files=()):
        done, pieces = self.same(code, event, depth=depth, files=files)
        self.assertIn(says, done.stderr)
        return pieces

    def test_of_an_object_of_the_program(self):
        main = "def work(x):\n    STATS.hit()\n    return x * 2\ndef main(event):\n    return [work(1), work(2), STATS.n]\n"
        for bound in ("STATS = Stats()", "ALL = {'a': Stats()}\nSTATS = ALL['a']", "def made():\n    s = Stats()\n    return s\nSTATS = made()"):
            with self.subTest(bound=bound):
                pieces = self.stays("from stats import Stats\n" + bound + "\n" + main, {}, "work uses STATS, a variable of the module", files={"stats.py": STATS})
                self.assertNotIn("app-work", pieces)

    def test_of_an_object_in_another_file(self):
        for depth in ("shallow", "medium"):
            self.stays("import shop\ndef main(event):\n    shop.put(3)\n    return shop.CART.total()\n", {}, "put uses CART", depth, {"shop.py": CART})

    def test_of_iterators(self):
        for bound in ("itertools.count(1)", "iter([1, 2, 3, 4])", "(n for n in range(9))"):
            with self.subTest(bound=bound):
                self.stays(f"import itertools\nIDS = {bound}\ndef order(x):\n    return ['o', next(IDS)]\ndef bill(x):\n    return ['b', next(IDS)]\n"
                           "def main(event):\n    return [order(1), bill(1), order(2)]\n", {}, "bill uses IDS")

    def test_of_what_is_called_without_a_name_of_its_own(self):
        main = "def work(x):\n    {call}\n    return x\ndef main(event):\n    return [work(1), work(2), len(SEEN)]\n"
        for bound, call in (("ADD = SEEN.append", "ADD(x)"), ("ADD = lambda x: SEEN.append(x)", "ADD(x)"), ("ADD = {'a': add}", "ADD['a'](x)")):
            with self.subTest(bound=bound):
                self.stays("SEEN = []\ndef add(x):\n    SEEN.append(x)\n" + bound + "\n" + main.format(call=call), {}, "work")

    def test_of_what_only_looks_like_reading(self):
        for bound, call in (("collections.defaultdict(list)", "L[x]"), ("[]", "list.append(L, x)")):
            with self.subTest(call=call):
                self.stays(f"import collections\nL = {bound}\ndef work(x):\n    {call}\ndef main(event):\n    work(1)\n    return len(L)\n", {}, "work uses L")

    def test_an_argument_that_is_changed_after_it_was_given_back(self):
        self.stays("def same(x):\n    return x\ndef main(event):\n    r = same(event)\n    event.append(1)\n    return r\n", [0], "same returns its argument")

    def test_of_a_class(self):
        code = "class Reg:\n    items = []\n    n = 0\ndef add(x):\n    {}\ndef size():\n    return [len(Reg.items), Reg.n]\ndef main(event):\n    add(1)\n    return size()\n"
        for change in ("Reg.items.append(x)", "Reg.n += 1"):
            with self.subTest(change=change):
                self.stays(code.format(change), {}, "size uses Reg")

    def test_that_a_function_gives_away(self):
        for returned in ("TABLE", "same(TABLE)"):
            with self.subTest(returned=returned):
                self.stays(f"TABLE = []\ndef same(x):\n    return x\ndef table():\n    return {returned}\ndef main(event):\n    table().append(1)\n"
                           "    t = table()\n    t.append(2)\n    return len(table())\n", {}, "table uses TABLE")

    def test_that_has_two_names(self):
        self.stays("A = []\nB = A\ndef put(x):\n    A.append(x)\ndef size():\n    return len(B)\ndef main(event):\n    put(1)\n    return size()\n", {},
                   "size uses B")

    def test_parts_that_a_function_gives_away(self):
        main = "\ndef main(event):\n    for c in pick(event): c['seen'] = True\n    return event\n"
        for code in ("def pick(items):\n    return [i for i in items if i['ok']]", "def pick(items):\n    return list(items)",
                     "def pick(items):\n    out = []\n    for i in items:\n        out.append(i)\n    return out",
                     "def pick(items):\n    return sorted(some(items), key=str)\ndef some(items):\n    return items[1:]",
                     "def pick(items):\n    out = {}\n    for i in items:\n        out[str(i)] = i\n    return out.values()",
                     "def pick(items):\n    out = {}\n    for i in items:\n        out.setdefault(1, []).append(i)\n    return out[1]",
                     "def pick(items):\n    out = []\n    out.extend([items[0]])\n    out += [items[1]]\n    return out",
                     "def pick(items):\n    last = None\n    for i in items:\n        last = i\n    return [last]"):
            for depth in ("medium", "deep"):
                with self.subTest(code=code, depth=depth):
                    self.stays(code + main, [{"ok": 1}, {"ok": 0}], "pick", depth)
        self.stays("ROWS = [[]]\ndef rows():\n    return list(ROWS)\ndef size():\n    return len(ROWS[0])\ndef main(event):\n    rows()[0].append(1)\n"
                   "    return size()\n", {}, "size uses ROWS")

    def test_what_a_function_gives_may_grow(self):
        done, _ = self.same("def group(items):\n    by = {}\n    for i in items:\n        by.setdefault(i % 2, [])\n        by[i % 2].append(i)\n    return by\n"
                            "def main(event):\n    by = group(event)\n    by[1] = [3]\n    return list(by.items())\n", [1, 2, 3], invoked={"app-group"})
        self.assertEqual(done.returncode, 0, done.stderr)
        done, _ = self.same("def pick(items):\n    return [i for i in items if i]\ndef main(event):\n    out = pick(event)\n    out.append(9)\n    return [out, event]\n",
                            [1, 0], invoked={"app-pick"})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_only_read_moves(self):
        done, _ = self.same("""
            import collections, json, logging, math, os, re
            LOG = logging.getLogger("x")
            WORD = re.compile("[a-z]+")
            Point = collections.namedtuple("Point", "x y")
            RATES = dict(de=0.19)
            LIMIT = int(os.environ.get("LIMIT", "3"))
            NAMES = json.loads("[1, 2]")
            HALF = lambda x: x / 2
            SQRT = math.sqrt
            class Scale:
                def __init__(self, by):
                    self.by = by
                def of(self, n):
                    return self.twice(n) * self.by
                def twice(self, n):
                    return 2 * n
            SCALE = Scale(3)
            def work(text):
                LOG.debug("now")
                p = Point(1, 2)
                return [WORD.findall(text), p.x + p.y, RATES.get("de"), LIMIT, NAMES[0], HALF(4), SQRT(4), SCALE.of(2)]
            def main(event):
                return work(event)
            """, "ab cd", invoked={"app-work"})
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
