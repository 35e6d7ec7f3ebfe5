#!/usr/bin/env python3
"""`autotune fuse --package`: the group answers as its functions did, calls its members in the process, and others as before."""
import base64
import concurrent.futures
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

TIMEOUTS = {"price": 100}  # s; less than its caller's
TIMEOUT_S = 300  # of the others: importing botocore takes seconds at 256 MB, and each caller waits for its callee's
VARIABLES = {"tax": {"TABLE": "rates-"}}
# botocore as the Debian package awscli brings it; boto3 calls it the same way.
CALLER = '''
import json
import os
import sys
import threading
sys.path.append("/usr/lib/python3/dist-packages/awscli")
import botocore.config
import botocore.session
import helper
client = botocore.session.get_session().create_client("lambda", region_name="us-east-1", aws_access_key_id="test",
                                                      aws_secret_access_key="test", endpoint_url="{endpoint}",
                                                      config=botocore.config.Config(read_timeout={timeout}))


def invoke(function, event, **more):
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode(), **more)
    return answer.get("FunctionError"), json.loads(answer["Payload"].read() or b"null")
'''
FRONT = CALLER + '''

def handler(event, context):
    if event.get("bad"):
        return invoke("price", {"sku": None})
    prices = [None] * len(event["skus"])

    def ask(n):
        prices[n] = invoke("price" if n % 2 else "arn:aws:lambda:us-east-1:000000000000:function:price:live", {"sku": event["skus"][n]})

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(prices))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    event["skus"].append("changed")
    invoke("audit", {"seen": len(prices)}, InvocationType="Event")
    return {"who": context.function_name, "helper": helper.NAME, "prices": prices, "process": os.getpid()}
'''
PRICE = CALLER + '''

def handler(event, context):
    if event["sku"] is None:
        raise ValueError("no sku")
    error, tax = invoke("tax", event)
    return {"who": context.function_name, "helper": helper.NAME, "sku": event["sku"], "tax": tax["tax"], "process": os.getpid(),
            "time": 0 < context.get_remaining_time_in_millis() <= {timeout} * 1000, "own_id": len(context.aws_request_id)}
'''
TAX = '''
import os
import helper
TABLE = os.environ["TABLE"]


def handler(event, context):
    return {"tax": TABLE + event["sku"], "helper": helper.NAME}
'''
AUDIT = '''
def handler(event, context):
    return event
'''


def record(trace):
    """One request as autotune fuse reads it: front → price (twice, at once) → tax, and audit, which nobody waits for."""
    def one(name, id_, parent, start, end, calls=()):
        return {"trace": trace, "id": f"{trace}{id_}", "parent": parent and f"{trace}{parent}", "function": name, "memory_mb": 256,
                "start_ms": start, "end_ms": end, "billed_ms": end - start, "cold": False,
                "calls": [{"callee": c, "callee_id": f"{trace}{i}", "start_ms": s, "duration_ms": d, "sync": sync, "local": False}
                          for c, i, s, d, sync in calls]}
    return [one("front", "f", None, 0, 200, [("price", "p", 10, 120, True), ("price", "q", 10, 120, True), ("audit", "a", 150, 5, False)]),
            one("price", "p", "f", 30, 110, [("tax", "t", 40, 60, True)]), one("price", "q", "f", 30, 110, [("tax", "u", 40, 60, True)]),
            one("tax", "t", "p", 60, 80), one("tax", "u", "q", 60, 80), one("audit", "a", "f", 170, 260)]


