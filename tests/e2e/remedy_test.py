#!/usr/bin/env python3
"""Remedies that are put around functions, from the symptom to the proof: each is produced for real, found by a rule, and
its remedy promoted by a canary; the function's own code stays as it was."""
import base64
import json
import time
import unittest

import awscli
import harness
import remedy_scene

ASKS = '''
import json, os, urllib.request

def handler(event, context):
    with urllib.request.urlopen(os.environ["PRICES"] + "/price/%d" % event["sku"], timeout=10) as answer:
        return {"sku": event["sku"], "price": json.loads(answer.read())["price"], "secret": os.environ["SECRET"]}
'''

TALKS = '''
import os, urllib.request

def handler(event, context):
    region = os.environ["AWS_REGION"]
    for _ in range(5):
        with urllib.request.urlopen(os.environ["DATA_" + region.upper().replace("-", "_")], timeout=10) as answer:
            answer.read()
    return region
'''

COUNTS = '''
import time

def handler(event, context):
    state = getattr(context, "state", None) or {"next": 1, "sum": 0}
    for i in range(state["next"], event["n"] + 1):
        time.sleep(0.1)
        state = {"next": i + 1, "sum": state["sum"] + i}
        if hasattr(context, "handover"):
            context.handover(state)
    return {"sum": state["sum"]}
'''

LOADS = '''
def handler(event, context):
    pictures = [bytearray(b"x") * (2 << 20) for _ in event["order"]["items"]]
    return [len(p) + item for p, item in zip(pictures, event["order"]["items"])]
'''


