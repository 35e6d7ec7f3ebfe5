#!/usr/bin/env python3
"""Remedies that are put around Node.js functions, each from the symptom to the proof, as remedy_test.py has them for Python:
handlers are ES modules and CommonJS, async and by callback."""
import base64
import json
import shutil
import time
import unittest

import awscli
import harness
import remedy_scene

ASKS = '''
export const handler = async ({ sku }) => {
  const answer = await fetch(`${process.env.PRICES}/price/${sku}`);
  return { sku, price: (await answer.json()).price, secret: process.env.SECRET };
};
'''

# By callback, and by the client that is older than fetch.
ASKS_BY_CALLBACK = '''
const http = require("node:http");

exports.handler = ({ sku }, context, callback) => {
  http.get(`${process.env.PRICES}/price/${sku}`, (answer) => {
    let text = "";
    answer.on("data", (chunk) => { text += chunk; }).on("end", () => callback(null, { sku, price: JSON.parse(text).price }));
  }).on("error", callback);
};
'''

SQUARES = '''
exports.handler = (event, context, callback) => { setTimeout(() => callback(null, event.n ** 2), 300); };
'''

TALKS = '''
export const handler = async () => {
  const region = process.env.AWS_REGION;
  for (let i = 0; i < 5; ++i) await (await fetch(process.env["DATA_" + region.toUpperCase().replaceAll("-", "_")])).text();
  return region;
};
'''

COUNTS = '''
import { setTimeout } from "node:timers/promises";

export const handler = async (event, context) => {
  let { next, sum } = context.state ?? { next: 1, sum: 0 };
  while (next <= event.n) {
    await setTimeout(100);
    sum += next++;
    context.handover?.({ next, sum });
  }
  return { sum };
};
'''

LOADS = '''
exports.handler = async (event) => {
  const pictures = event.order.items.map(() => Buffer.alloc(2 << 20, "x"));
  return pictures.map((picture, i) => picture.length + event.order.items[i]);
};
'''


class NodeRemedy(remedy_scene.RemedyStory):
    runtime, file, handler = "nodejs20.x", "handler.mjs", "/opt/nodejs/node_modules/autotune_remedy/index.handler"

    @classmethod
    def setUpClass(cls):
        if not (shutil.which("node", path="/usr/bin:/usr/local/bin")):
            harness.skip("needs Node.js")

    def begin_asking(self, code):
        prices = remedy_scene.Prices()
        url = self.stack.enter_context(harness.service(prices, Cache_Control="max-age=600"))
        self.begin(code, "fn.io_wait_share > 0.6 && fn.invocations >= 10", "{cache: {ttl: 10m}}",
                   environment=f"environment: {{PRICES: '{url}', SECRET: s3cret}}\n")
        return prices, url

    def expect_kept(self, prices, answer):
        self.assertLess(self.median_s("live", {"sku": 2}), self.median_s("1", {"sku": 2}) / 2)
        before = prices.asked
        for _ in range(20):
            self.assertEqual(self.host.invoke("shop", {"sku": 2}).json(), answer)
        self.assertLessEqual(prices.asked - before, 6)  # one for each sandbox

    @harness.played_again
    def test_a_cache_takes_a_slow_services_time_away(self):
        prices, url = self.begin_asking(ASKS)
        change = self.until_closed([{"sku": 1}, {"sku": 2}], callers=2)
        self.expect_promoted(change, "cache")
        self.expect_kept(prices, {"sku": 2, "price": 102, "secret": "s3cret"})

        # Taken back by people it leaves nothing, and the function's own variables.
        done = harness.run("rollback", str(change["id"]), "--state", self.folder / "state")
        self.assertEqual(done.returncode, 0, done.stderr)
        harness.wait_for("the remedy to be off", lambda: self.host.configuration("shop")["Handler"] == "handler.handler")
        configuration = self.host.configuration("shop")
        self.assertEqual(configuration["Environment"]["Variables"], {"PRICES": url, "SECRET": "s3cret"})
        self.assertEqual((configuration.get("Layers", []), self.host.alias("shop")["FunctionVersion"]), ([], "1"))
        self.assertEqual(self.host.invoke("shop", {"sku": 3}).json(), {"sku": 3, "price": 103, "secret": "s3cret"})

    @harness.played_again
    def test_a_cache_for_what_answers_by_callback(self):
        self.file = "handler.js"
        prices, _ = self.begin_asking(ASKS_BY_CALLBACK)
        change = self.until_closed([{"sku": 1}, {"sku": 2}], callers=2)
        self.expect_promoted(change, "cache")
        self.expect_kept(prices, {"sku": 2, "price": 102})

    @harness.played_again
    def test_results_of_a_safe_function_come_from_memory(self):
        self.file = "handler.js"
        self.begin(SQUARES, "fn.p95 > duration('50ms') && fn.invocations >= 5", "{cache: {of: results, safe: true, key: event.n}}")
        change = self.until_closed([{"n": 3}], callers=1)
        self.expect_promoted(change, "cache")
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

        # Other code, deployed by whoever, is not answered for by the copies.
        new = awscli.package(TALKS.replace("return region", "return 'new ' + region"), "handler.mjs")
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
        self.file = "handler.js"
        self.begin(LOADS, "fn.oom_count > 0", "{map_reduce: {over: event.order.items, part: 20}}", timeout="60s")
        event = {"order": {"items": list(range(100)), "id": 7}}
        self.assertIn("signal: killed", self.host.invoke("shop", event).body.decode())
        change = self.until_closed([event])
        self.expect_promoted(change, "map_reduce")
        self.assertEqual(change["judged"]["canary_failures"], 0)
        self.assertEqual(self.host.invoke("shop", event).json(), [(2 << 20) + i for i in range(100)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
