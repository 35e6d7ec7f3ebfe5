#!/usr/bin/env python3
"""`--notify`: what a rule tells reaches a real Alertmanager by its API, and a service whose address is a secret in a file."""
import contextlib
import json
import pathlib
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness
import monitoring

RULES = """version: 1
rules:
- name: called
  when: fn.invocations > 0
  plan: [{notify: {severity: critical, suggest: cache}}]
  annotations: {summary: "{{fn.name}} was called"}
"""


class Notify(unittest.TestCase):
    def test_alertmanager_and_slack_are_told(self):
        harness.need_root()
        monitoring.need_prometheus()
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(harness.workspace())
            harness.write_function(folder / "functions", "shop", "def handler(event, context):\n    return 1\n")
            (folder / "rules.yaml").write_text(RULES)
            receiver = monitoring.Receiver()
            self.addCleanup(receiver.shutdown)
            secret = folder / "slack"
            secret.write_text(receiver.url("/services/T0/secret") + "\n")
            alertmanager = stack.enter_context(harness.running(monitoring.Alertmanager(folder / "alertmanager", receiver.url("/people"))))
            host = stack.enter_context(harness.running(harness.Host(folder / "functions", folder / "host")))
            agent = stack.enter_context(harness.running(harness.Agent(
                folder / "rules.yaml", host, folder / "agent", "--notify", f"alertmanager=http://127.0.0.1:{alertmanager.port}",
                "--notify", f"slack={secret}")))
            agent.wait_ready()
            host.invoke("shop", {})

            def alerts():
                with urllib.request.urlopen(f"http://127.0.0.1:{alertmanager.port}/api/v2/alerts") as answer:
                    return json.load(answer)

            alert, = harness.wait_for("an alert", alerts)
            self.assertEqual((alert["labels"]["alertname"], alert["labels"]["function"], alert["labels"]["severity"]),
                             ("called", "shop", "critical"))
            self.assertIn("shop was called", alert["annotations"]["summary"])
            self.assertEqual(alert["status"]["state"], "active")
            told = harness.wait_for("slack", lambda: [body for path, _, body in receiver.messages if path == "/services/T0/secret"])
            self.assertIn("shop was called", told[0]["text"])
            self.assertEqual(agent.metrics()["autotune_notifications_dropped_total"], 0)
            self.assertNotIn("T0/secret", agent.output())

    def test_mistakes_are_told(self):
        with harness.workspace() as folder:
            (folder / "rules.yaml").write_text(RULES)
            for wrong in ("mail=a@example.org", "slack=/nowhere", "github=acme,/nowhere"):
                done = harness.run("--rules", folder / "rules.yaml", "--state", folder / "state", "--notify", wrong,
                                   "--web.listen-address", "127.0.0.1:0",
                                   env={"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "t",
                                        "AWS_SECRET_ACCESS_KEY": "t", "AWS_REGION": "us-east-1"})
                self.assertIn(done.returncode, (1, 2), wrong)
                self.assertIn("--notify", done.stderr)


if __name__ == "__main__":
    unittest.main()
