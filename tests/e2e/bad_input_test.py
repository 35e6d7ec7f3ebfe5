#!/usr/bin/env python3
"""What is wrong is refused with one clear line before anything starts; what a caller or a function does wrong
is answered as Lambda answers it, and the host goes on."""
import base64
import contextlib
import json
import re
import socket
import unittest

import awscli
import harness

RULE = ["version: 1", "rules:", "- name: small", "  when: fn.oom_count > 0", "  plan: [{notify: {}}]"]
NOWHERE = {"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
           "AWS_REGION": "us-east-1"}


class Folder(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = stack.enter_context(harness.workspace())
        self.rules = self.folder / "rules.yaml"
        self.rules.write_text("\n".join(RULE) + "\n")


class RulesFile(Folder):
    BROKEN = {  # name: (lines, line:column, message)
        "unknown key": (RULE + ["  pirority: 3"], "6:3", "unknown key 'pirority' in a rule; did you mean 'priority'?"),
        "wrong type": (RULE + ["  priority: high"], "6:13", "'priority' must be a whole number, this is 'high'"),
        "duplicate key": (RULE + ["  when: fn.oom_count > 1"], "6:3", "duplicate key 'when', first given on line 4"),
        "unknown fact": ([line.replace("oom_count", "oom_cuont") for line in RULE], "4:12",
                         "in 'when': there is no 'fn.oom_cuont'; did you mean 'fn.oom_count'?"),
    }

    def refused(self, file):
        """What both readers of a rules file say of it; nothing may have been started."""
        state = self.folder / "state"
        checked = harness.run("rules", "check", file)
        started = harness.run("--rules", file, "--state", state, "--web.listen-address", "127.0.0.1:0", env=NOWHERE)
        for done in (checked, started):
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertFalse(state.exists())
        return checked.stderr, started.stderr

    def test_an_error_has_its_place_and_a_suggestion(self):
        for name, (lines, place, message) in self.BROKEN.items():
            with self.subTest(name):
                self.rules.write_text("\n".join(lines) + "\n")
                for said in self.refused(self.rules):
                    self.assertEqual(said, f"{self.rules}:{place}: {message}\n")

    def test_json_names_the_file_of_each_diagnostic(self):
        included = self.folder / "more.yaml"
        included.write_text("version: 1\nrules:\n- {name: a, when: fn.foo > 0, plan: [{notify: {}}]}\n")
        self.rules.write_text("version: 1\ninclude: [more.yaml]\nrule: []\n")
        told = json.loads(harness.run("rules", "check", "--json", self.rules).stdout)
        self.assertEqual([(d["file"], d["line"], d["column"]) for d in told["diagnostics"]],
                         [(str(self.rules), 3, 1), (str(included), 3, 22)])

    def test_a_file_that_cannot_be_read(self):
        for file, why in ((self.folder / "absent.yaml", "No such file or directory"), (self.folder, "Is a directory")):
            with self.subTest(why):
                for said in self.refused(file):
                    self.assertRegex(said, rf"^autotune.*: reading {re.escape(str(file))}: {why}\n$")


class CommandLine(Folder):
    def refused(self, status, *arguments):
        done = harness.run(*arguments, env=NOWHERE)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertRegex(done.stderr, r"^autotune[^\n]*: [^\n]*\n$", "one line")
        return done.stderr

    def agent(self, status, *arguments):
        return self.refused(status, "--rules", self.rules, "--state", self.folder / "state", *arguments)

    def host(self, status, *arguments):
        (self.folder / "functions").mkdir(exist_ok=True)
        return self.refused(status, "host", "--functions", self.folder / "functions", "--state", self.folder / "host",
                            *arguments)

    def test_the_word_that_is_wrong_is_named(self):
        for arguments in (["frobnicate"], ["--frobnicate"], ["run", "--frobnicate"], ["host", "--frobnicate"],
                          ["rules", "frobnicate"], ["rules", "check", "--frobnicate"], ["history", "--frobnicate"],
                          ["doctor", "--frobnicate"]):
            with self.subTest(arguments):
                said = self.refused(2, *arguments)
                self.assertIn("frobnicate", said)
                self.assertIn("--help", said)

    def test_what_is_missing_is_named(self):
        for arguments, missing in ((["run"], "--rules"), (["--rules"], "--rules"), (["host"], "--functions"),
                                   (["rules"], "subcommand"), (["rules", "check"], "FILE")):
            with self.subTest(arguments):
                self.assertIn(missing, self.refused(2, *arguments))

    def test_values_that_cannot_be(self):
        self.assertIn("dry-run", self.agent(2, "--mode", "reckless"))
        self.assertIn("Directory does not exist", self.refused(2, "host", "--functions", self.folder / "absent"))
        for address in ("nowhere", "nowhere:80", "127.0.0.1:99999", "127.0.0.1:"):
            with self.subTest(address):
                self.assertIn(address.removesuffix(":80"), self.agent(2, "--web.listen-address", address))
                self.assertIn(address.removesuffix(":80"), self.host(2, "--listen", address))
        self.assertFalse((self.folder / "state").exists())

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = "127.0.0.1:%d" % other.getsockname()[1]
            self.assertIn(taken + ": Address already in use", self.agent(1, "--web.listen-address", taken))
            self.assertIn(taken + ": Address already in use", self.host(1, "--listen", taken))

    def test_every_command_helps_with_examples(self):
        for command in ([], ["run"], ["host"], ["rules"], ["rules", "check"], ["history"], ["doctor"]):
            with self.subTest(command):
                done = harness.run(*command, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertRegex(done.stdout, r"examples:\n(.*\n)*?  .*autotune")


class HostUnderAbuse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        cls.stack = contextlib.ExitStack()
        folder = cls.stack.enter_context(harness.workspace())
        cls.functions = folder / "functions"
        harness.write_function(cls.functions, "good", "calls = 0\n\ndef handler(event, context):\n    global calls\n"
                               "    calls += 1\n    return {'event': event, 'calls': calls}\n", memory_mb=512)
        harness.write_function(cls.functions, "no-module", "", handler="absent.handler")
        harness.write_function(cls.functions, "no-function", "", handler="handler.absent")
        harness.write_function(cls.functions, "wordy", "def handler(event, context):\n    return 'x' * 7_000_000\n",
                               memory_mb=1769)
        cls.write_bootstrap("dies", "#!/bin/sh\necho last words >&2\nexit 3\n", 0o755)
        cls.write_bootstrap("killed", "#!/bin/sh\nkill -9 $$\n", 0o755)
        cls.write_bootstrap("not-executable", "#!/bin/sh\n", 0o644)
        cls.write_bootstrap("no-interpreter", "#!/absent\n", 0o755)
        harness.write_function(cls.functions, "no-bootstrap", "", runtime="provided")
        cls.host = cls.stack.enter_context(harness.running(harness.Host(cls.functions, folder / "state")))

    @classmethod
    def write_bootstrap(cls, name, code, mode):
        bootstrap = harness.write_function(cls.functions, name, "", runtime="provided") / "bootstrap"
        bootstrap.write_text(code)
        bootstrap.chmod(mode)

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def setUp(self):
        self.calls = self.count()

    def tearDown(self):
        """The host goes on, and nothing but this test's questions reached the good function."""
        self.assertEqual(self.count(), self.calls + 1)

    def count(self):
        answer = self.host.invoke("good", {"still": "there"})
        self.assertTrue(answer.ok, answer.body)
        self.assertEqual(answer.json()["event"], {"still": "there"})
        return answer.json()["calls"]

    def assert_refused(self, answer, status, kind, message):
        self.assertEqual((answer.status, answer.headers["x-amzn-ErrorType"]), (status, kind), answer.body)
        told = answer.json()
        self.assertIn(message, told.get("message", told.get("Message")))
        self.assertTrue(answer.request_id)

    def test_functions_that_cannot_start(self):
        exit_error = r'^RequestId: [-0-9a-f]{36} Error: Runtime exited with error: '
        for name, kind, message in (
                ("no-module", "Runtime.ImportModuleError", r"^Unable to import module 'absent': No module named 'absent'$"),
                ("no-function", "Runtime.HandlerNotFound", r"^Handler 'absent' missing on module 'handler'$"),
                ("dies", "Runtime.ExitError", exit_error + "exit status 3$"),
                ("killed", "Runtime.ExitError", exit_error + "signal: killed$"),
                ("not-executable", "Runtime.InvalidEntrypoint", "bootstrap: permission denied$"),
                ("no-interpreter", "Runtime.InvalidEntrypoint", "bootstrap: [Nn]o such file or directory$"),
                ("no-bootstrap", "Runtime.InvalidEntrypoint", r"Couldn't find valid bootstrap\(s\): ")):
            with self.subTest(name):
                answer = self.host.invoke(name, {}, log=True)
                self.assertEqual((answer.status, answer.function_error), (200, "Unhandled"))
                self.assertEqual(answer.json()["errorType"], kind)
                self.assertRegex(answer.json()["errorMessage"], message)
                self.assertIn(f"Error Type: {kind}", answer.log)
        self.assertIn("last words\n", self.host.invoke("dies", {}, log=True).log)

    def test_an_answer_of_seven_megabytes(self):
        answer = self.host.invoke("wordy", {})
        self.assertEqual((answer.status, answer.function_error), (200, "Unhandled"))
        self.assertEqual(answer.json(), {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes)."})

    def test_payloads_that_are_not_taken(self):
        self.assert_refused(self.host.invoke("good", json.dumps("x" * 7_000_000)), 413, "RequestTooLargeException",
                            "7000002 byte payload is too large for the RequestResponse invocation type "
                            "(limit 6291456 bytes)")
        for payload in ("{no json", '{"a": 1} trailing', b'"\xff"'):
            with self.subTest(payload):
                self.assert_refused(self.host.invoke("good", payload), 400, "InvalidRequestContentException",
                                    "Could not parse request body into json")

    def test_functions_that_are_not_there(self):
        for name, qualifier in (("absent", "live"), ("absent", None), ("good", "absent"), ("good", "99")):
            with self.subTest(name=name, qualifier=qualifier):
                self.assert_refused(self.host.invoke(name, {}, qualifier), 404, "ResourceNotFoundException",
                                    "Function not found: arn:aws:lambda:us-east-1:")

    def test_a_zip_that_is_none(self):
        whole = awscli.package("def handler(event, context):\n    return event\n")
        for what, code in (("text", b"this is no zip"), ("empty", b""), ("cut off", whole[:len(whole) // 2]),
                           ("leads out", awscli.package("evil", "../outside.py"))):
            with self.subTest(what):
                answer = self.host.request("POST", "/2015-03-31/functions", json.dumps({
                    "FunctionName": "new", "Runtime": "python3.11", "Handler": "app.handler",
                    "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": base64.b64encode(code).decode()}}))
                self.assertEqual((answer.status, answer.headers["x-amzn-ErrorType"]),
                                 (400, "InvalidParameterValueException"), answer.body)
                self.assertEqual(self.host.invoke("new", {}, None).status, 404)

    def test_a_body_that_is_cut_off(self):
        head = b"POST /2015-03-31/functions/good/invocations?Qualifier=live HTTP/1.1\r\nHost: localhost\r\n"
        for body in (b'Content-Length: 1000\r\n\r\n{"a":', b"Content-Length: 2\r\n", b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"a"'):
            for reset in (True, False):
                with self.subTest(body, reset=reset), socket.create_connection(("127.0.0.1", self.host.port), 10) as peer:
                    peer.sendall(head + body)
                    if not reset:  # the other half stays open: no answer of the function may come
                        peer.shutdown(socket.SHUT_WR)
                        self.assertNotIn(b" 200 ", peer.recv(1000))


if __name__ == "__main__":
    unittest.main(verbosity=2)
