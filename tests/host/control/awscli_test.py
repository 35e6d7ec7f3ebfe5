#!/usr/bin/env python3
"""Debian's awscli as judge of the control API: every call must be understood on both sides.

Usage: awscli_test.py ECHO_HOST. Skips (77) without awscli. Standard library only.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
import awscli  # noqa: E402: found by the line above

ECHO_HOST = None


class AwsCli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.folder = pathlib.Path(cls.stack.enter_context(tempfile.TemporaryDirectory()))
        cls.host = subprocess.Popen([ECHO_HOST, cls.folder / "state"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    text=True)
        cli = awscli.AwsCli(cls.host.stdout.readline().strip())
        cls.aws, cls.refused = cli.call, cli.refused
        for name, code in (("v1", "one"), ("v2", "two")):
            (cls.folder / f"{name}.zip").write_bytes(awscli.package(code))
        # awscli itself refuses what is no zip; one that leads out of its folder it sends.
        (cls.folder / "bad.zip").write_bytes(awscli.package("evil", "../outside.py"))

    @classmethod
    def tearDownClass(cls):
        cls.host.communicate("")
        cls.stack.close()
        assert cls.host.returncode == 0, cls.host.returncode

    def create(self, name, zip_name="v1.zip"):
        return ("create-function", "--function-name", name, "--runtime", "python3.11", "--handler", "app.handler",
                "--role", "arn:aws:iam::000000000000:role/r", "--zip-file", f"fileb://{self.folder}/{zip_name}")

    def test_a_function_from_creation_to_deletion(self):
        created = self.aws(*self.create("shop"), "--environment", "Variables={STAGE=prod}", "--tags", "tier=prod")
        arn = created["FunctionArn"]
        self.aws("wait", "function-active-v2", "--function-name", "shop")
        self.assertEqual(self.aws("publish-version", "--function-name", "shop")["Version"], "1")
        self.aws("update-function-configuration", "--function-name", arn, "--memory-size", 256)
        self.aws("wait", "function-updated-v2", "--function-name", "shop")
        self.aws("update-function-code", "--function-name", "shop", "--zip-file", f"fileb://{self.folder}/v2.zip")
        self.assertEqual(self.aws("publish-version", "--function-name", "shop")["Version"], "2")
        self.assertEqual(self.aws("publish-version", "--function-name", "shop")["Version"], "2")

        alias = self.aws("create-alias", "--function-name", "shop", "--name", "live", "--function-version", 1)
        split = self.aws("update-alias", "--function-name", "shop", "--name", "live", "--revision-id",
                         alias["RevisionId"], "--routing-config", "AdditionalVersionWeights={2=0.1}")
        self.assertEqual(split["RoutingConfig"]["AdditionalVersionWeights"], {"2": 0.1})
        self.assertIn("(PreconditionFailedException)",
                      self.refused("update-alias", "--function-name", "shop", "--name", "live", "--revision-id",
                                   alias["RevisionId"], "--function-version", 2))
        rolled = self.aws("update-alias", "--function-name", "shop", "--name", "live", "--routing-config", "{}")
        self.assertNotIn("RoutingConfig", rolled)

        answer = self.aws("invoke", "--function-name", f"{arn}:live", "--log-type", "Tail", "--payload", '{"n":1}',
                          "--cli-binary-format", "raw-in-base64-out", self.folder / "answer")
        self.assertEqual(answer["ExecutedVersion"], "1")
        self.assertIn("LogResult", answer)
        self.assertEqual((self.folder / "answer").read_text(), '{"n":1}')
        event = self.aws("invoke", "--function-name", "shop", "--invocation-type", "Event", self.folder / "answer")
        self.assertEqual(event["StatusCode"], 202)

        self.assertEqual([v["Version"] for v in
                          self.aws("list-versions-by-function", "--function-name", "shop")["Versions"]],
                         ["$LATEST", "1", "2"])
        self.assertEqual(len(self.aws("list-aliases", "--function-name", arn)["Aliases"]), 1)
        self.aws("tag-resource", "--resource", arn, "--tags", "team=a")
        self.aws("untag-resource", "--resource", arn, "--tag-keys", "tier")
        self.assertEqual(self.aws("list-tags", "--resource", arn)["Tags"], {"team": "a"})
        self.aws("put-function-concurrency", "--function-name", "shop", "--reserved-concurrent-executions", 5)
        self.assertEqual(self.aws("get-function", "--function-name", "shop")["Concurrency"],
                         {"ReservedConcurrentExecutions": 5})
        self.aws("delete-function-concurrency", "--function-name", "shop")
        self.assertIn("AccountLimit", self.aws("get-account-settings"))
        self.assertEqual(self.aws("get-function-code-signing-config", "--function-name", "shop")["FunctionName"], "shop")
        self.assertIn("(ResourceConflictException)",
                      self.refused("delete-function", "--function-name", "shop", "--qualifier", 1))
        self.aws("delete-alias", "--function-name", "shop", "--name", "live")
        self.aws("delete-function", "--function-name", "shop")
        self.assertIn("(ResourceNotFoundException)", self.refused("get-function", "--function-name", "shop"))

    def test_errors_are_those_of_lambda(self):
        self.assertIn("(InvalidParameterValueException) when calling the CreateFunction operation: Could not unzip",
                      self.refused(*self.create("bad", "bad.zip")))
        # awscli checks minima itself, maxima it leaves to the service.
        self.assertIn("(ValidationException)", self.refused(*self.create("bad"), "--memory-size", 10_241))
        self.assertIn("(ResourceNotFoundException) when calling the Invoke operation",
                      self.refused("invoke", "--function-name", "nope", self.folder / "answer"))
        self.aws(*self.create("checked"))
        self.assertIn("(ResourceConflictException)", self.refused(*self.create("checked")))
        self.assertIn("(InvalidRequestContentException)",
                      self.refused("invoke", "--function-name", "checked", "--payload", "{no json",
                                   "--cli-binary-format", "raw-in-base64-out", self.folder / "answer"))
        (self.folder / "large").write_text(json.dumps("x" * 7_000_000))
        self.assertIn("(RequestTooLargeException)",
                      self.refused("invoke", "--function-name", "checked", "--payload",
                                   f"fileb://{self.folder}/large", self.folder / "answer"))

    def test_listing_pages_through_everything(self):
        for number in range(3):
            self.aws(*self.create(f"page-{number}"))
        names = [f["FunctionName"] for f in self.aws("list-functions", "--page-size", 1)["Functions"]]
        self.assertEqual([n for n in names if n.startswith("page-")], ["page-0", "page-1", "page-2"])


if __name__ == "__main__":
    ECHO_HOST = sys.argv.pop(1)
    if not os.path.exists(awscli.AWS):
        print(f"SKIPPED: {awscli.AWS} is not installed (apt install awscli)")
        sys.exit(77)
    unittest.main()
