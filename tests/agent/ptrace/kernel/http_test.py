#!/usr/bin/python3
"""HTTP/1.1 as nginx, curl and CPython speak it, heard without root and without eBPF: what the ptrace source tells of
their exchanges is what they did, on both sides; HTTP/2 is named.

Environment: AUTOTUNE_BINARY_DIR. Loopback only; all files are below one temporary folder.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "support"))
from loopback import HANDLER, free_port, listens, skip, wait_for  # noqa: E402

BINARY_DIR = pathlib.Path(os.environ.get("AUTOTUNE_BINARY_DIR", "build/release"))
PTRACE_TELL = BINARY_DIR / "tests/agent/ptrace/ptrace_tell"
NOBODY = 65534
SERVER = HANDLER + """
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[1], "w").write(str(server.server_port))
for _ in range(1): server.handle_request()
"""
CLIENT = """
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for path, body in (("/one?token=secret", b"a" * 10), ("/two", b"b" * 100_000)):
    c.request("POST", path, body)
    assert c.getresponse().read() == body + b"more"
c.close()
"""
HTTP2 = """
import socket
a, b = socket.socketpair()
a.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")
"""


class PtraceHttp(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        for program in ("nginx", "curl"):
            if shutil.which(program) is None:
                skip(f"{program} is not installed")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="autotune-ptrace-http-"))
        self.folder.chmod(0o777)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, name, *command):
        """Under the source, as nobody; what it tells goes to a file."""
        told = self.folder / name
        inside = ["sh", "-c", 'exec 3>"$0"; exec "$@"', told, PTRACE_TELL, *command]
        as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        process = subprocess.Popen(inside, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self.folder,
                                   **as_nobody)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.wait()))
        return process, told

    def lines(self, told, kind):
        found = [line.split("\t") for line in told.read_text().splitlines()]
        self.assertEqual([f for f in found if f[0] == "lost"], [])
        self.assertNotIn("secret", str(found))
        return [f[1:] for f in found if f[0] == kind]

    def http(self, told, side):
        """(method, path, status, bodies)"""
        found = self.lines(told, "http")
        self.assertLessEqual({f[0] for f in found}, {side})
        return [(f[1], f[2], *map(int, f[3:6])) for f in found]

    def test_nginx_and_curl_with_keep_alive(self):
        (self.folder / "www").mkdir()
        sizes = (0, 1, 1000, 1_000_000)
        for size in sizes:
            (self.folder / "www" / str(size)).write_bytes(b"x" * size)
        port = free_port()
        paths = "".join(f"{kind}_temp_path {self.folder}/{kind}; " for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "conf").write_text(
            f"daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log; events {{}}\n"
            f"http {{ access_log off; sendfile on; {paths} server {{ root {self.folder}/www;\n"
            f"listen 127.0.0.1:{port}; location /go {{ return 204; }} }} }}\n")
        nginx, server = self.start("server", "nginx", "-c", self.folder / "conf", "-e", self.folder / "error.log")
        wait_for("nginx listens", lambda: listens(port))
        base = f"http://127.0.0.1:{port}"
        curl, client = self.start("client", "curl", "-sS", *[f"{base}/{size}?token=secret" for size in sizes],
                                  f"{base}/go")
        self.assertEqual(curl.wait(timeout=60), 0)
        os.kill(int((self.folder / "pid").read_text()), signal.SIGQUIT)
        self.assertEqual(nginx.wait(timeout=60), 0)
        expected = [("GET", f"/{size}", 200, 0, size) for size in sizes] + [("GET", "/go", 204, 0, 0)]
        self.assertEqual(self.http(client, "client"), expected)
        self.assertEqual({f[6] for f in self.lines(client, "http")}, {str(port)})
        self.assertEqual(self.http(server, "server"), expected)

    def test_cpython_with_bodies_in_chunks(self):
        port_file = self.folder / "port"
        server, told_server = self.start("server", "/usr/bin/python3", "-c", SERVER, port_file)
        wait_for("the server listens", lambda: port_file.exists() and port_file.read_text())
        client, told_client = self.start("client", "/usr/bin/python3", "-c", CLIENT, port_file.read_text())
        self.assertEqual((client.wait(timeout=60), server.wait(timeout=60)), (0, 0))
        rest = b"\r\n4\r\nmore\r\n0\r\n\r\n"  # in chunks what marks them counts
        expected = [("POST", "/one", 201, 10, len(b"a\r\n") + 10 + len(rest)),
                    ("POST", "/two", 201, 100_000, len(b"186a0\r\n") + 100_000 + len(rest))]
        self.assertEqual(self.http(told_client, "client"), expected)
        self.assertEqual(self.http(told_server, "server"), expected)

    def test_http2_is_named(self):
        process, told = self.start("http2", "/usr/bin/python3", "-c", HTTP2)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(self.lines(told, "not_decoded"), [["HTTP/2", "1"]])
        self.assertEqual(self.lines(told, "http"), [])


if __name__ == "__main__":
    unittest.main()
