#!/usr/bin/env python3
"""`autotune fuse --state`: three applications run on the embedded host, groups come from what the agent recorded of them, are
deployed, and answer as before with fewer invocations billed. bench/planning/regroup.py says how good the prediction is."""
import json
import pathlib
import sys
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[2] / "bench" / "planning")]
import applications
import harness
import regroup

REQUESTS = 12
GROUPS = {  # all that wait for each other; what is left behind by itself
    "chain": [["order", "price", "rates", "tax", "validate"]],
    "tail": [["check", "scan", "store", "upload"], ["resize", "thumbnails"]],
}


class Regroup(harness.Story):
    def recorded(self, name):
        app = regroup.Application(name, self.folder, self.stack)
        answers, bills = app.load(REQUESTS)
        app.wait_recorded(len(bills))
        return app, answers, bills

    def regrouped(self, name):
        app, answers, bills = self.recorded(name)
        verdict, _ = app.fuse()
        self.assert_as_recorded(app, verdict, bills)
        return app, answers, verdict

    def assert_as_recorded(self, app, verdict, bills):
        """The records are whole: each billed invocation, in one tree a request."""
        self.assertEqual((verdict["traces"], verdict["invocations"]), (REQUESTS, len(bills)))
        self.assertEqual((verdict["orphans"], verdict["calls_assumed"], verdict["calls_elsewhere"]), (0, 0, 0))
        records = verdict["records"]
        self.assertEqual([records[k] for k in ("not_told", "without_calls", "calls_failed", "calls_not_kept", "at_the_edge")], [0] * 5)
        self.assertLessEqual(verdict["gb_s_per_request"]["after"], verdict["gb_s_per_request"]["before"])

    def assert_deployed(self, app, answers, verdict):
        groups = [g["functions"] for g in verdict["groups"] if len(g["functions"]) > 1]
        self.assertTrue(groups)
        app.deploy_groups(verdict)
        fused_answers, bills = app.load(REQUESTS, groups)
        self.assertEqual(fused_answers, answers)
        billed = {}
        for function, _, _ in bills:
            billed[function] = billed.get(function, 0) + 1
        # What is called inside is billed with its caller, whatever the machine's speed.
        self.assertEqual(billed, {name: n * REQUESTS for name, n in applications.billed_of(app.name, groups).items()})

    def test_a_chain(self):
        app, answers, verdict = self.regrouped("chain")
        self.assertEqual([sorted(g["functions"]) for g in verdict["groups"]], GROUPS["chain"])
        self.assert_deployed(app, answers, verdict)

    def test_work_that_is_left_behind_stays_apart(self):
        app, answers, verdict = self.regrouped("tail")
        together = [sorted(g["functions"]) for g in verdict["groups"]]
        for a, b in (("upload", "thumbnails"), ("upload", "index")):  # nobody waits for them
            self.assertFalse([g for g in together if a in g and b in g])
        for group in GROUPS["tail"]:
            self.assertTrue([g for g in together if set(group) <= set(g)], together)
        self.assert_deployed(app, answers, verdict)

    def test_calls_in_parallel(self):
        app, answers, verdict = self.regrouped("fan-out")
        self.assertGreater(verdict["overhead_calls"], 0)
        self.assert_deployed(app, answers, verdict)

    def test_records_are_kept_as_replay_input(self):
        app, _, bills = self.recorded("chain")
        kept = self.folder / "kept.jsonl"
        verdict, _ = app.fuse("--write", kept)
        self.assertEqual(len(kept.read_text().splitlines()), len(bills))
        again = harness.run("fuse", "--replay", kept, "--functions", app.sources, "--package", self.folder / "again", "--json")
        self.assertEqual(again.returncode, 0, again.stderr)
        del verdict["records"]
        self.assertEqual(json.loads(again.stdout), verdict)
        calls = {c["callee"] for line in kept.read_text().splitlines() for c in json.loads(line)["calls"] if c["callee_id"]}
        self.assertEqual(calls, {"validate", "price", "tax", "rates"})

    def test_what_cannot_be_read_is_told(self):
        empty = harness.run("fuse", "--state", self.folder / "none")
        self.assertEqual((empty.returncode, empty.stdout), (1, ""))
        self.assertIn("none", empty.stderr)
        for arguments in ((), ("--state", self.folder, "--replay", "x"), ("--replay", "x", "--write", "y")):
            done = harness.run("fuse", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)


if __name__ == "__main__":
    unittest.main()
