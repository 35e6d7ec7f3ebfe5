#!/usr/bin/env python3
"""`autotune topology` by owners: functions and servers on one address, from several sides: graph, paths, the agent, the page."""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import browser
import harness
import owner_scene

REQUESTS = 400


def watch(*arguments):
    return harness.Daemon([harness.AUTOTUNE, "topology", "--for", "300s", *arguments], r"watching every process")


class Scene(unittest.TestCase):
    """One run of the scene, looked at from several sides."""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.folder = cls.stack.enter_context(harness.workspace())
        cls.scene = owner_scene.Scene(cls.folder, cls.stack)
        rules = cls.folder / "rules.yaml"
        rules.write_text("version: 1\nrules:\n- name: killed\n  when: fn.oom_count > 0\n  plan: [{notify: {}}]\n")
        # What it gives up to keep a budget is another story.
        cls.agent = cls.stack.enter_context(harness.running(harness.Agent(rules, cls.scene.host, cls.folder / "agent", "--budget", "off",
                                                                          mode="dry-run", everywhere=True)))
        cls.agent.wait_ready()
        watchers = {kind: watch("-o", cls.folder / f"graph.{kind}") for kind in ("json", "html")}
        watchers["paths"] = watch("--critical-path", "-o", cls.folder / "paths.json")
        cls.scene.send(REQUESTS)
        for kind, watcher in watchers.items():
            status = watcher.stop(60, signal.SIGINT)
            if status != 0:
                raise AssertionError(f"{kind}: {status}\n{watcher.output()}")
        cls.graph = json.loads((cls.folder / "graph.json").read_text())
        cls.score = owner_scene.score(cls.scene, cls.graph)

    def test_every_edge_and_no_other_is_found_and_every_call_has_the_right_parent(self):
        told = json.dumps(self.score, indent=1)
        # "lost" is of the whole machine, on which others may be at work. That nothing of the scene was lost: each call is there
        # and has its parent, each edge has as many as were made, each invocation and request is told once, with its end.
        self.assertEqual(self.score["edges"], 12, told)
        self.assertEqual((self.score["precision"], self.score["recall"]), (1.0, 1.0), told)
        self.assertGreaterEqual(self.score["calls"], 6 * REQUESTS, told)
        self.assertEqual(self.score["right"], self.score["calls"], told)
        self.assertEqual(self.score["counts_differ"], {}, told)  # each call once
        self.assertEqual((self.score["works_not_once"], self.score["not_kept"]), ({}, 0), told)
        self.assertGreater(self.score["works"], self.score["calls"], told)  # requests from outside too
        self.assertEqual(self.score["ambiguous"], 0, told)

    def test_the_running_agent_has_it_as_a_page(self):
        def edges():
            # Who asks gets what there is; the next page is made for them.
            status, page = self.agent.get("/topology")
            if status != 200:
                return set()
            data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])
            self.assertLessEqual(len(data["requests"]), 200)
            return {(self.scene.name_of(e["from"]), self.scene.name_of(e["to"])) for e in data["edges"]}

        def figures():
            status, text = self.agent.get("/topology/edges.json")
            data = json.loads(text) if status == 200 else {"edges": []}
            self.assertFalse({"works", "calls"} & set(data))
            for e in data["edges"]:
                self.assertLessEqual(e["p50_ns"], e["p95_ns"])
                self.assertLessEqual(e["p95_ns"], e["p99_ns"])
            return {(self.scene.name_of(e["from"]), self.scene.name_of(e["to"])) for e in data["edges"] if e["p50_ns"] > 0}

        # It watches executors: what the servers do is not seen, who they are is looked up.
        must = {(f, callee) for f, callees in owner_scene.CALLS.items() for callee in callees}
        harness.wait_for("the agent's page has every edge of the functions", lambda: must <= edges(), seconds=60, step=0.5)
        harness.wait_for("its edges have figures", lambda: must <= figures(), seconds=60, step=0.5)

        # The same of its state folder, without asking it.
        def on_record(*arguments):
            done = subprocess.run([harness.AUTOTUNE, "topology", "--state", self.agent.state, *arguments], capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return done.stdout

        data = json.loads(on_record("--format", "json"))
        self.assertLessEqual(must, {(self.scene.name_of(e["from"]), self.scene.name_of(e["to"])) for e in data["edges"] if e["p50_ns"] > 0})
        # The agent writes anew while it runs: what is there is one of its files, whole.
        self.assertLessEqual({"method", "duration_ns", "nodes", "lost"}, set(data))
        self.assertRegex(on_record(), r"(?m)^checkout \(function")
        self.assertIn(" -> ", on_record("--format", "dot"))
        self.assertIn('id="data"', on_record("--format", "html"))

    def test_the_critical_path_of_every_request(self):
        paths = json.loads((self.folder / "paths.json").read_text())
        groups = {g["what"]: g for g in paths["groups"] if not g["detached"]}
        for root, callees in (("checkout", {"cart", "pay", "ledger", "front", "back"}), ("search", {"index", "front", "back"})):
            group = groups[root]
            self.assertEqual(group["requests"], REQUESTS / len(owner_scene.ROOTS))
            self.assertEqual(sum(s["own_ns"] + s["between_ns"] for s in group["services"]), group["total_ns"])
            # All are called one after the other: each is on the path of each request, but front, which asks back for every second.
            on = {self.scene.name_of(s["name"]): s["requests"] for s in group["services"]}
            self.assertEqual(set(on), callees | {root})
            self.assertEqual(set(on.values()), {group["requests"]})
            for s in group["services"]:
                self.assertLessEqual(s["saves_ns"], s["own_ns"] / 10)
        for edge in paths["edges"]:
            if edge["from"] in owner_scene.CALLS:
                self.assertEqual((edge["on_path"], edge["not_waited"]), (edge["calls"], 0), edge)

    def test_an_edge_carries_its_figures(self):
        for edge in self.graph["edges"]:
            if self.scene.name_of(edge["from"]) not in [*owner_scene.CALLS, "front"]:
                continue  # of others on this machine
            with self.subTest(edge=(edge["from"], edge["to"])):
                self.assertLessEqual(edge["p50_ns"], edge["p95_ns"])
                self.assertLessEqual(edge["p95_ns"], edge["p99_ns"])
                self.assertLessEqual(edge["p99_ns"], edge["slowest_ns"])
                self.assertGreater(edge["p50_ns"], 0)
                self.assertEqual((edge["errors"], edge["retries"]), (0, 0))
                self.assertGreater(edge["bytes_sent"], 40 * edge["calls"])  # heads are on the wire too
                self.assertGreater(edge["bytes_received"], 40 * edge["calls"])
                self.assertAlmostEqual(edge["rate"], edge["calls"] / (self.graph["duration_ns"] / 1e9), places=6)

    def test_both_ends_are_told_by_process_thread_and_cgroup(self):
        nodes = {n["name"]: n for n in self.graph["nodes"]}
        self.assertLessEqual(set(owner_scene.CALLS), {n for n, node in nodes.items() if node["kind"] == "function"})
        cgroups = [set(nodes[f]["cgroups"]) for f in owner_scene.CALLS]
        self.assertEqual(len(set().union(*cgroups)), sum(map(len, cgroups)), "a sandbox is one function's")
        for call in self.graph["calls"]:
            if self.scene.name_of(call["from"]) not in [*owner_scene.CALLS, "front"]:
                continue
            self.assertGreater(call["pid"], 0)
            self.assertGreater(call["tid"], 0)
            self.assertIn(call["pid"], nodes[call["from"]]["pids"])
            self.assertIn(call["cgroup"], nodes[call["from"]]["cgroups"])

    def test_the_page_lights_the_path_of_the_chosen_request(self):
        if not browser.chromium():
            if os.environ.get("CI"):
                self.fail("in CI there must be a browser: package chromium")
            self.skipTest("needs chromium")
        page = self.folder / "graph.html"
        listed, lit, texts, steps, path, dark = browser.ask(page, """
            const buttons = Array.from(document.querySelectorAll('#list button'));
            const all = Array.from(buttons.keys()).filter(i => buttons[i].textContent.startsWith('search '));
            const one = all[all.length >> 1];  // not the slowest: of what a busy machine held up no service has a share
            const lit = kind => Array.from(document.querySelectorAll(kind + '.lit'));
            buttons[one].click();
            const seen = lit('.edge').map(e => [e.dataset.from, e.dataset.to]);
            const texts = lit('.edge').map(e => e.querySelector('text').textContent);
            const steps = document.querySelectorAll('#steps tr').length;
            const marked = kind => Array.from(document.querySelectorAll(kind + '.critical'));
            const critical = marked('.edge').map(e => [e.dataset.from, e.dataset.to]), boxes = marked('.node').map(e => e.dataset.name);
            const width = getComputedStyle(marked('.edge')[0].querySelector('path')).strokeWidth;
            const rows = marked('#steps tr').length;
            const shares = Array.from(document.querySelectorAll('#shares tr')).slice(1).map(r => Array.from(r.cells).map(c => c.textContent));
            buttons[one].click();
            return [buttons.length, seen, texts, steps, [critical, boxes, width, rows, shares],
                    lit('.node').length + lit('.edge').length + marked('.node').length + marked('.edge').length];""")
        self.assertGreaterEqual(listed, 100)
        names = {(self.scene.name_of(a), self.scene.name_of(b)) for a, b in lit}
        must = {("search", "index"), ("search", "front"), ("index", "back"), ("python3", "search")}
        self.assertLessEqual(must, names)
        self.assertLessEqual(names, must | {("front", "back")})  # of one in two
        for text in texts:
            self.assertRegex(text, r"^\+[\d.]+ (ms|µs|s): [\d.]+ (ms|µs|s)")
        self.assertIn(steps, (5, 6))
        # All calls were made one after the other: each is on the critical path, but the way to the request itself, which is its start.
        critical, boxes, width, rows, shares = path
        on_path = {(self.scene.name_of(a), self.scene.name_of(b)) for a, b in critical}
        self.assertEqual(on_path, names - {("python3", "search")})
        self.assertEqual(width, "5px")
        self.assertEqual(rows, steps - 1)
        self.assertEqual({self.scene.name_of(b) for b in boxes}, {name for edge in on_path for name in edge})
        self.assertEqual({self.scene.name_of(row[0]) for row in shares}, {self.scene.name_of(b) for b in boxes})
        for name, own, way, saves, part in shares:
            self.assertRegex(saves, r"^[\d.]+ (ms|µs|s)$", name)
            self.assertLessEqual(float(part.removesuffix(" %")), 10.0)
        self.assertGreater(sum(float(row[4].removesuffix(" %")) for row in shares), 0)
        self.assertEqual(dark, 0)
        picture = self.folder / "page.png"
        shown = self.folder / "shown.html"  # with one chosen
        shown.write_text(page.read_text().replace("</body>", "<script>choose(0)</script></body>"))
        browser.screenshot(shown.as_uri(), picture, "1400,900")
        self.assertGreater(picture.stat().st_size, 10_000)


if __name__ == "__main__":
    harness.need_root()
    unittest.main(verbosity=2)
