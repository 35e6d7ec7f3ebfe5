#!/usr/bin/env python3
"""`autotune topology` by owners as people run it: functions and servers on one address, a command, a recording, the page."""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import browser
import harness
import owner_scene

REQUESTS = 400


def watch(*arguments):
    return harness.Daemon([harness.AUTOTUNE, "topology", "--for", "300s", *arguments], r"watching every process")


def end(daemon):
    """As Ctrl-C would."""
    daemon.process.send_signal(signal.SIGINT)
    status = daemon.process.wait(60)
    daemon.stop()
    return status


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
                                                                          mode="dry-run")))
        cls.agent.wait_ready()
        watchers = {kind: watch("-o", cls.folder / f"graph.{kind}") for kind in ("json", "html")}
        watchers["paths"] = watch("--critical-path", "-o", cls.folder / "paths.json")
        cls.scene.send(REQUESTS)
        for kind, watcher in watchers.items():
            status = end(watcher)
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
        listed, lit, texts, steps, dark = browser.ask(page, """
            const buttons = Array.from(document.querySelectorAll('#list button'));
            const one = buttons.findIndex(b => b.textContent.startsWith('search '));
            const lit = kind => Array.from(document.querySelectorAll(kind + '.lit'));
            buttons[one].click();
            const seen = lit('.edge').map(e => [e.dataset.from, e.dataset.to]);
            const texts = lit('.edge').map(e => e.querySelector('text').textContent);
            const steps = document.querySelectorAll('#steps tr').length;
            buttons[one].click();
            return [buttons.length, seen, texts, steps, lit('.node').length + lit('.edge').length];""")
        self.assertGreaterEqual(listed, 100)
        names = {(self.scene.name_of(a), self.scene.name_of(b)) for a, b in lit}
        must = {("search", "index"), ("search", "front"), ("index", "back"), ("python3", "search")}
        self.assertLessEqual(must, names)
        self.assertLessEqual(names, must | {("front", "back")})  # of one in two
        for text in texts:
            self.assertRegex(text, r"^\+[\d.]+ (ms|µs|s): [\d.]+ (ms|µs|s)")
        self.assertIn(steps, (5, 6))
        self.assertEqual(dark, 0)
        picture = self.folder / "page.png"
        browser.screenshot(page.as_uri(), picture, "1400,900")
        self.assertGreater(picture.stat().st_size, 10_000)


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def serve(self, statuses):
        """A server of this process, which nobody watches: its answers in turn, then 200. Returns its port."""
        left = list(statuses)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.send_response(left.pop(0) if left else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def run_client(self, code, *options):
        return harness.run("topology", *options, "--", "/usr/bin/python3", "-c", code)

    def test_errors_and_retries_are_counted_and_an_unwatched_server_has_its_owners_name(self):
        port = self.serve([503, 503])
        code = f"""
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", {port})
print("waiting", flush=True)
sys.stdin.readline()
for i in range(4):
    c.request("GET", "/thing"); c.getresponse().read()
print("called", flush=True)
sys.stdin.readline()
"""
        # It is there as long as it is watched: its network is looked at to find who listens.
        client = subprocess.Popen(["/usr/bin/python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.communicate)
        client.stdout.readline()
        watcher = harness.Daemon([harness.AUTOTUNE, "topology", "-p", client.pid, "-o", self.folder / "g.json"], "watching")
        client.stdin.write("go\n")
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), "called\n")
        self.assertEqual(end(watcher), 0, watcher.output())
        edges = {e["to"]: e for e in json.loads((self.folder / "g.json").read_text())["edges"]}
        self.assertIn(f"python3:{port}", edges)
        edge = edges[f"python3:{port}"]
        self.assertEqual((edge["calls"], edge["errors"], edge["retries"]), (4, 2, 2))

    def test_a_refused_connection_is_an_error_and_the_commands_status_is_ours(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        code = f"""
import socket, sys
for i in range(3):
    s = socket.socket()
    try: s.connect(("127.0.0.1", {port}))
    except ConnectionRefusedError: pass
sys.exit(7)
"""
        done = self.run_client(code, "-o", self.folder / "g.json")
        self.assertEqual(done.returncode, 7, done.stderr)
        edges = json.loads((self.folder / "g.json").read_text())["edges"]
        self.assertEqual([(e["to"], e["calls"], e["errors"], e["retries"]) for e in edges], [(f"127.0.0.1:{port}", 3, 3, 2)])

    def test_what_is_no_http_is_told_by_turns(self):
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]

        def echo():
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(100):
                    connection.sendall(data * 2)

        threading.Thread(target=echo, daemon=True).start()
        code = f"""
import socket
s = socket.create_connection(("127.0.0.1", {port}))
for i in range(20):
    s.sendall(b"x" * 10)
    left = 20
    while left: left -= len(s.recv(left))
"""
        done = self.run_client(code, "-o", self.folder / "g.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        edge, = json.loads((self.folder / "g.json").read_text())["edges"]
        self.assertEqual((edge["calls"], edge["errors"], edge["bytes_sent"], edge["bytes_received"]), (20, 0, 200, 400))

    def event_loop(self, traced):
        """The calls that an event loop made for four requests at once, as told by `autotune topology`: path and what decided."""
        store = self.serve([])
        code = f"""
import asyncio, re
at_once, here = asyncio.Event(), []
async def exchange(reader, writer, head):
    writer.write(head.encode())
    answer = await reader.readuntil(b"\\r\\n\\r\\n")
    return answer
async def serve(reader, writer):
    head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode()
    here.append(head)
    if len(here) == 4: at_once.set()
    await at_once.wait()
    trace = re.search("traceparent: .*\\r\\n", head)
    r, w = await asyncio.open_connection("127.0.0.1", {store})
    await exchange(r, w, "GET /store" + head.split()[1] + " HTTP/1.1\\r\\nHost: x\\r\\n" + (trace[0] if trace else "") + "\\r\\n")
    w.close()
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    await writer.drain()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
        server = harness.Daemon(["/usr/bin/python3", "-c", code], r"port (\d+)")
        self.addCleanup(server.process.stdout.close)
        self.addCleanup(server.kill)
        graph = self.folder / "g.json"
        watcher = harness.Daemon([harness.AUTOTUNE, "topology", "-p", server.process.pid, "--no-patterns", "-o", graph], "watching")

        def ask(i):
            client = http.client.HTTPConnection("127.0.0.1", int(server._match.group(1)), timeout=30)
            client.request("GET", f"/{i}", headers={"traceparent": f"00-{i:032x}-00f067aa0ba902b7-01"} if traced else {})
            self.assertEqual(client.getresponse().status, 200)
            client.close()

        clients = [threading.Thread(target=ask, args=(i,)) for i in range(1, 5)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        self.assertEqual(end(watcher), 0, watcher.output())
        told = json.loads(graph.read_text())
        self.assertEqual(len(told["calls"]), 4)
        works = told["works"]
        return told["ambiguous"], [(c["path"], c["by"], works[c["parent"]]["what"] if c["parent"] is not None else None,
                                    sorted(works[w]["what"] for w in c["candidates"])) for c in told["calls"]]

    def test_on_an_event_loop_the_trace_id_tells_whose_a_call_is(self):
        ambiguous, calls = self.event_loop(traced=True)
        self.assertEqual(ambiguous, 0)
        self.assertEqual(sorted(calls), [(f"/store/{i}", "trace", f"GET /{i}", []) for i in range(1, 5)])

    def test_on_an_event_loop_without_a_trace_id_a_call_is_ambiguous(self):
        ambiguous, calls = self.event_loop(traced=False)
        self.assertEqual(ambiguous, 4)
        self.assertEqual(sorted(calls), [(f"/store/{i}", "ambiguous", None, [f"GET /{k}" for k in range(1, 5)]) for i in range(1, 5)])

    def test_a_recording_gives_the_same_graph_in_every_format(self):
        port = self.serve([])
        code = f"""
import http.client
c = http.client.HTTPConnection("127.0.0.1", {port})
for i in range(5):
    c.request("GET", "/a"); c.getresponse().read()
"""
        recording = self.folder / "run.autotune.gz"
        done = harness.run("trace", "-o", recording, "--backend", "bpf", "--", "/usr/bin/python3", "-c", code)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = {kind: harness.run("topology", "--from", recording, "--format", kind) for kind in
                ("text", "json", "dot", "mermaid", "html")}
        for kind, answer in told.items():
            self.assertEqual(answer.returncode, 0, f"{kind}: {answer.stderr}")
            self.assertEqual(answer.stdout, harness.run("topology", "--from", recording, "--format", kind).stdout)
        edge, = json.loads(told["json"].stdout)["edges"]
        self.assertEqual((edge["to"], edge["calls"]), (f"127.0.0.1:{port}", 5))
        self.assertIn("5 calls", told["text"].stdout)
        self.assertRegex(told["dot"].stdout, r"n\d -> n\d \[label=")
        self.assertIn("flowchart LR", told["mermaid"].stdout)

    def test_mistakes_are_one_clear_line(self):
        flows = self.folder / "flows.csv"
        flows.write_text("start,end,src,dst\n")
        for arguments, status, words in [(["--method", "owner", "--flows", flows], 2, "reads no --flows"),
                                         (["--for", "1s", "--flows", flows], 2, "--method owner"),
                                         (["-p", "1", "--", "true"], 2, "one of"),
                                         (["--from", self.folder / "none"], 2, "none"), (["--for", "soon"], 2, "--for"),
                                         (["--format", "json", "--", "true"], 2, "-o FILE"),
                                         (["--", "no-such-program"], 127, "no-such-program")]:
            with self.subTest(arguments=arguments):
                done = harness.run("topology", *arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


if __name__ == "__main__":
    harness.need_root()
    unittest.main(verbosity=2)
