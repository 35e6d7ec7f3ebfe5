#!/usr/bin/python3
"""HTTP as curl, nginx and CPython's http.server and http.client speak it: what the BPF source tells of their
exchanges is what they did, on both sides; redis, which speaks something else, has none.

Environment: AUTOTUNE_BINARY_DIR. Loopback only; all files are below one temporary folder.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from tracing import Tracer  # which knows where the next one is
from loopback import HANDLER, free_port, listens, skip, wait_for

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SERVER = HANDLER.replace(", ssl", "") + """
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
CLIENT = """
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for path, body in (("/one?token=secret", b"a" * 10), ("/two", b"b" * 100_000)):
    c.request("POST", path, body, {"traceparent": sys.argv[2]})
    assert c.getresponse().read() == body + b"more"
c.request("HEAD", "/three")
assert c.getresponse().read() == b""
c.close()
"""


def needs(*programs):
    if os.geteuid() != 0:
        skip("needs root (eBPF)")
    for program in programs:
        if shutil.which(program) is None:
            skip(f"{program} is not installed")


class HttpTest(unittest.TestCase):
    """Commands that are traced, and the exchanges that are told of them."""
    maxDiff = None
    tls = False

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="autotune-http-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def traced(self, *command, **options):
        """The command, traced from its first instruction on."""
        process = subprocess.Popen(["sh", "-c", "kill -STOP $$; exec \"$@\"", "sh", *command],
                                   **{"stdin": subprocess.DEVNULL, **options})
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.wait()))
        os.waitpid(process.pid, os.WUNTRACED)
        tracer = Tracer(process.pid)
        self.addCleanup(tracer.close)
        os.kill(process.pid, signal.SIGCONT)
        return process, tracer

    def told(self, tracer, side):
        """(method, path, status, body of the request, of the answer)"""
        sums = tracer.sums()
        self.assertEqual(sums["lost"], 0)
        for exchange in sums["http"]:
            self.assertNotIn("secret", str(exchange))
            self.assertLessEqual(exchange["latency_ns"], exchange["duration_ns"])
            self.assertEqual(exchange["side"], side)
            self.assertEqual(exchange["tls"], self.tls)
        self.exchanges = sums["http"]
        return [(e["method"], e["path"], e["status"], e["request"], e["response"]) for e in sums["http"]]


class Http(HttpTest):
    @classmethod
    def setUpClass(cls):
        needs("nginx", "redis-server", "redis-benchmark", "curl", "ss")

    def test_curl_and_nginx_with_keep_alive(self):
        (self.folder / "www").mkdir()
        sizes = (0, 1, 1000, 3_000_000)
        for size in sizes:
            (self.folder / "www" / str(size)).write_bytes(b"x" * size)
        port = free_port()
        (self.folder / "conf").write_text(
            f"daemon off; worker_processes 1; user root; pid {self.folder}/pid;\n"
            f"error_log {self.folder}/error.log; events {{}}\n"
            f"http {{ access_log off; sendfile on; server {{ root {self.folder}/www; listen 127.0.0.1:{port};\n"
            f"listen unix:{self.folder}/sock; location /go {{ return 204; }} }} }}\n")
        nginx, server = self.traced("nginx", "-c", self.folder / "conf", "-e", self.folder / "error.log")
        wait_for("nginx listens", lambda: listens(port))
        base = f"http://127.0.0.1:{port}"
        urls = [f"{base}/{size}?token=secret" for size in sizes] + [f"{base}/go"]
        curl, client = self.traced("curl", "-sS", "-H", f"traceparent: {TRACE}", "-H", "Cookie: secret", *urls,
                                   stdout=subprocess.DEVNULL)
        self.assertEqual(curl.wait(timeout=60), 0)
        expected = [("GET", f"/{size}", 200, 0, size) for size in sizes] + [("GET", "/go", 204, 0, 0)]
        self.assertEqual(self.told(client, "client"), expected)
        self.assertEqual({(e["host"], e["trace_context"]) for e in self.exchanges}, {(f"127.0.0.1:{port}", TRACE)})
        self.assertEqual(self.told(server, "server"), expected)
        self.assertEqual({(e["host"], e["trace_context"]) for e in self.exchanges}, {(f"127.0.0.1:{port}", TRACE)})
        subprocess.run(["curl", "-sS", "--unix-socket", self.folder / "sock", "http://x/absent", "-o", "/dev/null"],
                       check=True)
        self.assertEqual([t[:3] for t in self.told(server, "server")][len(expected):], [("GET", "/absent", 404)])
        nginx.send_signal(signal.SIGQUIT)
        self.assertEqual(nginx.wait(timeout=60), 0)

    def test_cpython_with_bodies_in_chunks(self):
        port = free_port()
        server_process, server = self.traced(sys.executable, "-c", SERVER, str(port))
        wait_for("the server listens", lambda: listens(port))
        client_process, client = self.traced(sys.executable, "-c", CLIENT, str(port), TRACE)
        self.assertEqual(client_process.wait(timeout=60), 0)
        rest = b"\r\n4\r\nmore\r\n0\r\n\r\n"  # in chunks what marks them counts
        expected = [("POST", "/one", 201, 10, len(b"a\r\n") + 10 + len(rest)),
                    ("POST", "/two", 201, 100_000, len(b"186a0\r\n") + 100_000 + len(rest)),
                    ("HEAD", "/three", 200, 0, 0)]
        self.assertEqual(self.told(client, "client"), expected)
        self.assertEqual(self.told(server, "server"), expected)

    def test_nobody_answers(self):
        port = free_port()
        script = ("import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
                  "c, _ = s.accept(); c.recv(10000); c.close()")
        silent = subprocess.Popen([sys.executable, "-c", script, str(port)])
        self.addCleanup(silent.wait)
        wait_for("it listens", lambda: listens(port))
        curl, client = self.traced("curl", "-s", f"http://127.0.0.1:{port}/gone")
        self.assertNotEqual(curl.wait(timeout=60), 0)
        self.assertEqual(self.told(client, "client"), [("GET", "/gone", 0, 0, 0)])

    def test_redis_speaks_no_http(self):
        port = free_port()
        redis, tracer = self.traced("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                                    "--dir", self.folder, "--logfile", self.folder / "log")
        wait_for("redis listens", lambda: listens(port))
        subprocess.run(["redis-benchmark", "-p", str(port), "-n", "500", "-c", "5", "-t", "set,get,ping_inline", "-q"],
                       check=True, capture_output=True)
        self.assertEqual(self.told(tracer, "server"), [])
        redis.terminate()
        self.assertEqual(redis.wait(timeout=60), 0)


if __name__ == "__main__":
    unittest.main()
