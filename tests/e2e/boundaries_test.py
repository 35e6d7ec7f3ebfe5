#!/usr/bin/env python3
"""One tree per request: `autotune trace` of servers that this project did not write: CPython's http.server and asyncio,
nginx; of an OpenWhisk action's container. Several requests at once, what is ambiguous, and how requests end badly.
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

PYTHON = "/usr/bin/python3"
TRACES = ["00-4bf92f3577b34da6a3ce929d0e0e473%d-00f067aa0ba902b7-01" % n for n in (1, 2)]
READY = """
import os, pathlib, sys
def ready(port):
    here = pathlib.Path(sys.argv[1])
    here.with_suffix(".new").write_text(f"{os.getpid()} {port}")
    here.with_suffix(".new").rename(here)
"""
# GET /read/NAME reads a file; /both/NAME when another such request is there too; /cat/NAME in a child; /die kills.
SERVER = READY + """
import http.server, signal, subprocess, threading
folder = pathlib.Path(sys.argv[2])
both = threading.Barrier(2)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_GET(self):
        what, name = self.path.split("?")[0].split("/")[1:3]
        if what == "both": both.wait()
        if what == "die": os.kill(os.getpid(), signal.SIGKILL)
        text = subprocess.check_output(["cat", folder / name]) if what == "cat" else (folder / name).read_bytes()
        if what == "both": both.wait()
        self.send_response(503 if what == "busy" else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert len(body) == int(self.headers["Content-Length"])
        self.send_response(204)
        self.end_headers()
server = getattr(http.server, sys.argv[3])(("127.0.0.1", 0), Handler)
server.handle_error = lambda *_: None
ready(server.server_port)
server.serve_forever()
"""
# Two requests at once on one thread: each asks `sys.argv[3]`, a server, for /NAME, and reads a file.
LOOP = READY + """
import asyncio
folder, backend = pathlib.Path(sys.argv[2]), int(sys.argv[3])
async def main():
    count = {"here": 0, "ready": 0, "over": 0}
    events = {name: asyncio.Event() for name in count}
    def one_more(name):
        count[name] += 1
        if count[name] == 2: events[name].set()
    async def both(name):
        one_more(name)
        await events[name].wait()
    async def serve(reader, writer):
        head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode()
        name = head.split()[1].strip("/")
        trace = [line for line in head.split("\\r\\n") if line.startswith("traceparent")]
        await both("here")
        r, w = await asyncio.open_connection("127.0.0.1", backend)
        w.write("\\r\\n".join([f"GET /{name} HTTP/1.1", "Host: x", "Connection: close", *trace, "", ""]).encode())
        await r.read()
        w.close()
        (folder / name).read_text()
        await both("ready")
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        one_more("over")
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    ready(server.sockets[0].getsockname()[1])
    await events["over"].wait()
asyncio.run(main())
"""


class Server:
    """A command under autotune trace, which says where it listens."""

    def __init__(self, test, *command, backend="bpf", ready=None, out="report.json"):
        self.test, self.out, self.port_file = test, test.folder / out, test.folder / "ready"
        self.process = subprocess.Popen([str(harness.AUTOTUNE), "trace", "--backend", backend, "-o", str(self.out), "--", *map(str, command)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        test.addCleanup(self.end)
        self.pid, self.port = harness.wait_for("the server listens", ready or self.listening)

    def listening(self):
        self.test.assertIsNone(self.process.poll(), "it ended early")
        return [int(word) for word in self.port_file.read_text().split()] if self.port_file.exists() else None

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)  # it ends what it started
            self.process.wait(30)
        self.process.stderr.close()

    def report(self, how=signal.SIGTERM):
        if how is not None:
            os.kill(self.pid, how)
        self.process.communicate(timeout=60)
        if self.out.suffix != ".json":
            return self.out.read_text()
        report = json.loads(self.out.read_text())
        self.test.assertFalse(any(report["losses"].values()), report["losses"])
        return report


def own_files(invocation, folder):
    return sorted(pathlib.Path(f["path"]).name for f in invocation["files"] if f["path"].startswith(f"{folder}/data/"))


class Boundaries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        for program in ("curl", "nginx"):
            if shutil.which(program) is None:
                harness.skip(f"{program} is not installed")

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir()
        for name in ("a", "b", "c"):
            (self.data / name).write_text(name * 1000)

    def python(self, text, *arguments, **how):
        program = self.folder / "server.py"
        program.write_text(text)
        return Server(self, PYTHON, program, self.folder / "ready", *arguments, **how)

    def http_server(self, kind="ThreadingHTTPServer", **how):
        return self.python(SERVER, self.data, kind, **how)

    def curl(self, port, *paths, headers=()):
        options = [word for header in headers for word in ("-H", header)]
        done = subprocess.run(["curl", "-sS", "-m", "30", *options, *(f"http://127.0.0.1:{port}{path}" for path in paths)],
                              capture_output=True)
        return done.stdout

    def at_once(self, *calls):
        threads = [threading.Thread(target=call) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_one_tree_per_request(self):
        for kind, backend in (("HTTPServer", "bpf"), ("ThreadingHTTPServer", "bpf"), ("ThreadingHTTPServer", "ptrace")):
            with self.subTest(kind=kind, backend=backend):
                (self.folder / "ready").unlink(missing_ok=True)
                server = self.http_server(kind, backend=backend)
                self.assertEqual(self.curl(server.port, "/read/a?secret", "/read/b"), b"a" * 1000 + b"b" * 1000)
                self.curl(server.port, "/busy/c", headers=[f"traceparent: {TRACES[0]}"])
                report = server.report()
                told = [(i["function"], i["status"], i["error_type"], own_files(i, self.folder)) for i in report["invocations"]]
                self.assertEqual(told, [("GET /read/a", "ok", "", ["a"]), ("GET /read/b", "ok", "", ["b"]),
                                        ("GET /busy/c", "error", "HTTP 503", ["c"])])
                first, second, third = report["invocations"]
                self.assertEqual(third["trace_id"], TRACES[0])
                self.assertEqual({(i["boundary"], i["provider"], i["time_limit_ms"]) for i in report["invocations"]},
                                 {("http", "http", 0.0)})
                self.assertEqual((first["cold"], second["cold"]), (True, False))
                self.assertEqual(second["io_ambiguous"] + third["io_ambiguous"], 0)
                self.assertGreater(second["thread_cpu_ms"], 0)
                self.assertLessEqual(second["thread_cpu_ms"], second["duration_ms"])
                self.assertEqual(len({i["id"] for i in report["invocations"]}), 3)
                self.assertNotIn("secret", json.dumps(report))

    def test_two_at_once_on_threads(self):
        server = self.http_server()
        self.at_once(*(lambda n=n: self.curl(server.port, f"/both/{n}") for n in "ab"))
        self.curl(server.port, "/cat/c")
        report = server.report()
        told = {i["function"]: i for i in report["invocations"]}
        self.assertEqual({f: own_files(i, self.folder) for f, i in told.items()},
                         {"GET /both/a": ["a"], "GET /both/b": ["b"], "GET /cat/c": ["c"]})
        self.assertTrue(told["GET /both/a"]["usage_is_shared"])
        self.assertFalse(told["GET /cat/c"]["usage_is_shared"])
        self.assertEqual([i["io_ambiguous"] for i in told.values()], [0, 0, 0])

    def test_two_at_once_on_one_thread_are_ambiguous_but_for_traces_and_connections(self):
        backend = subprocess.Popen([PYTHON, "-c", "import http.server as h\ns=h.ThreadingHTTPServer(('127.0.0.1',0),h.SimpleHTTPRequestHandler)\n"
                                    "print(s.server_port,flush=True)\ns.serve_forever()"], cwd=self.data, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(lambda: (backend.kill(), backend.communicate()))
        peer = int(backend.stdout.readline())
        for traced in (True, False):
            with self.subTest(traced=traced):
                (self.folder / "ready").unlink(missing_ok=True)
                server = self.python(LOOP, self.data, peer)
                self.at_once(*(lambda n=n, t=t: self.curl(server.port, f"/{n}", headers=[f"traceparent: {t}"] if traced else [])
                               for n, t in zip("ab", TRACES)))
                report = server.report(how=None)
                told = {i["function"]: i for i in report["invocations"]}
                self.assertEqual(set(told), {"GET /a", "GET /b"})
                for name, invocation in told.items():
                    received = sum(p["bytes_received"] for p in invocation["peers"] if p["peer"] == f"127.0.0.1:{peer}")
                    self.assertEqual(received > 1000, traced, f"{name}: the call that carries its trace id")
                    self.assertGreater(invocation["io_ambiguous"], 0)
                    self.assertGreater(invocation["ambiguous"], 0)
                    self.assertEqual(invocation["status"], "ok")
                    self.assertEqual(own_files(invocation, self.folder), [], f"{name}: a file could be of either")

    def test_nginx(self):
        conf = self.folder / "conf"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        conf.write_text(f"daemon off; worker_processes 2; user root; pid {self.folder}/pid; error_log {self.folder}/error.log; events {{}}\n"
                        f"http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{port}; root {self.folder};\n"
                        f"location /deny {{ return 502; }} }} }}\n")

        def listening():
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return int((self.folder / "pid").read_text()), port
            except (OSError, ValueError):
                return None
        server = Server(self, "nginx", "-c", conf, "-e", self.folder / "error.log", ready=listening)
        self.assertEqual(len(self.curl(port, "/data/a", "/data/b", "/deny", "/data/c")), 3000 + len(self.curl(port, "/deny")))
        report = server.report(signal.SIGQUIT)
        told = [(i["function"], i["status"], own_files(i, self.folder)) for i in report["invocations"]]
        self.assertCountEqual(told, [("GET /data/a", "ok", ["a"]), ("GET /data/b", "ok", ["b"]), ("GET /data/c", "ok", ["c"]),
                                     ("GET /deny", "error", []), ("GET /deny", "error", [])])
        self.assertEqual(sum(i["io_ambiguous"] for i in report["invocations"]), 0)

    def test_an_openwhisk_action(self):
        for backend in ("bpf", "ptrace"):
            with self.subTest(backend):
                (self.folder / "ready").unlink(missing_ok=True)
                self.action(backend)

    def action(self, backend):
        server = Server(self, PYTHON, pathlib.Path(__file__).parent / "action_proxy.py", self.folder / "ready", backend=backend)
        code = f"def main(args):\n    open({str(self.data)!r} + '/' + args['name']).read()\n    return {{'ok': True}}\n"
        code += "#" * 20_000  # more than is looked at
        connection = http.client.HTTPConnection("127.0.0.1", server.port)

        def post(path, message):
            connection.request("POST", path, json.dumps(message), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        self.assertEqual(post("/init", {"value": {"name": "hello", "main": "main", "binary": False, "code": code}}), 200)
        ids = ["44e3ad2ad0474b68a3ad2ad047bb68f%d" % n for n in range(2)]
        for activation, name, status in zip(ids, ("a", "absent"), (200, 502)):
            given = time.time()
            message = {"value": {"name": name}, "namespace": "guest", "action_name": "/guest/hello", "activation_id": activation,
                       "transaction_id": f"tx-{name}", "deadline": str(int(given * 1000) + 60_000)}
            self.assertEqual(post("/run", message), status)
            if name == "a":
                took_ms = (time.time() - given) * 1000
        connection.close()
        report = server.report()
        good, bad = report["invocations"]
        self.assertEqual([i["id"] for i in (good, bad)], ids)
        self.assertEqual([(i["function"], i["provider"], i["boundary"]) for i in (good, bad)], [("guest/hello", "openwhisk", "openwhisk")] * 2)
        self.assertEqual([(i["status"], i["error_type"], i["trace_id"]) for i in (good, bad)],
                         [("ok", "", "tx-a"), ("error", "HTTP 502", "tx-absent")])
        self.assertTrue(60_000 - took_ms - 2 < good["time_limit_ms"] <= 60_000, (good["time_limit_ms"], took_ms))
        self.assertEqual(own_files(good, self.folder), ["a"])
        self.assertEqual((good["cold"], bad["cold"]), (True, False))
        self.assertGreater(good["init_ms"], 0)

    def test_pipelined_requests_are_worked_on_one_after_the_other(self):
        server = self.http_server()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"".join(b"GET /read/%s HTTP/1.1\r\n\r\n" % name for name in (b"a", b"b")) +
                           b"GET /read/c HTTP/1.1\r\nConnection: close\r\n\r\n")
            while client.recv(65536):
                pass
        told = server.report()["invocations"]
        self.assertEqual([(i["function"], own_files(i, self.folder)) for i in told],
                         [("GET /read/a", ["a"]), ("GET /read/b", ["b"]), ("GET /read/c", ["c"])])
        ends = [i["at_ns"] + round(i["duration_ms"] * 1e6) for i in told]
        self.assertTrue(all(end <= i["at_ns"] + 1000 for end, i in zip(ends, told[1:])), told)

    def test_requests_that_die(self):
        server = self.http_server()
        for text in (b"GET /read/a HTTP/1.1\r\nHost:", b"POST /cut HTTP/1.1\r\nContent-Length: 100\r\n\r\nonly"):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(text)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
        self.assertEqual(self.curl(server.port, "/die/a"), b"")
        told = server.report(how=None)["invocations"]
        self.assertEqual([(i["function"], i["status"], i["error_type"]) for i in told],
                         [("POST /cut", "error", "no answer"), ("GET /die/a", "crash", "signal 9")])

    def test_the_text_shows_a_tree_of_each(self):
        server = self.http_server("HTTPServer", out="report.txt")
        self.curl(server.port, "/read/a", "/read/b", headers=[f"traceparent: {TRACES[0]}"])
        text = server.report()
        for name in "ab":
            tree = text[text.index(f"GET /read/{name} http-"):].split("\n\n")[0]
            self.assertIn(f"trace {TRACES[0]}", tree)
            self.assertIn(f"{self.data}/{name}", tree)
            self.assertIn("do_GET", tree)


if __name__ == "__main__":
    unittest.main()
