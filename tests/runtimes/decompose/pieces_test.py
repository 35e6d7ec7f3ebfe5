#!/usr/bin/env python3
"""Programs taken apart: pieces answer as the program did, over HTTP, a process a call."""
import json
import socket
import subprocess
import time
import unittest

from world import PYTHON, Platform, Case


class Pieces(Case):
    def test_each_function_is_one(self):
        done, pieces = self.same("""
            def main(event):
                return [double(n) for n in event] + list(map(half, event))
            def double(n, times=2):
                return n * times
            def half(n):
                return double(n) / 4
            def unused(): pass
            """, [1, 2, 3], invoked={"app-double", "app-half"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(pieces, {"app", "app-double", "app-half"})

    def test_values_arrive_as_what_they_are(self):
        self.same("""
            def main(event):
                back = mirror((1, 2), {3: "x", None: (4,)}, b"\\x00\\xff", {"autotune:": 1}, key=frozenset([5]), n=float("inf"), c=1 + 2j)
                (a, d, b, m), k = back
                assert type(a) is tuple and d == {3: "x", None: (4,)} and b == b"\\x00\\xff" and m == {"autotune:": 1}, back
                assert type(k["key"]) is frozenset and k["n"] == float("inf") and k["c"] == 1 + 2j, back
                return True
            def mirror(*args, **kw):
                return args, kw
            """, {}, invoked={"app-mirror"})

    def test_sets_are_no_changed_arguments_whatever_their_order(self):
        words = [f"word{n}" for n in range(40)]  # of text: each process has another order
        self.same("def main(event):\n    return most(set(event))\ndef most(words):\n    return max(words)\n", words, invoked={"app-most"})

    def test_exceptions_are_the_programs_own(self):
        code = """
            import shapes
            def main(event):
                try:
                    return pick(event)
                except KeyError as error:
                    return ["key", error.args]
                except shapes.Bad as error:
                    return ["bad", error.args, str(error)]
            def pick(event):
                if event == 1: raise KeyError(("a", 2))
                if event == 2: raise shapes.Bad("no", event)
                if event == 3: raise ZeroDivisionError("by hand")
                return shapes.area(event)
            """
        files = {"shapes.py": """
            class Bad(ValueError): pass
            def area(n):
                return [n * n]
            """}
        for event in (1, 2, 3, 4):
            with self.subTest(event=event):
                self.same(code, event, files=files)

    def test_entries_take_what_they_ask_for(self):
        for head, event in (("event", 5), ("event, context", 5), ("a, b=2", {"a": 1}), ("a, b=2", {"a": 1, "b": 7})):
            self.take_apart(f"def main({head}):\n    return sorted(v for k, v in locals().items() if k != 'context')\n")
            platform = Platform(self.made)
            failed, answer = platform.invoke("app", json.dumps(event).encode())
            platform.close()
            self.assertFalse(failed, answer)
            self.assertEqual(answer, [5] if head.startswith("event") else [1, event.get("b", 2)])

    def test_shallow_takes_files_and_medium_functions(self):
        code = """
            import parts
            from parts import c as see
            def main(event):
                return [own(event), parts.a(event), see(event)]
            def own(n):
                return n + 1
            """
        files = {"parts.py": """
            import more
            def a(n):
                return b(n) + more.e(n)
            def b(n):
                return n * 2
            def c(n):
                return n * 3
            """, "more.py": "def e(n):\n    return [n][0]\n"}
        _, pieces = self.same(code, 3, depth="shallow", files=files, invoked={"app-parts", "app-more"})
        self.assertEqual(pieces, {"app", "app-parts", "app-more"})
        _, pieces = self.same(code, 3, files=files, invoked={"app-own", "app-parts-a", "app-parts-b", "app-parts-c", "app-more-e"})
        self.assertEqual(len(pieces), 6)

    def test_recursion_within_one_function_is_no_call(self):
        _, _ = self.same("def main(event):\n    return fib(event)\ndef fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n", 9,
                         invoked={"app-fib"})

    def test_a_changed_argument_that_the_text_does_not_show_is_an_error_and_no_wrong_answer(self):
        done = self.take_apart("""
            def main(event):
                grow(event["list"], [1])
                return event
            def grow(some, more):
                some += more
            """)
        self.assertEqual(done.returncode, 0, done.stderr)
        _, (failed, answer), _ = self.answers({"list": []})
        self.assertTrue(failed)
        self.assertIn("changed an argument", answer["errorMessage"])

    def test_what_is_no_value_is_refused_at_the_call(self):
        self.take_apart("import datetime\ndef main(event):\n    return show(datetime.date.fromordinal(event))\ndef show(day):\n    return str(day)\n")
        self.take_apart("def main(event):\n    return show([object()][0])\ndef show(it):\n    return 1\n")
        _, (failed, answer), _ = self.answers(1)
        self.assertTrue(failed)
        self.assertIn("an argument of app.show is of type builtins.object", answer["errorMessage"])

    def test_pieces_are_run_by_the_version_that_read_the_program(self):
        self.take_apart("def main(event): pass\n")
        tool = str(self.folder / "tool/autotune_decompose")
        made = self.folder / "newer"
        subprocess.run([PYTHON, "-c", "import runpy, sys; sys.version_info = (3, 97, 0); sys.path.insert(0, sys.argv[1]); del sys.argv[0]\n"
                        "runpy.run_path(sys.argv[0] + '/__main__.py', run_name='__main__')", tool, "app.py", "--package", made], cwd=self.source, check=True, capture_output=True)
        self.assertIn("runtime: python3.97\n", (made / "app/function.yaml").read_text())

    def test_nobody_who_answers_is_waited_for_as_long_as_there_is_time(self):
        self.take_apart("def main(event):\n    return one(event)\ndef one(n):\n    return n + 1\n")
        with socket.socket() as full:  # whose queue is: connecting hangs
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            waiting = [socket.socket() for _ in range(3)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            began = time.monotonic()
            done = subprocess.run([PYTHON, "-c", "import autotune_piece, time; autotune_piece._until[0] = time.monotonic() + 1\n"
                                   "try: autotune_piece.call('app-one', 'app.one', [1], {})\nexcept OSError as e: print(e)"], cwd=self.made / "app",
                                  env={"PATH": "/usr/bin", "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:%d" % full.getsockname()[1]}, capture_output=True, text=True)
            for one in waiting:
                one.close()
        self.assertIn("connecting to 127.0.0.1", done.stdout, done.stderr)
        self.assertLess(time.monotonic() - began, 8)

    def test_throttled_calls_are_made_again(self):
        self.take_apart("def main(event):\n    return one(event)\ndef one(n):\n    return n + 1\n")
        platform = Platform(self.made)
        platform.throttle = 2
        self.assertEqual(platform.invoke("app", b"1"), [False, 2])
        self.assertEqual(platform.calls, [("app-one", "Qualifier=live")])
        platform.close()


if __name__ == "__main__":
    unittest.main()
