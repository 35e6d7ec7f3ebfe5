"""What the tests of programs taken apart share: the tool, and a platform that runs the pieces over HTTP, a process a call."""
import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import threading
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[3]
TOOL = SOURCE / "runtimes" / "decompose"
PYTHON = "/usr/bin/python3"
RUN = ("import json, sys; sys.dont_write_bytecode = True; import autotune_piece; event = json.load(sys.stdin)\n"
       "try: print(json.dumps([False, autotune_piece.handler(event, None)]))\n"
       "except Exception as e: print(json.dumps([True, {'errorType': type(e).__name__, 'errorMessage': str(e)}]))")


class Platform(http.server.ThreadingHTTPServer):
    """Invoke, of folders: each call a process of its own."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.calls, self.throttle = pathlib.Path(folder), [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def invoke(self, name, body):
        done = subprocess.run([PYTHON, "-c", RUN], cwd=self.folder / name, input=body, capture_output=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{self.server_port}"})
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode())
        return json.loads(done.stdout.splitlines()[-1])

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.split("/")[3]
        if self.server.throttle:
            self.server.throttle -= 1
            self.send_response(429)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.server.calls.append((name, self.path.partition("?")[2]))
        failed, answer = self.server.invoke(name, body)
        text = json.dumps(answer).encode()
        self.send_response(200)
        if failed:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Case(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tool = self.folder / "tool"
        (tool / "autotune_decompose").mkdir(parents=True)
        for file in [*TOOL.glob("*.py"), SOURCE / "runtimes/remedy/autotune_remedy/again.py"]:
            (tool / file.name).write_bytes(file.read_bytes())
        for file in (TOOL / "autotune_decompose").glob("*.py"):
            (tool / "autotune_decompose" / file.name).write_bytes(file.read_bytes())
        self.stack = stack
        self.count = 0

    def take_apart(self, code, *more, depth="medium", files=()):
        self.count += 1
        self.source, self.made = self.folder / f"source{self.count}", self.folder / f"made{self.count}"
        self.source.mkdir()
        (self.source / "app.py").write_text(textwrap.dedent(code))
        for name, text in dict(files).items():
            (self.source / name).write_text(textwrap.dedent(text))
        return subprocess.run([PYTHON, self.folder / "tool/autotune_decompose", "app.py", "--depth", depth, "--package", self.made, "--json", *more],
                              cwd=self.source, capture_output=True, text=True, timeout=60)

    def pieces(self, done):
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return {f["function"] for f in json.loads(done.stdout)["functions"]}

    def answers(self, event, function="main"):
        """(of the program in one process, of its pieces, who was invoked)"""
        text = (f"import json, sys; sys.dont_write_bytecode = True; import app; event = json.load(sys.stdin)\n"
                f"try: print(json.dumps([False, app.{function}(event)]))\n"
                "except Exception as e: print(json.dumps([True, {'errorType': type(e).__name__, 'errorMessage': str(e)}]))")
        done = subprocess.run([PYTHON, "-c", text], cwd=self.source, input=json.dumps(event).encode(), capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        platform = Platform(self.made)
        try:
            answer = platform.invoke("app", json.dumps(event).encode())
        finally:
            platform.close()
        return json.loads(done.stdout.splitlines()[-1]), answer, platform.calls

    def same(self, code, event, depth="medium", files=(), invoked=None):
        done = self.take_apart(code, depth=depth, files=files)
        pieces = self.pieces(done)
        before, after, calls = self.answers(event)
        self.assertEqual(after, before)
        if invoked is not None:
            self.assertEqual({name for name, _ in calls}, set(invoked))
        return done, pieces
