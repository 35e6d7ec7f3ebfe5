#!/usr/bin/env python3
"""`autotune topology` of processes, commands and recordings: what is counted as a call, whose it is, and mistakes."""
import http.client
import http.server
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness


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
        self.assertEqual(watcher.stop(60, signal.SIGINT), 0, watcher.output())
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
        self.assertEqual(watcher.stop(60, signal.SIGINT), 0, watcher.output())
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
