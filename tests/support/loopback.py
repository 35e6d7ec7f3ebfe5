"""What tests with servers on loopback share: ports, waiting, skipping, and a server's answer."""
import os
import socket
import subprocess
import sys
import time

# Answers with the body and more, in chunks.
HANDLER = """
import http.server, socketserver, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (body, b"more"):
            self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(piece), piece))
        self.wfile.write(b"0\\r\\n\\r\\n")
    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
"""


def skip(reason):
    if os.environ.get("CI"):
        sys.exit(f"must not be skipped in CI: {reason}")
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def wait_for(what, condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    return subprocess.run(["ss", "-tlnH", f"sport = :{port}"], capture_output=True, check=True).stdout != b""
