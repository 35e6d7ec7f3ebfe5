#!/usr/bin/env python3
"""A group of Node.js functions: what the AWS SDK sends to a member is a call in the process, everything else goes out."""
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

PEER = pathlib.Path(__file__).parent / "node_group"

# CommonJS; calls by the client and by the aggregated one, by promise and by callback.
FRONT = '''
const {LambdaClient, Lambda, InvokeCommand} = require("@aws-sdk/client-lambda");
const helper = require("./helper");
const settings = {region: "us-east-1", endpoint: process.env.REMOTE, credentials: {accessKeyId: "a", secretAccessKey: "b"}, maxAttempts: 1};
const client = new LambdaClient(settings), whole = new Lambda(settings);
const read = (answer) => [answer.FunctionError ?? null, answer.StatusCode, answer.Payload?.length ? JSON.parse(answer.Payload.transformToString()) : null];
const ask = async (FunctionName, event, more = {}) => read(await client.send(new InvokeCommand({FunctionName, Payload: JSON.stringify(event), ...more})));

exports.handler = async (event, context) => {
  const shared = {list: [1]};
  const together = await Promise.all([
    ask("price", {sku: "a", shared}),
    ask("arn:aws:lambda:us-east-1:000000000000:function:price:live", {sku: "bbb"}),
    whole.invoke({FunctionName: "price:live", Payload: new TextEncoder().encode(JSON.stringify({sku: "cc"}))}).then(read),
    new Promise((resolve, reject) => client.send(new InvokeCommand({FunctionName: "price", Payload: '{"sku": "dddd"}'}),
                                                 (error, answer) => error ? reject(error) : resolve(read(answer)))),
  ]);
  return {
    who: context.functionName, helper, shared, together,
    error: await ask("price", {sku: null}), crashed: await ask("price", {sku: 5}),
    remote: [await ask("elsewhere", {}), await ask("price", {}, {Qualifier: "7"}), await ask("price", {}, {InvocationType: "Event"})],
  };
};
'''
# An ES module.
PRICE = '''
import {LambdaClient, InvokeCommand} from "@aws-sdk/client-lambda";
const client = new LambdaClient({region: "us-east-1", endpoint: process.env.REMOTE, credentials: {accessKeyId: "a", secretAccessKey: "b"}});
export const handler = async (event, context) => {
  if (event.sku === null) throw new TypeError("no sku");
  if (event.sku === 5) throw "a text";
  if (event.shared) event.shared.list.push(2);
  const answer = await client.send(new InvokeCommand({FunctionName: "tax", Payload: JSON.stringify(event)}));
  const left = context.getRemainingTimeInMillis();
  return {who: context.functionName, sku: event.sku, tax: JSON.parse(answer.Payload.transformToString()), pid: process.pid,
          time: left > 0 && left <= 3000, id: context.awsRequestId.length, log: context.logStreamName};
};
'''
# By callback.
TAX = '''
exports.handler = (event, context, callback) => { setTimeout(() => callback(null, {tax: event.sku.length, helper: require("./helper"), who: context.functionName}), 1); };
'''
RUN = '''
const group = require(process.argv[2] + "/autotune_group.js");
const context = {functionName: "front", invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:front", awsRequestId: "r-1", logStreamName: "stream", callbackWaitsForEmptyEventLoop: true, getRemainingTimeInMillis: () => 60000};
group.handler({}, context).then((told) => console.log(JSON.stringify({...told, pid: process.pid})), (error) => { console.error(String(error)); process.exitCode = 3; });
'''


def nested(trace, names, depth=0):
    """One request as autotune fuse reads it: each function waits for the next."""
    start, end = 20 * depth, 400 - 20 * depth
    calls = [{"callee": names[1], "callee_id": names[1], "start_ms": start + 10, "duration_ms": end - start - 20, "sync": True}] if names[1:] else []
    yield {"trace": trace, "id": names[0], "parent": None, "function": names[0], "memory_mb": 128, "start_ms": start, "end_ms": end,
           "billed_ms": end - start, "calls": calls}
    if names[1:]:
        yield from nested(trace, names[1:], depth + 1)


