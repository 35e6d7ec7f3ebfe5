#!/usr/bin/env python3
"""Programs taken apart: what becomes a function, what stays and why, and the pieces answer as the program did (over HTTP, a process
a call)."""
import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TOOL = SOURCE / "runtimes" / "decompose"
PYTHON = "/usr/bin/python3"
RUN = ("import json, sys; sys.dont_write_bytecode = True; import autotune_piece; event = json.load(sys.stdin)\n"
       "try: print(json.dumps([False, autotune_piece.handler(event, None)]))\n"
       "except Exception as e: print(json.dumps([True, {'errorType': type(e).__name__, 'errorMessage': str(e)}]))")


class Platform(http.server.ThreadingHTTPServer):
    """Invoke, of folders: each call a process of its own."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.calls, self.throttle = pathlib.Path(folder), [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def invoke(self, name, body):
        done = subprocess.run([PYTHON, "-c", RUN], cwd=self.folder / name, input=body, capture_output=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{self.server_port}"})
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode())
        return json.loads(done.stdout.splitlines()[-1])

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.split("/")[3]
        if self.server.throttle:
            self.server.throttle -= 1
            self.send_response(429)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.server.calls.append((name, self.path.partition("?")[2]))
        failed, answer = self.server.invoke(name, body)
        text = json.dumps(answer).encode()
        self.send_response(200)
        if failed:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Case(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tool = self.folder / "tool"
        (tool / "autotune_decompose").mkdir(parents=True)
        for file in [*TOOL.glob("*.py"), SOURCE / "runtimes/remedy/autotune_remedy/again.py"]:
            (tool / file.name).write_bytes(file.read_bytes())
        for file in (TOOL / "autotune_decompose").glob("*.py"):
            (tool / "autotune_decompose" / file.name).write_bytes(file.read_bytes())
        self.stack = stack
        self.count = 0

    def take_apart(self, code, *more, depth="medium", files=()):
        self.count += 1
        self.source, self.made = self.folder / f"source{self.count}", self.folder / f"made{self.count}"
        self.source.mkdir()
        (self.source / "app.py").write_text(textwrap.dedent(code))
        for name, text in dict(files).items():
            (self.source / name).write_text(textwrap.dedent(text))
        return subprocess.run([PYTHON, self.folder / "tool/autotune_decompose", "app.py", "--depth", depth, "--package", self.made, "--json", *more],
                              cwd=self.source, capture_output=True, text=True, timeout=60)

    def pieces(self, done):
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return {f["function"] for f in json.loads(done.stdout)["functions"]}

    def answers(self, event, function="main"):
        """(of the program in one process, of its pieces, who was invoked)"""
        text = (f"import json, sys; sys.dont_write_bytecode = True; import app; event = json.load(sys.stdin)\n"
                f"try: print(json.dumps([False, app.{function}(event)]))\n"
                "except Exception as e: print(json.dumps([True, {'errorType': type(e).__name__, 'errorMessage': str(e)}]))")
        done = subprocess.run([PYTHON, "-c", text], cwd=self.source, input=json.dumps(event).encode(), capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        platform = Platform(self.made)
        try:
            answer = platform.invoke("app", json.dumps(event).encode())
        finally:
            platform.close()
        return json.loads(done.stdout.splitlines()[-1]), answer, platform.calls

    def same(self, code, event, depth="medium", files=(), invoked=None):
        done = self.take_apart(code, depth=depth, files=files)
        pieces = self.pieces(done)
        before, after, calls = self.answers(event)
        self.assertEqual(after, before)
        if invoked is not None:
            self.assertEqual({name for name, _ in calls}, set(invoked))
        return done, pieces


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
        self.take_apart("def main(event):\n    return show(eval('object()'))\ndef show(it):\n    return 1\n")
        _, (failed, answer), _ = self.answers(1)
        self.assertTrue(failed)
        self.assertIn("an argument of app.show is of type builtins.object", answer["errorMessage"])

    def test_throttled_calls_are_made_again(self):
        self.take_apart("def main(event):\n    return one(event)\ndef one(n):\n    return n + 1\n")
        platform = Platform(self.made)
        platform.throttle = 2
        self.assertEqual(platform.invoke("app", b"1"), [False, 2])
        self.assertEqual(platform.calls, [("app-one", "Qualifier=live")])
        platform.close()


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