class Group(harness.Story):
    def setUp(self):
        super().setUp()
        self.functions = self.folder / "functions"
        self.functions.mkdir()
        self.host = self.stack.enter_context(harness.running(harness.Host(self.functions, self.folder / "host")))
        self.sources = self.folder / "sources"
        for name, code in (("front", FRONT), ("price", PRICE), ("tax", TAX), ("audit", AUDIT)):
            timeout = TIMEOUTS.get(name, TIMEOUT_S)
            target = harness.write_function(self.sources, name, code.replace("{endpoint}", self.host.url).replace("{timeout}", str(timeout)),
                                            memory_mb=256, timeout=f"{timeout}s")
            (target / "helper.py").write_text(f"NAME = {name!r}\n")
            if name in VARIABLES:
                manifest = target / "function.yaml"
                manifest.write_text(manifest.read_text() + f"environment: {json.dumps(VARIABLES[name])}\n")
            self.create(name, target)

    def create(self, name, folder):
        import io
        import zipfile
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as out:
            for file in folder.iterdir():
                out.writestr(file.name, file.read_bytes())
        body = {"FunctionName": name, "Runtime": "python3.11", "Role": "arn:aws:iam::000000000000:role/r", "Handler": "handler.handler",
                "MemorySize": 256, "Timeout": TIMEOUTS.get(name, TIMEOUT_S), "Publish": True,
                "Environment": {"Variables": VARIABLES.get(name, {})}, "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()}}
        self.assertEqual(self.host.request("POST", "/2015-03-31/functions", json.dumps(body)).status, 201)
        self.host.request("POST", f"/2015-03-31/functions/{name}/aliases", json.dumps({"Name": "live", "FunctionVersion": "1"}))

    def update(self, name, package, handler):
        body = {"ZipFile": base64.b64encode(package.read_bytes()).decode()}
        self.assertEqual(self.host.request("PUT", f"/2015-03-31/functions/{name}/code", json.dumps(body)).status, 200)
        answer = self.host.request("PUT", f"/2015-03-31/functions/{name}/configuration", json.dumps({"Handler": handler}))
        self.assertEqual(answer.status, 200, answer.body)

    def fuse(self, *more):
        log = self.folder / "calls.jsonl"
        log.write_text("".join(json.dumps(i) + "\n" for n in range(20) for i in record(f"r{n}-")))
        return harness.run("fuse", "--replay", log, "--json", "--functions", self.sources, "--package", self.folder / "groups", *more)

    def ask(self, **event):
        answer = self.host.invoke("front", event or {"skus": ["a", "bbb", "cc"]}, qualifier=None, timeout=TIMEOUT_S)
        self.assertTrue(answer.ok, answer.body)
        return answer.json()

    def test_the_group_answers_as_its_functions_did(self):
        apart = self.ask()
        error = self.ask(bad=True)
        done = self.fuse()
        self.assertEqual(done.returncode, 0, done.stderr)
        groups = [sorted(g["functions"]) for g in json.loads(done.stdout)["groups"]]
        self.assertIn(["front", "price", "tax"], groups)
        self.assertIn("aws lambda update-function-code --function-name front", done.stderr)
        packages = {p.name for p in (self.folder / "groups").iterdir()}
        self.assertEqual(packages, {"front.zip", "front.original.zip"})  # nobody outside calls the others

        self.update("front", self.folder / "groups" / "front.zip", "autotune_group.handler")
        for name in ("price", "tax"):  # they are not needed any more
            self.assertEqual(self.host.request("DELETE", f"/2015-03-31/functions/{name}").status, 204)
        together = self.ask()
        process = together["process"]
        self.assertEqual({p["process"] for _, p in together["prices"]}, {process})
        self.assertNotIn(apart["process"], {p["process"] for _, p in apart["prices"]})

        def without_process(told):
            return {**told, "process": 0, "prices": [(e, {**p, "process": 0}) for e, p in told["prices"]]}

        self.assertEqual(without_process(together), without_process(apart))
        self.assertEqual([p["helper"] for _, p in together["prices"]], ["price"] * 3)  # each member its own module of one name
        fused_error = self.ask(bad=True)
        self.assertEqual((fused_error[0], fused_error[1]["errorType"], fused_error[1]["errorMessage"]), ("Unhandled", "ValueError", "no sku"))
        self.assertEqual((fused_error[0], fused_error[1]["errorMessage"]), (error[0], error[1]["errorMessage"]))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual({json.dumps(without_process(t)) for t in pool.map(lambda _: self.ask(), range(8))},
                             {json.dumps(without_process(together))})

        self.update("front", self.folder / "groups" / "front.original.zip", "handler.handler")
        for name in ("price", "tax"):
            self.create(name, self.sources / name)
        self.assertEqual(without_process(self.ask()), without_process(apart))

    def test_what_cannot_be_a_group_is_told(self):
        manifest = self.sources / "price" / "function.yaml"
        manifest.write_text(manifest.read_text() + "environment: {STAGE: a}\n")
        other = self.sources / "front" / "function.yaml"
        other.write_text(other.read_text() + "environment: {STAGE: b}\n")
        done = self.fuse()
        self.assertEqual(done.returncode, 2)
        self.assertIn("another value of STAGE", done.stderr)


if __name__ == "__main__":
    unittest.main()
