#!/usr/bin/env python3
"""runtimes/python/debugger.py under every CPython that is here (AUTOTUNE_PYTHONS=path:path adds some), with a host
that this test plays: what pdb does to a function, and what is said to the host."""
import http.server
import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

SOURCE = pathlib.Path(os.environ.get("AUTOTUNE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
FUNCTION = '''
import json, sys
sys.path.insert(0, %r)
import bootstrap, debugger

def handler(event, context):
    doubled = 2 * event
    if event == 13:
        raise ValueError("unlucky")
    return [doubled, context.get_remaining_time_in_millis()]

context = bootstrap.Context({"autotune-held": "3000", "lambda-runtime-deadline-ms": "0"})
try:
    print(json.dumps(debugger.Session(("127.0.0.1", int(sys.argv[1])), handler)(int(sys.argv[2]), context)))
except ValueError as error:
    print(json.dumps(str(error)))
''' % str(SOURCE / "runtimes" / "python")


def interpreters():
    named = [p for p in os.environ.get("AUTOTUNE_PYTHONS", "").split(":") if p]
    found = {os.path.realpath(p) for p in [shutil.which("python3") or sys.executable, *named]}
    return sorted(found)

# What debugpy does here, on a machine that is busy: until it waits there is nothing to cancel, which is an error.
SLOW_DEBUGPY = '''
import threading, time

def listen(address):
    return address[0], 5678

def is_client_connected():
    return False

class Wait:
    def __call__(self):
        time.sleep(0.5)
        cancelled = threading.Event()
        self.cancel = cancelled.set
        cancelled.wait()

    @staticmethod
    def cancel():
        raise RuntimeError("wait_for_client() must be called first")

wait_for_client = Wait()
'''


class FakeHost:
    """Hears what is said of a hold; answers `waiting` only when the hold is to end."""

    def __init__(self):
        self.said, self.end = queue.Queue(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.said.put((self.path.rsplit("/", 1)[1], body))
                if self.path.endswith("/waiting"):
                    outer.end.wait(30)
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hear(self):
        return self.said.get(timeout=30)

    def close(self):
        self.end.set()
        self.server.shutdown()
        self.server.server_close()


class Debugged(unittest.TestCase):
    def start(self, python, number, debugger="pdb", folder=""):
        self.host = FakeHost()
        self.addCleanup(self.host.close)
        process = subprocess.Popen([python, "-c", FUNCTION, str(self.host.server.server_port), str(number)],
                                   stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "AUTOTUNE_DEBUGGER": debugger, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        what, told = self.host.hear()
        self.assertEqual((what, told["debugger"]), ("waiting", debugger))
        self.address = ("127.0.0.1", int(told["address"].rsplit(":", 1)[1]))
        return process

    def connect(self):
        developer = socket.create_connection(self.address, 30)
        self.addCleanup(developer.close)
        self.assertEqual(self.host.hear()[0], "attached")
        self.prompt(developer)
        return developer

    def prompt(self, developer):
        text = ""
        while not text.endswith("(Pdb) "):
            piece = developer.recv(4096).decode()
            self.assertTrue(piece, text)
            text += piece
        return text

    def type(self, developer, command):
        developer.sendall(command.encode() + b"\r\n")  # as telnet ends its lines

    def answer(self, process):
        return json.loads(process.communicate(timeout=30)[0])

    def test_steps_looks_and_goes_on(self):
        for python in interpreters():
            with self.subTest(python):
                process = self.start(python, 21)
                developer = self.connect()
                self.type(developer, "p event, context.get_remaining_time_in_millis()")
                self.assertIn("(21, 3000)", self.prompt(developer))
                self.type(developer, "n")
                self.prompt(developer)
                self.type(developer, "doubled += 1")
                self.prompt(developer)
                self.type(developer, "c")
                self.assertEqual(self.host.hear()[0], "over")
                doubled, left = self.answer(process)
                self.assertEqual(doubled, 43)
                self.assertTrue(0 < left <= 3000, left)

    def test_whatever_ends_it_the_answer_is_right(self):
        def breaks_and_quits(developer):
            self.type(developer, "b handler")
            self.prompt(developer)
            self.type(developer, "q")

        def restarts_first(developer):
            self.type(developer, "run")
            self.assertIn("cannot be started again", self.prompt(developer))
            self.type(developer, "exit")

        def steps_out(developer):
            for _ in range(5):  # line, line, return, and there is nobody to return to
                self.type(developer, "n")

        ends = [breaks_and_quits, restarts_first, steps_out, lambda developer: developer.close(),
                lambda developer: self.host.end.set(), lambda developer: self.type(developer, "raise_is = no_name; c")]
        for python in interpreters():
            with self.subTest(python):
                for number, end in enumerate(ends):
                    with self.subTest(number):
                        process = self.start(python, 4)
                        developer = self.connect()
                        end(developer)
                        if number == len(ends) - 1:
                            self.assertIn("NameError", self.prompt(developer))
                            self.type(developer, "c")
                        self.assertEqual(self.host.hear()[0], "over")
                        self.assertEqual(self.answer(process)[0], 8)

    def test_an_error_of_the_function_is_its_error(self):
        for python in interpreters():
            with self.subTest(python):
                process = self.start(python, 13)
                self.type(self.connect(), "c")
                self.assertEqual(self.answer(process), "unlucky")

    def test_let_go_before_anybody_came(self):
        for python in interpreters():
            with self.subTest(python):
                process = self.start(python, 5)
                self.host.end.set()
                self.assertEqual(self.host.hear()[0], "over")
                self.assertEqual(self.answer(process)[0], 10)

    def test_let_go_before_debugpy_begins_to_wait(self):
        for python in interpreters():
            with self.subTest(python), tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, "debugpy.py").write_text(SLOW_DEBUGPY)
                process = self.start(python, 5, "debugpy", folder)
                self.host.end.set()
                self.assertEqual(self.host.hear()[0], "over")
                self.assertEqual(self.answer(process)[0], 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