class Remote(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, self.headers.get("X-Amz-Invocation-Type", "RequestResponse")))
        body = b"" if self.headers.get("X-Amz-Invocation-Type") == "Event" else b'{"far": true}'
        self.send_response(202 if not body else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class NodeGroup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (shutil.which("node") and shutil.which("npm")):
            harness.skip("needs Node.js and npm")
        if int(subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout[1:].split(".")[0]) < 20:
            harness.skip("the SDK needs Node.js 20 or later")
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PEER / name, cls.folder / name)
        got = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=cls.folder, capture_output=True, text=True)
        if got.returncode != 0:
            harness.skip(f"npm could not get the AWS SDK: {got.stderr.strip()[:200]}")
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remote)
        cls.server.asked = []
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def group(self, name, members):
        """A deployment as autotune fuse packs it; what all need of the SDK is above it, as the runtime brings it. The first
        member calls the second and so on, and is what others call."""
        sources, at = self.folder / f"{name}-sources", self.folder / name
        for member, (file, handler, code) in members.items():
            folder = harness.write_function(sources, member, "", runtime="nodejs20.x", handler=handler)
            (folder / "handler.py").unlink()
            (folder / file).write_text(code)
            (folder / "helper.js").write_text(f"module.exports = {member!r};\n")
        log = self.folder / f"{name}.jsonl"
        log.write_text("".join(json.dumps(one) + "\n" for trace in range(12) for one in nested(f"t{trace}", list(members))))
        done = harness.run("fuse", "--replay", log, "--json", "--functions", sources, "--package", self.folder / f"{name}-groups")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([g["functions"] for g in json.loads(done.stdout)["groups"]], [list(members)])
        entry = next(iter(members))
        self.assertEqual({p.name for p in (self.folder / f"{name}-groups").iterdir()}, {f"{entry}.zip", f"{entry}.original.zip"})
        zipfile.ZipFile(self.folder / f"{name}-groups" / f"{entry}.zip").extractall(at)
        (at / "run.cjs").write_text(RUN)
        return at

    def run_group(self, at):
        self.server.asked.clear()
        return subprocess.run(["node", at / "run.cjs", at], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "REMOTE": f"http://127.0.0.1:{self.server.server_port}"})

    def test_members_call_each_other_in_the_process_and_others_as_before(self):
        at = self.group("whole", {"front": ("index.js", "index.handler", FRONT), "price": ("app.mjs", "app.handler", PRICE),
                                  "tax": ("tax.js", "tax.handler", TAX)})
        done = self.run_group(at)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((told["who"], told["helper"]), ("front", "front"))
        self.assertEqual(told["shared"], {"list": [1]})  # the callee had its own
        for (error, status, price), sku in zip(told["together"], ("a", "bbb", "cc", "dddd"), strict=True):
            self.assertEqual((error, status), (None, 200))
            self.assertEqual(price, {"who": "price", "sku": sku, "tax": {"tax": len(sku), "helper": "tax", "who": "tax"},
                                     "pid": told["pid"], "time": True, "id": 36, "log": "stream"})
        error, status, answer = told["error"]
        self.assertEqual((error, status, answer["errorType"], answer["errorMessage"]), ("Unhandled", 200, "TypeError", "no sku"))
        self.assertEqual(told["crashed"][2]["errorMessage"], "a text")
        self.assertEqual(told["remote"], [[None, 200, {"far": True}], [None, 200, {"far": True}], [None, 202, None]])
        self.assertEqual([kind for _, kind in self.server.asked], ["RequestResponse", "RequestResponse", "Event"])
        self.assertEqual([path.split("?")[0] for path, _ in self.server.asked],
                         [f"/2015-03-31/functions/{name}/invocations" for name in ("elsewhere", "price", "price")])

    def test_a_member_that_cannot_be_loaded_is_told(self):
        at = self.group("broken", {"front": ("index.js", "index.handler", FRONT), "price": ("app.mjs", "app.gone", PRICE)})
        done = self.run_group(at)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("price: app.gone is undefined or not exported", done.stderr)

    def test_no_group_has_two_runtimes(self):
        sources, log = self.folder / "mixed", self.folder / "mixed.jsonl"
        harness.write_function(sources, "front", "", runtime="nodejs20.x")
        harness.write_function(sources, "price", "")
        log.write_text("".join(json.dumps(one) + "\n" for one in nested("t", ["front", "price"])))
        done = harness.run("fuse", "--replay", log, "--json", "--functions", sources, "--package", self.folder / "none")
        self.assertEqual(done.returncode, 0, done.stderr)
        verdict = json.loads(done.stdout)
        self.assertEqual(verdict["fuse"], [])
        self.assertIn("runtime: front nodejs20.x, price python3.11", verdict["bound"]["constraint"])
        self.assertEqual(list((self.folder / "none").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
