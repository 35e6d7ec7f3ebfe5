#!/usr/bin/python3
"""HTTP/1.1 inside TLS as curl, nginx, openssl and CPython speak it: what the BPF source tells of their exchanges is
what they did, on both sides, with the connection's addresses; of HTTP/2 it says that it was not decoded.

Environment: AUTOTUNE_BINARY_DIR; AUTOTUNE_PYTHONS: more CPythons, with a colon between. Loopback only; all files are
below one temporary folder.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from http_test import TRACE, HttpTest, needs  # which knows where the next one is
from loopback import HANDLER, free_port, listens, skip, wait_for

PYTHONS = [sys.executable, *filter(None, os.environ.get("AUTOTUNE_PYTHONS", "").split(":"))]
STATIC_CLIENT = pathlib.Path(os.environ.get("AUTOTUNE_BINARY_DIR", "build/release")) / "tests/agent/bpf/static_tls_client"
SERVER = HANDLER + """
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    pass
server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
CLIENT = """
import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
c = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=context)
for path, body in (("/one?token=secret", b"a" * 10), ("/two", b"b" * 100_000)):
    c.request("POST", path, body, {"traceparent": sys.argv[3]})
    assert c.getresponse().read() == body + b"more"
c.request("HEAD", "/three")
assert c.getresponse().read() == b""
c.close()
"""
ASYNCIO = """
import asyncio, ssl, sys
async def main():
    context = ssl.create_default_context(cafile=sys.argv[2])
    r, w = await asyncio.open_connection("localhost", int(sys.argv[1]), ssl=context)
    for path in ("/a", "/b"):
        w.write(b"HEAD %s HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n" % path.encode())
        await r.readuntil(b"\\r\\n\\r\\n")
    w.close()
asyncio.run(main())
"""
# Asks as often as it is told to, and loads the library only when it is told to the first time.
LATE = """
import sys
for line in sys.stdin:
    import http.client, ssl
    c = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=ssl.create_default_context(cafile=sys.argv[2]))
    c.request("HEAD", line.strip())
    c.getresponse().read()
    c.close()
    print("done", flush=True)
"""


