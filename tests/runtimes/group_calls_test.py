#!/usr/bin/env python3
"""The dispatchers of groups, Python's and Node.js's: whose function a name is, how members answer, which variables they find."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
HOME = "arn:aws:lambda:us-east-1:000000000000:function:entry"

# As much of the two SDKs as the dispatchers look at; what goes out says so.
BOTOCORE = '''
import io, types


class BaseClient:
    meta = types.SimpleNamespace(service_model=types.SimpleNamespace(service_name="lambda"))

    def _make_api_call(self, operation, arguments):
        return {"Payload": io.BytesIO(b'"far"')}
'''
RESPONSE = '''
class StreamingBody:
    def __init__(self, raw, length):
        self.read = raw.read
'''
SDK = '''
exports.InvokeCommand = class InvokeCommand { constructor(input) { this.input = input; } };
exports.LambdaClient = class LambdaClient { async send() { return {Payload: Buffer.from('"far"')}; } };
'''
PYTHON_ENTRY = '''
import json
import botocore.client
client = botocore.client.BaseClient()


def handler(event, context):
    return [json.loads(client._make_api_call("Invoke", {"FunctionName": name, "Payload": "{}"})["Payload"].read()) for name in event]
'''
NODE_ENTRY = '''
const {LambdaClient, InvokeCommand} = require("@aws-sdk/client-lambda");
const client = new LambdaClient();
exports.handler = async (names) => {
  const told = [];
  for (const FunctionName of names)
    told.push(JSON.parse(Buffer.from((await client.send(new InvokeCommand({FunctionName, Payload: "{}"}))).Payload).toString()));
  return told;
};
'''
PYTHON_STORY = '''
import json, os, sys
import autotune_group


class Context:
    invoked_function_arn = sys.argv[2] or None


print(json.dumps(autotune_group.handler(json.loads(sys.argv[1]), Context())))
'''
NODE_STORY = '''
const told = (answer) => console.log(JSON.stringify(answer ?? null));
const context = {invokedFunctionArn: process.argv[3] || undefined, succeed: () => told("the platform's succeed"), fail: () => told("the platform's fail"),
                 done: () => told("the platform's done"), getRemainingTimeInMillis: () => 60000};
// As Lambda's: what is set there is the platform's own, and read by it at the end. Not there at all since nodejs24.x.
let waits = true;
if (!process.env.AUTOTUNE_TEST_NO_CALLBACKS)
  Object.defineProperty(context, "callbackWaitsForEmptyEventLoop", {enumerable: true, get: () => waits, set: (value) => { waits = value; }});
require("./autotune_group.js").handler(JSON.parse(process.argv[2]), context).then(told, (error) => told(`rejected: ${error.message ?? error}`));
'''


class Dispatcher:
    """What both do. `told`: what the entry answers when asked to call these."""

    def run_group(self, names, files, command, arn=HOME, handler="app.handler", environment=None, **variables):
        config = {"entry": "entry", "members": {n: {"handler": handler, "timeout_s": 3} for n in ("entry", "near")},
                  "qualifiers": ["live"], "environment": environment or {}}
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file, text in {"autotune_group.json": json.dumps(config), **files}.items():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_text(text)
            shutil.copy(SOURCE / "runtimes" / "group" / self.dispatcher, folder)
            shutil.copy(SOURCE / "runtimes" / "remedy" / "node" / "handlers.mjs", folder / "autotune_handlers.mjs")
            done = subprocess.run([*command, json.dumps(names), arn], cwd=folder, env={**os.environ, **variables}, capture_output=True,
                                  text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 1, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_an_arn_is_of_an_account_and_a_region(self):
        def where(name, arn=HOME):
            return self.told([name], arn=arn)[0]

        for name in ("near", "near:live", "000000000000:function:near", "000000000000:function:near:live",
                     "arn:aws:lambda:us-east-1:000000000000:function:near", "arn:aws:lambda:us-east-1:000000000000:function:near:live"):
            self.assertEqual(where(name), "near", name)
        for name in ("near:7", "999999999999:function:near", "arn:aws:lambda:us-east-1:999999999999:function:near",
                     "arn:aws:lambda:eu-west-1:000000000000:function:near", "arn:aws-cn:lambda:us-east-1:000000000000:function:near",
                     "000000000000:near", "arn:aws:lambda:us-east-1:000000000000:layer:near", "elsewhere"):
            self.assertEqual(where(name), "far", name)
        # Where this runs is not known: whose an ARN is cannot be said.
        self.assertEqual(where("near", arn=""), "near")
        self.assertEqual(where("arn:aws:lambda:us-east-1:000000000000:function:near", arn=""), "far")
        self.assertEqual(where("000000000000:function:near", arn=""), "far")

    def test_members_find_their_variables_and_the_deployments_own_go_before(self):
        given = {"AUTOTUNE_TEST_TABLE": "x", "AUTOTUNE_TEST_STAGE": "packed", "AUTOTUNE_TEST_EMPTY": "packed"}
        self.assertEqual(self.variables(given, AUTOTUNE_TEST_STAGE="deployed", AUTOTUNE_TEST_EMPTY=""), ["x", "deployed", ""])


class Python(Dispatcher, unittest.TestCase):
    dispatcher = "autotune_group.py"

    def told(self, names, near='def handler(event, context):\n    return "near"\n', **more):
        return self.run_group(names, {"botocore/__init__.py": "", "botocore/client.py": BOTOCORE, "botocore/response.py": RESPONSE,
                                      "members/entry/app.py": PYTHON_ENTRY, "members/near/app.py": near, "story.py": PYTHON_STORY},
                              [sys.executable, "story.py"], **more)

    def variables(self, given, **deployed):
        near = "import os\nseen = [os.environ['AUTOTUNE_TEST_' + n] for n in ('TABLE', 'STAGE', 'EMPTY')]\ndef handler(e, c):\n    return seen\n"
        return self.told(["near"], near, environment=given, **deployed)[0]


@unittest.skipUnless(shutil.which("node"), "needs Node.js")
class Node(Dispatcher, unittest.TestCase):
    dispatcher = "autotune_group.js"

    def told(self, names, near='exports.handler = async () => "near";', entry=NODE_ENTRY, **more):
        return self.run_group(names, {"node_modules/@aws-sdk/client-lambda/index.js": SDK, "members/entry/app.js": entry,
                                      "members/near/app.js": near, "story.js": NODE_STORY}, ["node", "story.js"], **more)

    def variables(self, given, **deployed):
        near = 'const seen = ["TABLE", "STAGE", "EMPTY"].map((n) => process.env["AUTOTUNE_TEST_" + n]);\nexports.handler = async () => seen;'
        return self.told(["near"], near, environment=given, **deployed)[0]

    def test_a_member_ends_its_own_call_by_its_context(self):
        for near, answer in (("(e, ctx) => setTimeout(() => ctx.succeed({b: 1}), 5)", {"b": 1}),
                             ("(e, ctx) => ctx.succeed({b: 1})", {"b": 1}),
                             ("(e, ctx) => { setTimeout(() => ctx.done(null, {b: 2}), 5); }", {"b": 2}),
                             ("(e, {succeed}) => { setImmediate(succeed, 3); }", 3),
                             ("(e, ctx, callback) => { setTimeout(callback, 5, null, 4); }", 4)):
            with self.subTest(near=near):
                self.assertEqual(self.told(["near", "near"], f"exports.handler = {near};"), [answer, answer])
        for near in ("(e, ctx) => setTimeout(() => ctx.fail(new TypeError('no')), 5)", "(e, ctx) => { setTimeout(() => ctx.done(new TypeError('no')), 5); }"):
            with self.subTest(near=near):
                error = self.told(["near"], f"exports.handler = {near};")[0]
                self.assertEqual((error["errorType"], error["errorMessage"]), ("TypeError", "no"))

    def test_the_entry_too_ends_by_its_context(self):
        self.assertEqual(self.told([], entry="exports.handler = (e, ctx) => setTimeout(() => ctx.succeed({b: 1}), 5);"), {"b": 1})
        self.assertEqual(self.told([], entry="exports.handler = (e, ctx) => { setTimeout(() => ctx.fail(new Error('no')), 5); };"), "rejected: no")

    def test_an_answer_by_callback_does_not_wait_for_what_its_caller_has_left_to_do(self):
        entry = NODE_ENTRY.replace("  const told", "  const busy = setInterval(() => {}, 10);\n  const told").replace("  return told", "  clearInterval(busy);\n  return told")
        self.assertEqual(self.told(["near", "near"], "exports.handler = (e, ctx, callback) => callback(null, 1);", entry=entry), [1, 1])

    def test_a_call_of_a_member_leaves_its_callers_context_alone(self):
        entry = NODE_ENTRY.replace("async (names)", "async (names, context)").replace("return told", "return [...told, context.callbackWaitsForEmptyEventLoop]")
        near = "exports.handler = async (e, context) => [context.callbackWaitsForEmptyEventLoop, context.functionName];"
        self.assertEqual(self.told(["near"], near, entry=entry), [[False, "near"], True])

    def test_where_the_platform_has_no_callbacks_what_is_returned_is_the_answer(self):
        near = "exports.handler = (e, context) => ['callbackWaitsForEmptyEventLoop' in context, context.functionName];"
        entry = "exports.handler = () => 5;"
        self.assertEqual(self.told(["near"], near, AUTOTUNE_TEST_NO_CALLBACKS="1"), [[False, "near"]])
        self.assertEqual(self.told(["near"], entry=entry, AUTOTUNE_TEST_NO_CALLBACKS="1"), 5)
        # Asked for at the start, when there is no context yet, by what Lambda says it runs.
        entry = NODE_ENTRY + "const early = exports.handler(['near']);\nexports.handler = () => early;"
        self.assertEqual(self.told([], near, entry=entry, AUTOTUNE_TEST_NO_CALLBACKS="1", AWS_EXECUTION_ENV="AWS_Lambda_nodejs24.x"), [[False, "near"]])
        self.assertEqual(self.told([], near.replace("=> [", "=> context.succeed([").replace("];", "]);"), entry=entry.replace("() => early", "async () => early"),
                                   AWS_EXECUTION_ENV="AWS_Lambda_nodejs22.x"), [[True, "near"]])

    def test_who_never_answers_has_answered_null_once_nothing_is_left_to_do(self):
        """As on Lambda, where what a handler returns counts only if it is a promise."""
        for near in ("(e) => 5", "(e, ctx) => 5", "(e, ctx) => { setTimeout(() => {}, 20); }", "(e, ctx, callback) => {}"):
            with self.subTest(near=near):
                self.assertEqual(self.told(["near", "near"], f"exports.handler = {near};"), [None, None])


if __name__ == "__main__":
    unittest.main()
