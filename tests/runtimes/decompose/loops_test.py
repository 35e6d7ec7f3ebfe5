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


if __name__ == "__main__":
    unittest.main()
