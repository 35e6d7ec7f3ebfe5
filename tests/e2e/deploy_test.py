#!/usr/bin/env python3
"""`autotune deploy`: new code reaches everybody only when a canary has proved it; bad code is taken back, also from the
unpublished head."""
import concurrent.futures
import json
import pathlib
import threading
import time
import unittest

import harness

CODE = '''
import time

def handler(event, context):
    time.sleep({sleep})
    {body}
    return "{word}"
'''
RULES = "version: 1\nguardrails: {blast_radius: {max_canary_weight: 0.5}}\nrules:\n- {name: never, when: fn.invocations < 0, plan: [{notify: {}}]}\n"


class Deploy(harness.Story):
    def setUp(self):
        super().setUp()
        self.state = self.folder / "state"
        harness.write_function(self.folder / "functions", "shop", CODE.format(sleep=0.02, body="pass", word="old"))
        (self.folder / "rules.yaml").write_text(RULES)
        self.host = self.stack.enter_context(harness.running(harness.Host(self.folder / "functions", self.folder / "host")))

    def agent(self, mode="apply"):
        agent = harness.Agent(self.folder / "rules.yaml", self.host, self.state, mode=mode)
        agent.wait_ready()
        return harness.running(agent)

    def package(self, name, **code):
        folder = self.folder / name
        folder.mkdir()
        (folder / "handler.py").write_text(CODE.format(**code))
        return folder

    def deploy(self, package, *options):
        done = harness.run("deploy", "shop", "--code", package, "--state", self.state, "--weight", 0.5, "--alpha", 0.2,
                           "--error-margin", 0.1, "--by", "ada", *options)
        self.assertEqual(done.returncode, 0, done.stderr)

    def end(self, number):
        """What became of the change of that number, with traffic until then."""
        over = threading.Event()

        def call():
            while not over.is_set():
                self.host.invoke("shop", {})

        def closed():
            rows = [r for r in harness.history(self.state) if r["id"] == number]
            return rows and rows[0]["step"] == "closed" and rows[0]

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            calling = [pool.submit(call) for _ in range(3)]
            try:
                return harness.wait_for("the end of the deployment", closed, 240, 0.2)
            finally:
                over.set()
                for future in calling:
                    future.result()

    def code_of(self, version):
        return self.host.request("GET", f"/2015-03-31/functions/shop/configuration?Qualifier={version}").json()["CodeSha256"]

    @harness.played_again
    def test_good_code_serves_in_the_end_and_bad_code_does_not_stay(self):
        self.deploy(self.package("good", sleep=0.005, body="pass", word="good"))  # no agent runs yet
        with self.agent():
            change = self.end(1)
            self.assertEqual((change["disposition"], change["change"]), ("promoted", "deploy good"), json.dumps(change))
            self.assertIn("ada asked for it", change["because"])
            self.assertEqual(self.host.invoke("shop", {}).json(), "good")
            self.assertEqual(self.host.alias("shop")["FunctionVersion"], "2")

            for number, bad in ((2, {"sleep": 0, "body": "raise ValueError('no')", "word": "bad"}), (3, {"sleep": 0.1, "body": "pass", "word": "slow"})):
                with self.subTest(bad["word"]):
                    self.deploy(self.package(bad["word"], **bad))
                    change = self.end(number)
                    self.assertEqual(change["disposition"], "rolled-back", json.dumps(change))
                    self.assertEqual(self.code_of("$LATEST"), self.code_of("2"))
                    self.assertEqual(self.host.invoke("shop", {}).json(), "good")
                    self.assertEqual(self.host.alias("shop")["FunctionVersion"], "2")
            harness.wait_for("packages that nobody needs to be gone", lambda: not list((self.state / "deployments").iterdir()))
        self.assertEqual(harness.run("history", "--verify", "--state", self.state).returncode, 0)

    @harness.played_again
    def test_what_serves_already_and_what_is_no_archive_are_refused(self):
        before = self.host.configuration("shop")
        with self.agent() as agent:
            self.deploy(self.folder / "functions" / "shop")  # function.yaml is in it, so it is another archive
            (self.folder / "no.zip").write_text("no archive")
            change = self.end(1)
            self.assertEqual(change["disposition"], "promoted", json.dumps(change))
            self.deploy(self.folder / "functions" / "shop")
            again = harness.wait_for("a refusal", lambda: [r for r in harness.history(self.state) if r["id"] == 2])[0]
            self.assertEqual(again["disposition"], "refused")
            self.assertIn("has that code already", again["detail"])
            self.deploy(self.folder / "no.zip")
            bad = harness.wait_for("the end", lambda: [r for r in harness.history(self.state) if r["id"] == 3 and r["step"] == "closed"])[0]
            self.assertEqual(bad["disposition"], "failed", agent.output())
            self.assertIn("Could not unzip", bad["detail"])
        self.assertNotEqual(before["CodeSha256"], self.code_of("$LATEST"))

    def test_a_dry_run_says_what_it_would_do(self):
        before = self.host.configuration("shop")
        self.deploy(self.package("new", sleep=0, body="pass", word="new"))
        with self.agent(mode="dry-run"):
            change = harness.wait_for("a plan", lambda: harness.history(self.state))[0]
        self.assertEqual(change["disposition"], "planned")
        self.assertIn('PUT /2015-03-31/functions/shop/code {"RevisionId"', change["detail"])
        self.assertNotIn("UEsDB", change["detail"])
        self.assertEqual(self.host.configuration("shop"), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
