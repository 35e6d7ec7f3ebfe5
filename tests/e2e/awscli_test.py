#!/usr/bin/env python3
"""The life of a function by Debian's awscli, on the real host with real sandboxes: from a zip over versions
and an alias that is split and rolled back, to its end."""
import contextlib
import json
import os
import unittest

import awscli
import harness

CODE = """
import os

def handler(event, context):
    print("asked", event["n"])
    return {"n": event["n"], "memory": context.memory_limit_in_mb, "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"]}
"""
SEED = "7"  # of the draws between an alias' two versions: the same counts in each run


class LifeOfAFunction(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        if not os.path.exists(awscli.AWS):
            harness.skip(f"{awscli.AWS} is not installed (apt install awscli)")

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = stack.enter_context(harness.workspace())
        (self.folder / "functions").mkdir()
        (self.folder / "shop.zip").write_bytes(awscli.package(CODE))
        self.host = stack.enter_context(
            harness.running(harness.Host(self.folder / "functions", os.path.relpath(self.folder / "state"), "--seed", SEED)))  # as people type it
        self.aws = awscli.AwsCli(self.host.url)

    def update_alias(self, *arguments):
        return self.aws.call("update-alias", "--function-name", "shop", "--name", "live", *arguments)

    def versions_of(self, calls):
        """Which version answered each of so many calls; what it told must agree with the header."""
        versions = []
        for n in range(calls):
            answer = self.host.invoke("shop", {"n": n})
            self.assertTrue(answer.ok, answer.body)
            self.assertEqual(answer.json()["version"], answer.version)
            versions.append(answer.version)
        return versions

    def create(self):
        created = self.aws.call("create-function", "--function-name", "shop", "--runtime", "python3.11", "--handler",
                                "app.handler", "--role", "arn:aws:iam::000000000000:role/r", "--memory-size", 512,
                                "--zip-file", f"fileb://{self.folder}/shop.zip", "--publish")
        self.assertEqual((created["Version"], created["MemorySize"]), ("1", 512))
        return self.aws.call("create-alias", "--function-name", "shop", "--name", "live", "--function-version", 1)

    def invoke_with_its_log(self):
        answer = self.aws.call("invoke", "--function-name", "shop:live", "--log-type", "Tail", "--payload", '{"n": 7}',
                               "--cli-binary-format", "raw-in-base64-out", self.folder / "answer")
        self.assertEqual((answer["StatusCode"], answer["ExecutedVersion"]), (200, "1"))
        self.assertNotIn("FunctionError", answer)
        self.assertIn('"memory": "512"', (self.folder / "answer").read_text())
        log = harness.Answer(200, {"X-Amz-Log-Result": answer["LogResult"]}, b"").log
        for part in ("START RequestId: ", "asked 7\n", "END RequestId: ", "REPORT RequestId: ", "Memory Size: 512 MB"):
            self.assertIn(part, log)

    def change_memory_and_publish(self):
        self.aws.call("update-function-configuration", "--function-name", "shop", "--memory-size", 768)
        self.aws.call("wait", "function-updated", "--function-name", "shop")
        published = self.aws.call("publish-version", "--function-name", "shop")
        self.assertEqual((published["Version"], published["MemorySize"]), ("2", 768))

    def lay_a_layer_beside_it(self):
        for name, code in (("words", {"python/words.py": 'WORD = "of the layer"', "bin/tool": "x"}), ("more", {"python/more.py": ""})):
            (self.folder / f"{name}.zip").write_bytes(awscli.package_of(code))
        arns = [self.aws.call("publish-layer-version", "--layer-name", name, "--zip-file", f"fileb://{self.folder}/{name}.zip",
                              "--compatible-runtimes", "python3.11")["LayerVersionArn"] for name in ("words", "more")]
        self.assertEqual([layer["LayerName"] for layer in self.aws.call("list-layers")["Layers"]], ["more", "words"])
        code = 'import os, words\ndef handler(e, c):\n    return [words.WORD, words.__file__, sorted(os.listdir("/opt"))]'
        (self.folder / "layered.zip").write_bytes(awscli.package(code))
        self.aws.call("update-function-configuration", "--function-name", "shop", "--layers", *arns)
        changed = self.aws.call("update-function-code", "--function-name", "shop", "--zip-file", f"fileb://{self.folder}/layered.zip")
        self.assertEqual([layer["Arn"] for layer in changed["Layers"]], arns)
        answer = self.host.invoke("shop", {}, qualifier=None)
        self.assertEqual(answer.json(), ["of the layer", "/opt/python/words.py", ["bin", "python"]])
        self.aws.call("delete-layer-version", "--layer-name", "words", "--version-number", 1)
        self.assertEqual(self.host.invoke("shop", {}, qualifier=None).json()[0], "of the layer")
        self.assertIn("(ResourceNotFoundException)", self.aws.refused("get-layer-version", "--layer-name", "words",
                                                                      "--version-number", 1))

    def reserve_concurrency(self):
        limit = lambda: (self.aws.call("get-function-concurrency", "--function-name", "shop") or {}).get("ReservedConcurrentExecutions")
        self.assertIsNone(limit())
        self.assertEqual(self.aws.call("put-function-concurrency", "--function-name", "shop", "--reserved-concurrent-executions", 0),
                         {"ReservedConcurrentExecutions": 0})
        self.assertEqual(limit(), 0)
        self.assertIn("(TooManyRequestsException)", self.aws.refused("invoke", "--function-name", "shop:live", self.folder / "answer"))
        self.aws.call("delete-function-concurrency", "--function-name", "shop")
        self.assertIsNone(limit())
        self.assertTrue(self.host.invoke("shop", {"n": 1}).ok)

    def test_from_a_zip_to_its_end(self):
        fresh = self.create()
        self.invoke_with_its_log()
        self.reserve_concurrency()
        self.change_memory_and_publish()
        self.assertEqual(set(self.versions_of(5)), {"1"})  # published is not yet used

        split = self.update_alias("--revision-id", fresh["RevisionId"], "--routing-config",
                                  "AdditionalVersionWeights={2=0.1}")
        self.assertEqual((split["FunctionVersion"], split["RoutingConfig"]),
                         ("1", {"AdditionalVersionWeights": {"2": 0.1}}))
        second = self.versions_of(300).count("2")
        self.assertTrue(10 <= second <= 55, f"{second} of 300 calls went to the version with a tenth of them")

        self.assertIn("(PreconditionFailedException)",
                      self.aws.refused("update-alias", "--function-name", "shop", "--name", "live", "--revision-id",
                                       fresh["RevisionId"], "--function-version", 2, "--routing-config", "{}"))
        late = self.host.request("PUT", "/2015-03-31/functions/shop/aliases/live",
                                 json.dumps({"RevisionId": fresh["RevisionId"], "FunctionVersion": "2"}))
        self.assertEqual(late.status, 412)
        self.assertEqual(self.host.alias("shop"), split)  # a late change has changed nothing

        rolled = self.update_alias("--revision-id", split["RevisionId"], "--function-version", 1, "--routing-config",
                                   "AdditionalVersionWeights={}")
        self.assertEqual(rolled["FunctionVersion"], "1")
        self.assertNotIn("RoutingConfig", rolled)
        self.assertEqual(set(self.versions_of(50)), {"1"})

        self.lay_a_layer_beside_it()
        self.aws.call("delete-function", "--function-name", "shop")
        self.assertIn("(ResourceNotFoundException)", self.aws.refused("get-function", "--function-name", "shop"))
        self.assertEqual(self.host.invoke("shop", {}).status, 404)


if __name__ == "__main__":
    unittest.main(verbosity=2)
