#!/usr/bin/env python3
"""Who calls whom in a program: exactly, of a trace; by samples, of a profile; as people and programs read it."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import browser
import harness

PROGRAM = """
def leaf(n):
    return sum(range(n))
def middle(n):
    return leaf(n) + leaf(n)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def ping(n):
    return n and pong(n - 1)
def pong(n):
    return n and ping(n - 1)
def main():
    for _ in range(10):
        middle(1000)
    fib(10)
    ping(5)
main()
"""
CALLS = {("main", "middle"): 10, ("middle", "leaf"): 20, ("main", "fib"): 1, ("fib", "fib"): 176, ("main", "ping"): 1,
         ("ping", "pong"): 3, ("pong", "ping"): 2}


def graph_of(path):
    graph = json.loads(path.read_text())
    names = [f["name"] for f in graph["functions"]]
    return ({f["name"]: f for f in graph["functions"]}, {(names[e["from"]], names[e["to"]]): e for e in graph["edges"]}, graph)


class CallGraphs(unittest.TestCase):
    def test_of_a_trace_every_call_is_counted(self):
        with harness.workspace() as folder:
            (folder / "app.py").write_text(PROGRAM)
            done = harness.run("trace", "--backend", "runtime", "--record", folder / "run.autotune", "--call-graph",
                               folder / "now.graph.json", "--", "/usr/bin/python3", folder / "app.py")
            self.assertEqual(done.returncode, 0, done.stderr)
            functions, edges, graph = graph_of(folder / "now.graph.json")
            self.assertTrue(graph["exact"])
            self.assertEqual({pair: edges[pair]["calls"] for pair in CALLS}, CALLS)
            self.assertEqual([functions[n]["calls"] for n in ("main", "middle", "leaf", "fib", "ping", "pong")], [1, 10, 20, 177, 3, 3])
            self.assertTrue(functions["fib"]["calls_itself"])
            self.assertIsNone(functions["fib"]["cycle"])
            self.assertEqual(functions["ping"]["cycle"], functions["pong"]["cycle"])
            self.assertIsNotNone(functions["ping"]["cycle"])
            for name in ("middle", "leaf", "fib"):  # nobody else calls them
                self.assertEqual(sum(e["weight"] for (_, to), e in edges.items() if to == name), functions[name]["total"])
            # The recording tells the same, in every form.
            for end in ("graph.json", "dot", "mmd", "graph.html"):
                done = harness.run("trace", "--from", folder / "run.autotune", "--call-graph", folder / f"then.{end}")
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual((folder / "then.graph.json").read_text(), (folder / "now.graph.json").read_text())
            self.assertIn('subgraph cluster_1', (folder / "then.dot").read_text())
            self.assertTrue((folder / "then.mmd").read_text().startswith("flowchart LR"))
            if browser.chromium():
                shown = browser.ask(folder / "then.graph.html",
                                    "return Array.from(document.querySelectorAll('g.node')).map(g => g.dataset.name);")
                self.assertLessEqual({"main", "middle", "leaf"}, set(shown))

    def test_of_a_profile_stacks_count_once(self):
        with harness.workspace() as folder:
            (folder / "in.folded").write_text("main;fib;fib;fib 5\nmain;fib 2\nmain 1\n")
            done = harness.run("profile", "--from", folder / "in.folded", "-o", folder / "out.graph.json", "-o", folder / "out.dot")
            self.assertEqual(done.returncode, 0, done.stderr)
            functions, edges, graph = graph_of(folder / "out.graph.json")
            self.assertFalse(graph["exact"])
            self.assertEqual({n: (f["self"], f["total"]) for n, f in functions.items()}, {"main": (1, 8), "fib": (7, 7)})
            self.assertEqual(edges["main", "fib"]["weight"], 7)
            self.assertIsNone(edges["main", "fib"]["calls"])

    def test_of_native_functions(self):
        harness.need_root()
        with harness.workspace() as folder:
            (folder / "app.c").write_text("__attribute__((noinline)) int leaf(int n) { __asm__ volatile(\"\"); return n; }\n"
                                          "__attribute__((noinline)) int middle(int n) { return leaf(n) + leaf(n + 1); }\n"
                                          "int main(void) { int s = 0; for (int i = 0; i < 50; ++i) s += middle(i); return s == 0; }\n")
            subprocess.run(["gcc", "-O1", "-finstrument-functions", "-o", folder / "app", folder / "app.c"], check=True)
            done = harness.run("trace", "--backend", "runtime", "--call-graph", folder / "out.graph.json", "--", folder / "app")
            self.assertEqual(done.returncode, 0, done.stderr)
            functions, edges, _ = graph_of(folder / "out.graph.json")
            self.assertEqual((functions["leaf"]["calls"], edges["middle", "leaf"]["calls"], edges["main", "middle"]["calls"]), (100, 100, 50))

    def test_mistakes_are_told(self):
        done = harness.run("trace", "--call-graph", "calls.png", "--", "/bin/true")
        self.assertEqual(done.returncode, 2)
        self.assertIn(".graph.html", done.stderr)


if __name__ == "__main__":
    unittest.main()
