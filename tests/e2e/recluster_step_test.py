#!/usr/bin/env python3
"""The plan step `recluster`: a rule makes a function one with those that it waits for, from what the agent recorded and the platform's own
code, behind a canary; `autotune rollback` and `op: split` make them several again. Their answers stay the same."""
import concurrent.futures
import contextlib
import json
import re
import socket
import threading
import time
import unittest

import harness

RULES = """
version: 1
defaults: {{mode: apply, cooldown: 10m, window: {window}}}
guardrails: {{blast_radius: {{max_canary_weight: 0.5}}{approval}}}
rules:
- name: {name}
  scope: {{functions: order}}
  when: {when}
  plan: [{{recluster: {{op: {op}}}}}]
  canary: {{weight: 0.5, alpha: 0.2, error_margin: 0.1, latency_margin: {margin}, harm_margin: {harm}, horizon: 4m, on_hold: revert}}
"""
# botocore as the Debian package awscli brings it; boto3 calls it the same way.
CODE = '''
import json
import sys
import time
sys.path.append("/usr/lib/python3/dist-packages/awscli")
import botocore.config
import botocore.session
import words

patience = botocore.config.Config(read_timeout=300)  # the first request starts all sandboxes
client = botocore.session.get_session().create_client("lambda", region_name="us-east-1", aws_access_key_id="test",
                                                      aws_secret_access_key="test", endpoint_url="{endpoint}", config=patience)


def handler(event, context):
    time.sleep(0.02)
    told = []
    for callee in {callees!r}:
        answer = client.invoke(FunctionName=callee, Payload=json.dumps({{"number": event["number"] + 1}}).encode())
        told.append(json.loads(answer["Payload"].read()))
    return {{"who": context.function_name, "word": words.WORD, "number": event["number"], "told": told}}
'''
CHAIN = {"order": ["price", "stock"], "price": ["tax"], "stock": [], "tax": []}
INSIDE = {"price": 1, "stock": 1, "tax": 1}  # invocations of a request beside order's
REPORT = re.compile(r"REPORT RequestId: (\S+)")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ReclusterStep(harness.Story):
    def setUp(self):
        super().setUp()
        self.functions, self.state = self.folder / "functions", self.folder / "state"
        port = free_port()  # the functions' code names it
        for name, callees in CHAIN.items():
            target = harness.write_function(self.functions, name, CODE.format(endpoint=f"http://127.0.0.1:{port}", callees=callees),
                                            memory_mb=1024, timeout="120s")
            (target / "words.py").write_text(f"WORD = {name!r}\n")
        self.host = self.stack.enter_context(harness.running(harness.Host(self.functions, self.folder / "host", port=port)))

    def rules(self, name="waits-for-others", op="fuse", when="fn.invocations >= 45", margin=0.1, harm=0, approval="", window="10m"):
        file = self.folder / f"{name}.yaml"
        file.write_text(RULES.format(name=name, op=op, when=when, margin=margin, harm=harm, approval=approval, window=window))
        checked = harness.run("rules", "check", file)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        return file

    @contextlib.contextmanager
    def agent(self, rules, **more):
        with harness.running(harness.Agent(rules, self.host, self.state, "--budget", "off", "--sample-hz", "0", **more)) as agent:
            agent.wait_ready()
            yield agent

    def env(self):
        return {"AWS_ENDPOINT_URL_LAMBDA": self.host.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}

    def ask(self, number):
        answer = self.host.invoke("order", {"number": number}, timeout=120)
        self.assertTrue(answer.ok, answer.body)
        return answer.json()

    def billed(self):
        """{function: invocations} that the platform wrote down so far."""
        counts = dict.fromkeys(CHAIN, 0)
        for log in (self.folder / "host" / "logs").rglob("*"):
            if log.is_file():
                function = log.relative_to(self.folder / "host" / "logs").parts[0]
                counts[function] += len(REPORT.findall(log.read_text(errors="replace")))
        return counts

    def billed_for(self, requests):
        """What is billed beside order for so many requests, by function."""
        before = self.billed()
        for n in range(requests):
            self.ask(n)
        harness.wait_for("billing records", lambda: self.billed()["order"] >= before["order"] + requests)
        time.sleep(0.3)
        now = self.billed()
        return {name: now[name] - before[name] for name in INSIDE}

    def changes(self):
        return [row for row in harness.history(self.state) if row.get("step")]

    def until_closed(self, agent, count=1, seconds=240, callers=3):
        """Requests, one after the other by each caller, until so many changes have ended; the latest."""
        deadline, over = time.monotonic() + seconds, threading.Event()

        def caller(number):
            for n in range(number, 10 ** 9, callers):
                if over.is_set() or time.monotonic() > deadline:
                    return
                self.ask(n % 10)

        def closed():
            rows = self.changes()
            return len(rows) >= count and rows[0]["step"] == "closed"

        with concurrent.futures.ThreadPoolExecutor(callers) as pool:
            calling = [pool.submit(caller, n) for n in range(callers)]
            try:
                harness.wait_for("the change to end", closed, seconds, 0.2)
            except AssertionError as problem:
                raise AssertionError(f"{problem}\n{harness.history(self.state)[:2]}\n{agent.output()[-3000:]}") from problem
            finally:
                over.set()
            for future in calling:
                future.result()
        return self.changes()[0]

    def fused(self, agent):
        change = self.until_closed(agent)
        self.assertEqual(change["disposition"], "promoted", json.dumps(change, indent=1) + agent.output()[-3000:])
        return change

    @harness.played_again
    def test_a_rule_fuses_a_chain_and_it_can_be_taken_back(self):
        apart = [self.ask(n) for n in range(4)]
        self.assertEqual(self.billed_for(3), {name: n * 3 for name, n in INSIDE.items()})
        with self.agent(self.rules()) as agent:
            change = self.fused(agent)
            self.assertRegex(change["change"], "^fuse with (price|stock|tax)")
            self.assertIn("GB-s each", change["predicted"])
            print(f"fused: {change['predicted']}; p95 {change['judged']['baseline_p95_ms']:.0f} → {change['judged']['canary_p95_ms']:.0f} ms",
                  flush=True)
            configuration = self.host.configuration("order")
            self.assertEqual((configuration["Handler"], self.host.alias("order")["FunctionVersion"]), ("handler.handler", "2"))
            self.assertEqual([self.ask(n) for n in range(4)], apart)
            self.assertEqual(self.billed_for(5), dict.fromkeys(INSIDE, 0))
            for name in INSIDE:  # their own deployments stay
                self.assertEqual(self.host.alias(name)["FunctionVersion"], "1")
            said = harness.run("explain", str(change["id"]), "--state", self.state).stdout
            self.assertIn("GB-s each", said)
            self.assertEqual(harness.run("history", "--verify", "--state", self.state).returncode, 0)

            back = harness.run("rollback", str(change["id"]), "--state", self.state)
            self.assertEqual(back.returncode, 0, back.stderr)
            harness.wait_for("the old version to serve", lambda: self.host.alias("order")["FunctionVersion"] == "1", 30)
            self.assertEqual([self.ask(n) for n in range(4)], apart)
            self.assertEqual(self.billed_for(3), {name: n * 3 for name, n in INSIDE.items()})

    @harness.played_again
    def test_what_was_fused_can_be_split_by_a_rule(self):
        apart = [self.ask(n) for n in range(4)]
        with self.agent(self.rules()) as agent:
            self.fused(agent)
        # By itself it is slower, which somebody who writes such a rule puts up with.
        with self.agent(self.rules("split-it", "split", "fn.invocations >= 10", margin=10, harm=10, window="30s")) as agent:  # what was before the last change is too old
            change = self.until_closed(agent, 2)
            self.assertEqual((change["disposition"], change["change"][:10]), ("promoted", "split from"),
                             json.dumps(change, indent=1) + agent.output()[-3000:])
            self.assertEqual(self.host.alias("order")["FunctionVersion"], "3")
            self.assertEqual([self.ask(n) for n in range(4)], apart)
            self.assertEqual(self.billed_for(3), {name: n * 3 for name, n in INSIDE.items()})

    @harness.played_again
    def test_it_is_planned_with_its_requests_and_waits_for_an_approval(self):
        watch, rules = self.rules("never", when="fn.invocations < 0"), self.rules(approval=", approval: {required_for: [recluster]}")
        with self.agent(watch):
            for n in range(50):
                self.ask(n)
            harness.wait_for("records", lambda: len(harness.history(self.state, "--invocations", "order")) >= 50, 30)
            plan = harness.run("plan", "--rules", rules, "--state", self.state, "--json", env=self.env())
            self.assertEqual(plan.returncode, 0, plan.stderr)
            action = json.loads(plan.stdout)["actions"][0]
            self.assertIn("fuse with", action["change"], plan.stdout)
            self.assertIn("PUT /2015-03-31/functions/order/code", action["requests"][0])
            self.assertEqual(self.changes(), [])
        with self.agent(rules) as agent:
            harness.wait_for("a change that waits", lambda: [self.ask(1)] and [c for c in self.changes() if c["step"] == "waiting"], 60, 0.1)
            change = self.changes()[0]
            self.assertEqual(self.host.versions("order"), ["$LATEST", "1"])
            approved = harness.run("approve", str(change["id"]), "--state", self.state)
            self.assertEqual(approved.returncode, 0, approved.stderr)
            self.assertEqual(self.until_closed(agent)["disposition"], "promoted")

    @harness.played_again
    def test_it_goes_on_when_the_agent_was_killed(self):
        rules = self.rules()
        with self.agent(rules) as agent:
            harness.wait_for("a canary", lambda: [self.ask(n) for n in range(3)] and [c for c in self.changes() if c["step"] == "observing"],
                             120, 0)
            agent.kill()
        with self.agent(rules) as agent:
            self.fused(agent)
            self.assertEqual(len(self.changes()), 1)
            self.assertEqual(self.billed_for(3), dict.fromkeys(INSIDE, 0))

    @harness.played_again
    def test_people_apply_it_by_hand(self):
        rules = self.rules()
        with self.agent(self.rules("never", when="fn.invocations < 0")) as agent:
            for n in range(50):
                self.ask(n)
            harness.wait_for("records", lambda: len(harness.history(self.state, "--invocations", "order")) >= 50, 30)
            applied = harness.run("apply", "order", "--rules", rules, "--state", self.state, env=self.env())
            self.assertEqual(applied.returncode, 0, applied.stdout + applied.stderr)
            self.assertIn("+ fuse with", applied.stdout)
            self.assertIn("applied by", self.fused(agent)["because"])

    def test_where_it_cannot_be_done_people_are_told(self):
        # Who calls nobody has nothing to be one with.
        rules = self.folder / "stock.yaml"
        rules.write_text(RULES.format(name="alone", op="fuse", when="fn.invocations >= 35", margin=0.1, harm=0, approval="", window="10m")
                         .replace("functions: order", "functions: stock"))
        with self.agent(rules) as agent:
            for n in range(40):  # of fewer than 30 it would wait for more
                self.ask(n)
            told = harness.wait_for("a notification", lambda: [r for r in harness.history(self.state) if r.get("disposition") == "notified"], 60)
            self.assertIn("calls no other function", told[0]["because"], agent.output())
            self.assertIn("recluster: fuse", told[0]["change"])


if __name__ == "__main__":
    unittest.main()
