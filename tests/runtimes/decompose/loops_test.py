#!/usr/bin/env python3
"""Programs taken apart: loops that become functions of what they read and write."""
import unittest

from world import Case


class Loops(Case):
    CODE = """
        def main(event):
            found, total, last = [], 0, None
            found = []
            last = None
            total = 0
            for n in event:
                if n < 0:
                    continue
                square = n * n
                found.append(square)
                total += square
                last = n
            i = 0
            while i * i < total:
                i += 1
            return {"found": found, "total": total, "last": last, "i": i}
        """

    def test_a_loop_is_a_function_of_what_it_reads_and_writes(self):
        done, pieces = self.same(self.CODE.replace("found, total, last = [], 0, None\n", "\n", 1), [3, -1, 4], depth="deep",
                                 invoked={"app-main_loop1", "app-main_loop2"})
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (self.made / "app-main_loop1" / "app.py").read_text()
        self.assertIn("def main_loop1(event, found, last, total):", text)
        self.assertIn("return (found, last, total)", text)
        self.assertIn("i, = main_loop2(i, total)", (self.made / "app" / "app.py").read_text())
        self.same(self.CODE.replace("found, total, last = [], 0, None\n", "\n", 1), [], depth="deep")

    def test_liveness_leaves_out_what_nobody_reads(self):
        self.same("""
            def main(event):
                seen = 0
                other = 5
                for n in event:
                    twice = n * 2
                    seen = max(seen, twice)
                other = 7
                return [seen, other, [n for n in event]]
            """, [1, 5, 2], depth="deep", invoked={"app-main_loop1"})
        self.assertIn("seen, = main_loop1(event, seen)", (self.made / "app" / "app.py").read_text())

    def test_loops_that_cannot_be_moved_stay_with_a_reason(self):
        for body, line, says in (
                ("for n in event:\n        if n: return n", 2, "returns from the function"),
                ("for n in event: last = n\n    return last", 2, "needs last, which may not be bound"),
                ("def f(): return n\n    n = 0\n    for n in event: pass\n    return f()", 4, "shares n with a function"),
                ("for n in event: n['x'] = 1\n    return event", 2, "changes event, which others may hold"),
                ("a = []\n    b = a\n    for n in event: a.append(n)\n    return b", 4, "changes a, which others may hold"),
                ("for n in event:\n        import math\n    return 1", 2, "defines a function, a class or a module's name"),
                ("global g\n    g = 0\n    for n in event: g += n\n    return g", 4, "uses g, which is declared global"),
                ("a = [1]\n    for n in event: del a\n    return 1", 3, "deletes a variable")):
            with self.subTest(says=says):
                done = self.take_apart(f"def main(event):\n    {body}\n", depth="deep")
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertIn(f"app.py:{line}:5: the loop stays in main", done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(self.pieces(done), {"app"})

    def test_try_and_break_and_else_are_as_before(self):
        for event in ([], [1, 2], [1, 0, 3], [9]):
            self.same("""
                def main(event):
                    out = []
                    state = "none"
                    for n in event:
                        try:
                            out.append(10 / n)
                        except ZeroDivisionError as error:
                            state = str(error)
                            break
                        finally:
                            out.append("f")
                    else:
                        state = "all"
                    while out:
                        if out[-1] == "f":
                            out.pop()
                            continue
                        break
                    return [out, state]
                """, event, depth="deep", invoked={"app-main_loop1", "app-main_loop2"})

    def test_what_others_hold_or_may_have_left_half_done_is_as_before(self):
        suppress = "with contextlib.suppress(ValueError):"
        for body, event, says in (
                ("items = event\n    chosen = [i for i in items if i['ok']]\n    for c in chosen:\n        c['seen'] = True\n    return items",
                 [{"ok": True}, {"ok": False}], "changes chosen, which others may hold"),
                ("rows = [[] for _ in range(2)]\n    first = rows[0]\n    for x in event:\n        rows[0].append(x)\n    return first", [1, 2],
                 "changes rows, which others may hold"),
                ("rows = [[], []]\n    first = rows[0]\n    for x in event:\n        rows[0].append(x)\n    return first", [1, 2], "changes rows"),
                ("out = []\n    out.append(event)\n    for x in [1]:\n        out[0].append(x)\n    return event", [1, 2], "changes out"),
                ("out = []\n    out += [event]\n    for x in [1]:\n        out[0].append(x)\n    return event", [1, 2], "changes out"),
                ("out = {}\n    out[1] = event\n    for x in [1]:\n        out[1].append(x)\n    return event", [1, 2], "changes out"),
                ("out = []\n    add = out.append\n    for x in event:\n        out.append(x)\n    add(99)\n    return out", [1, 2], "changes out"),
                ("x = 0\n    for v in event:\n        x = x + v\n    with contextlib.suppress(ValueError):\n        x = int('bad')\n    return x", [1, 2], ""),
                ("i = 0\n    best = None\n    while i < 3:\n        i += 1\n        best = i\n    with contextlib.suppress(KeyError):\n        i = {}['x']\n"
                 "        best = 9\n    return [i, best]", [], ""),
                (f"{suppress}\n        int('bad')\n        y = 1\n    for v in event:\n        y = v\n    return y", [1, 2], "needs y, which may not be bound"),
                ("import json\n    out = []\n    for x in event:\n        out.append(json.dumps(x))\n    return out", [1, 2],
                 "uses json, which is imported in the function"),
                ("n = 0\n    for i in event:\n        n += i\n    del i\n    return n", [1, 2], "needs i, which may not be bound")):
            with self.subTest(body=body):
                done, _ = self.same(f"import contextlib\ndef main(event):\n    {body}\n", event, depth="deep")
                self.assertIn(says, done.stderr)
                self.assertEqual(done.returncode, 3 if says else 0)

    def test_a_loop_after_a_loop_has_what_that_one_made(self):
        for then, invoked in (("for n in seen: n['seen'] = True", {"app-main_loop2"}), ("seen[0]['x'] = last", {"app-main_loop2"}),
                              ("mark(seen)", {"app-main_loop2"}), ("last['x'] = 1", {"app-main_loop2"}),
                              ("out.append(total)", {"app-main_loop1", "app-main_loop2"})):
            with self.subTest(then=then):
                self.same(f"""
                    def mark(items):
                        items[0]["x"] = 1
                    def main(event):
                        total = 0
                        out = []
                        seen = []
                        last = None
                        for n in event:
                            total += n["n"]
                            out.append(str(n))
                            seen.append(n)
                            last = n
                        for n in event:
                            total += n["n"]
                            out.append(str(n))
                        {then}
                        return [total, out, event, seen, last]
                    """, [{"n": 1}, {"n": 2}], depth="deep", invoked=invoked)


if __name__ == "__main__":
    unittest.main()