class Remedy(remedy_scene.RemedyStory):
    @harness.played_again
    def test_a_cache_takes_a_slow_services_time_away(self):
        prices = remedy_scene.Prices()
        url = self.stack.enter_context(harness.service(prices, Cache_Control="max-age=600"))
        self.begin(ASKS, "fn.io_wait_share > 0.6 && fn.invocations >= 10", "{cache: {ttl: 10m}}",
                   environment=f"environment: {{PRICES: '{url}', SECRET: s3cret}}\n",
                   alpha=0.05, margin=0.02)  # long enough for the first calls of each sandbox to be less than one in twenty
        change = self.until_closed([{"sku": 1}, {"sku": 2}], callers=2)
        self.expect_promoted(change, "cache")
        self.assertLess(change["judged"]["canary_p95_ms"], change["judged"]["baseline_p95_ms"] / 2)
        before = prices.asked
        for _ in range(20):
            self.assertEqual(self.host.invoke("shop", {"sku": 2}).json(), {"sku": 2, "price": 102, "secret": "s3cret"})
        self.assertLessEqual(prices.asked - before, 6)  # one for each sandbox
        self.assertNotIn("s3cret", json.dumps(self.change()) + self.agent.output())

        # Taken back by people it leaves nothing, and the function's own variables.
        done = harness.run("rollback", str(change["id"]), "--state", self.folder / "state")
        self.assertEqual(done.returncode, 0, done.stderr)
        harness.wait_for("the remedy to be off", lambda: self.host.configuration("shop")["Handler"] == "handler.handler")
        configuration = self.host.configuration("shop")
        self.assertEqual(configuration["Environment"]["Variables"], {"PRICES": url, "SECRET": "s3cret"})
        self.assertEqual((configuration.get("Layers", []), self.host.alias("shop")["FunctionVersion"]), ([], "1"))

    def test_a_function_that_is_not_as_safe_as_it_was_said_to_be_is_not_answered_for(self):
        # Safe until the remedy is there: of what differs before, no results would be kept (symptoms_test).
        self.begin("import time, uuid\ndef handler(event, context):\n    time.sleep(0.1)\n"
                   "    return 'the same' if context.function_version == '1' else str(uuid.uuid4())\n",
                   "fn.invocations >= 5", "{cache: {of: results, safe: true}}")
        change = self.until_closed([{"n": 1}], callers=2)
        self.assertIn(change["disposition"], ("promoted", "rolled-back", "reverted"))
        answers = [self.host.invoke("shop", {"n": 1}, qualifier=change["candidate"]).json() for _ in range(10)]
        self.assertEqual(len(set(answers)), 10)
        logs = "".join(p.read_text() for p in (self.folder / "host" / "logs").rglob("*") if p.is_file())
        self.assertIn('"off": "the same input gave another output"', logs)

    @harness.played_again
    def test_results_of_a_safe_function_come_from_memory(self):
        self.begin("import time\ndef handler(event, context):\n    time.sleep(0.3)\n    return event['n'] ** 2\n",
                   "fn.p95 > duration('50ms') && fn.invocations >= 5", "{cache: {of: results, safe: true, key: event.n}}")
        change = self.until_closed([{"n": 3}], callers=1)
        self.expect_promoted(change, "cache")
        self.assertEqual(self.host.invoke("shop", {"n": 3}).json(), 9)
        self.assertEqual(self.host.invoke("shop", {"n": 3, "caller": "any"}).json(), 9)
        begin = time.monotonic()
        self.assertLess(self.median_s("live", {"n": 3, "caller": "any"}), 0.3)  # the function alone would take that
        self.assertLess(time.monotonic() - begin, 16 * 0.3)

    @harness.played_again
    def test_calls_go_where_the_data_is_near(self):
        service = self.stack.enter_context(harness.service(remedy_scene.data, Cache_Control="no-store"))
        (self.folder / "none").mkdir()
        there = self.stack.enter_context(harness.running(
            harness.Host(self.folder / "none", self.folder / "there", "--region", "eu-west-1")))
        self.begin(TALKS, "fn.io_wait_share > 0.5 && fn.invocations >= 5",
                   f"{{relocate: {{tries: 3, places: [{{region: eu-west-1, endpoint: '{there.url}'}}]}}}}",
                   environment=f"environment: {{DATA_US_EAST_1: '{service}/far', DATA_EU_WEST_1: '{service}/near'}}\n")
        self.assertEqual(self.host.invoke("shop", {}).json(), "us-east-1")
        change = self.until_closed([{}], callers=1)
        self.expect_promoted(change, "relocate")
        self.until_answered_in("eu-west-1")
        answers = [self.host.invoke("shop", {}).json() for _ in range(30)]
        self.assertGreater(answers.count("eu-west-1"), 20, answers)
        self.assertLess(self.median_s("live", {}), self.median_s("1", {}))
        self.assertEqual(there.configuration("shop")["CodeSha256"], self.host.configuration("shop")["CodeSha256"])
        self.assertEqual(there.configuration("shop")["Handler"], "handler.handler")

        # Other code, deployed by whoever, is not answered for by the copies.
        new = awscli.package(TALKS.replace("return region", "return 'new ' + region"), "handler.py")
        body = json.dumps({"ZipFile": base64.b64encode(new).decode()})
        self.assertEqual(self.host.request("PUT", "/2015-03-31/functions/shop/code", body).status, 200)
        answers = {self.host.invoke("shop", {}, qualifier=None).json() for _ in range(10)}
        self.assertEqual(answers, {"new us-east-1"})

    @harness.played_again
    def test_a_handover_finishes_what_one_invocation_cannot(self):
        self.begin(COUNTS, "fn.timeout_rate > 0.5 && fn.invocations >= 3", "{handover: {hops: 9}}", timeout="1s")
        self.assertIn("Task timed out", self.host.invoke("shop", {"n": 20}).body.decode())
        change = self.until_closed([{"n": 20}])
        self.expect_promoted(change, "handover")
        self.assertEqual(self.host.configuration("shop")["Timeout"], 10)
        self.assertEqual(self.host.invoke("shop", {"n": 20}).json(), {"sum": 210})

    @harness.played_again
    def test_a_list_that_is_too_much_for_one_is_mapped_over_many(self):
        self.begin(LOADS, "fn.oom_count > 0", "{map_reduce: {over: event.order.items, part: 20}}", timeout="60s")
        event = {"order": {"items": list(range(100)), "id": 7}}
        self.assertIn("signal: killed", self.host.invoke("shop", event).body.decode())
        change = self.until_closed([event])
        self.expect_promoted(change, "map_reduce")
        kills = change["judged"]["canary_failures"]
        self.assertEqual(kills, 0)
        self.assertEqual(self.host.invoke("shop", event).json(), [(2 << 20) + i for i in range(100)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