class Tls(HttpTest):
    tls = True

    @classmethod
    def setUpClass(cls):
        needs("nginx", "curl", "openssl", "ss")

    def setUp(self):
        super().setUp()
        self.certificate = self.folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-addext", "keyUsage=critical,digitalSignature,keyCertSign", "-days", "2",
                        "-keyout", self.folder / "key.pem", "-out", self.certificate], check=True, capture_output=True)
        self.certificate.write_bytes(self.certificate.read_bytes() + (self.folder / "key.pem").read_bytes())
        self.port = free_port()

    def nginx(self, more=""):
        (self.folder / "conf").write_text(
            f"daemon off; worker_processes 1; user root; pid {self.folder}/pid;\n"
            f"error_log {self.folder}/error.log; events {{}}\n"
            f"http {{ access_log off; server {{ root {self.folder}/www; listen 127.0.0.1:{self.port} ssl {more};\n"
            f"ssl_certificate {self.certificate}; ssl_certificate_key {self.certificate};\n"
            f"location /go {{ return 204; }} }} }}\n")
        nginx, server = self.traced("nginx", "-c", self.folder / "conf", "-e", self.folder / "error.log")
        self.addCleanup(lambda: (nginx.terminate(), nginx.wait(timeout=60)))  # with its workers
        wait_for("nginx listens", lambda: listens(self.port))
        return nginx, server

    def curl(self, *arguments):
        curl, client = self.traced("curl", "-sS", "--cacert", self.certificate, *arguments, stdout=subprocess.DEVNULL)
        self.assertEqual(curl.wait(timeout=60), 0)
        return client

    def ends(self, which):
        return {e[which] for e in self.exchanges}

    def test_curl_and_nginx_with_keep_alive(self):
        (self.folder / "www").mkdir()
        sizes = (0, 1, 1000, 3_000_000)
        for size in sizes:
            (self.folder / "www" / str(size)).write_bytes(b"x" * size)
        _, server = self.nginx()
        base = f"https://localhost:{self.port}"
        client = self.curl("--http1.1", "-H", f"traceparent: {TRACE}", "-H", "Cookie: secret",
                           *[f"{base}/{size}?token=secret" for size in sizes], f"{base}/go")
        expected = [("GET", f"/{size}", 200, 0, size) for size in sizes] + [("GET", "/go", 204, 0, 0)]
        self.assertEqual(self.told(client, "client"), expected)
        self.assertEqual({(e["host"], e["trace_context"]) for e in self.exchanges},
                         {(f"localhost:{self.port}", TRACE)})
        self.assertEqual(self.ends("peer"), {f"127.0.0.1:{self.port}"})
        of_client = self.ends("local")
        self.assertEqual(self.told(server, "server"), expected)
        self.assertEqual((self.ends("local"), self.ends("peer")), ({f"127.0.0.1:{self.port}"}, of_client))
        self.assertEqual(len(of_client), 1)

    def test_bytes_on_the_wire_are_told_beside_plain_text(self):
        (self.folder / "www").mkdir()
        (self.folder / "www" / "file").write_bytes(b"x" * 1_000_000)
        _, server = self.nginx()
        client = self.curl("--http1.1", f"https://localhost:{self.port}/file")
        received = sum(c["received"] for c in client.sums()["connections"] if c["peer"] == f"127.0.0.1:{self.port}")
        sent = sum(c["sent"] for c in server.sums()["connections"] if c["local"] == f"127.0.0.1:{self.port}")
        self.assertEqual(self.told(client, "client"), [("GET", "/file", 200, 0, 1_000_000)])
        self.assertGreater(received, 1_000_000)
        self.assertGreaterEqual(sent, received)

    def test_cpython_with_bodies_in_chunks(self):
        rest = b"\r\n4\r\nmore\r\n0\r\n\r\n"  # in chunks what marks them counts
        expected = [("POST", "/one", 201, 10, len(b"a\r\n") + 10 + len(rest)),
                    ("POST", "/two", 201, 100_000, len(b"186a0\r\n") + 100_000 + len(rest)),
                    ("HEAD", "/three", 200, 0, 0)]
        for python in PYTHONS:
            with self.subTest(python):
                self.port = free_port()
                _, server = self.traced(python, "-c", SERVER, str(self.port), self.certificate)
                wait_for("the server listens", lambda: listens(self.port))
                process, client = self.traced(python, "-c", CLIENT, str(self.port), self.certificate, TRACE)
                self.assertEqual(process.wait(timeout=60), 0)
                self.assertEqual(self.told(client, "client"), expected)
                self.assertEqual(self.ends("peer"), {f"127.0.0.1:{self.port}"})
                self.assertEqual(self.told(server, "server"), expected)
                self.assertEqual(self.ends("local"), {f"127.0.0.1:{self.port}"})

    def test_asyncio_whose_sockets_are_not_read_in_the_library(self):
        self.nginx()
        process, client = self.traced(sys.executable, "-c", ASYNCIO, str(self.port), self.certificate)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual([t[:3] for t in self.told(client, "client")], [("HEAD", "/a", 404), ("HEAD", "/b", 404)])

    def test_openssl_as_server(self):
        server_process, server = self.traced("openssl", "s_server", "-quiet", "-naccept", "1", "-accept",
                                             f"127.0.0.1:{self.port}", "-cert", self.certificate,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        wait_for("it listens", lambda: listens(self.port))
        curl, client = self.traced("curl", "-sS", "--cacert", self.certificate, "--http1.1",
                                   f"https://localhost:{self.port}/page", stdout=subprocess.DEVNULL)
        while server_process.stdout.readline() != b"\r\n":
            continue
        server_process.stdin.write(b"HTTP/1.0 200 OK\r\n\r\nup to the end")
        server_process.stdin.close()
        self.assertEqual((server_process.wait(timeout=60), curl.wait(timeout=60)), (0, 0))
        server_process.stdout.close()
        expected = [("GET", "/page", 200, 0, len("up to the end"))]
        self.assertEqual(self.told(client, "client"), expected)
        self.assertEqual(self.told(server, "server"), expected)

    def test_openssl_as_server_that_speaks_through_its_own_streams(self):
        (self.folder / "page").write_bytes(b"x" * 5000)
        server_process, server = self.traced("openssl", "s_server", "-quiet", "-WWW", "-accept",
                                             f"127.0.0.1:{self.port}", "-cert", self.certificate, cwd=self.folder,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("it listens", lambda: listens(self.port))
        client = self.curl(f"https://localhost:{self.port}/page", "--http1.1")
        server_process.terminate()
        server_process.wait(timeout=60)
        for tracer, side in ((client, "client"), (server, "server")):
            self.assertEqual(self.told(tracer, side), [("GET", "/page", 200, 0, 5000)])

    def test_through_a_proxy_that_is_spoken_to_in_tls(self):
        # Both the tunnel and what goes through it are there, on one connection.
        (self.folder / "www").mkdir()
        (self.folder / "www" / "file").write_bytes(b"x" * 1000)
        self.nginx()
        proxy_port = free_port()
        proxy = subprocess.Popen([sys.executable, "-c", PROXY, str(proxy_port), str(self.certificate)])
        self.addCleanup(lambda: (proxy.kill(), proxy.wait()))
        wait_for("the proxy listens", lambda: listens(proxy_port))
        client = self.curl("--http1.1", "--proxy-cacert", self.certificate, "-x", f"https://localhost:{proxy_port}",
                           f"https://localhost:{self.port}/file")
        self.assertEqual(self.told(client, "client"), [("CONNECT", f"localhost:{self.port}", 200, 0, 0),
                                                       ("GET", "/file", 200, 0, 1000)])
        self.assertEqual(self.ends("peer"), {f"127.0.0.1:{proxy_port}"})

    def test_http2_is_named_and_not_decoded(self):
        (self.folder / "www").mkdir()
        (self.folder / "www" / "file").write_bytes(b"x")
        _, server = self.nginx("http2")
        client = self.curl("--http2", f"https://localhost:{self.port}/file")
        for tracer in (client, server):
            sums = tracer.sums()
            self.assertEqual((sums["http"], sums["not_decoded"]), ([], {"HTTP/2": 1}))

    def test_a_library_of_its_own_that_is_mapped_later(self):
        (self.folder / "own").mkdir()
        for name in ("libssl.so.3", "libcrypto.so.3"):
            real = next(pathlib.Path("/usr/lib").glob(f"*-linux-gnu/{name}"))
            shutil.copy(real, self.folder / "own" / name)
        self.nginx()
        process, client = self.traced(sys.executable, "-c", LATE, str(self.port), self.certificate,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      env={**os.environ, "LD_LIBRARY_PATH": str(self.folder / "own")})
        self.asks_until_it_is_told(process, client)

    def test_a_program_with_the_library_inside(self):
        if not STATIC_CLIENT.exists():
            skip("there is no static libssl (libssl-dev)")
        self.nginx()
        process, client = self.traced(STATIC_CLIENT, str(self.port), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)
        self.asks_until_it_is_told(process, client)

    def asks_until_it_is_told(self, process, client):
        """A file is probed soon after it is mapped for the first time, not at once."""
        def ask():
            process.stdin.write(b"/late\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), b"done\n")
            return self.told(client, "client") != []
        wait_for("an exchange is told", ask)
        self.assertEqual(self.told(client, "client")[0][:3], ("HEAD", "/late", 404))
        self.assertEqual(self.ends("peer"), {f"127.0.0.1:{self.port}"})
        process.stdin.close()
        self.assertEqual(process.wait(timeout=60), 0)
        process.stdout.close()


PROXY = """
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2])
def pump(a, b):
    try:
        while data := a.recv(65536): b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError: pass
def serve(c):
    c = context.wrap_socket(c, server_side=True)
    head = b""
    while b"\\r\\n\\r\\n" not in head: head += c.recv(4096)
    host, port = head.split()[1].decode().split(":")
    there = socket.create_connection((host, int(port)))
    c.sendall(b"HTTP/1.1 200 Connection established\\r\\n\\r\\n")
    threading.Thread(target=pump, args=(there, c), daemon=True).start()
    pump(c, there)
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""

if __name__ == "__main__":
    unittest.main()
