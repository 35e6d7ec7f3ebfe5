#!/usr/bin/env python3
"""`autotune cost --state`: real functions on the embedded host, watched by the agent; the bill is that of the records themselves."""
import collections
import contextlib
import json
import pathlib
import re
import shutil
import sqlite3
import sys
import tempfile
import unittest
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness
import owner_scene

REQUESTS = 12
GB_SECOND, REQUEST = Fraction("0.0000166667"), Fraction("0.0000002")  # aws-lambda-x86, its first tier
PERIOD_NS = 730 * 3600 * 10**9


def billed_ms(row):
    ns = row["duration_ns"] + (row["init_ns"] if row["cold"] else 0)
    return -(-ns // 1_000_000)


class Measured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        folder = cls.stack.enter_context(harness.workspace())
        scene = owner_scene.Scene(folder, cls.stack)
        rules = folder / "rules.yaml"
        rules.write_text("version: 1\nrules:\n- name: killed\n  when: fn.oom_count > 0\n  plan: [{notify: {}}]\n")
        cls.state = folder / "agent"
        agent = cls.stack.enter_context(harness.running(harness.Agent(rules, scene.host, cls.state, "--budget", "off", mode="dry-run")))
        agent.wait_ready()
        scene.send(REQUESTS, at_once=1)
        calls, _, _ = scene.truth()
        cls.invoked = collections.Counter(callee for _, callee, _ in calls.values() if callee in owner_scene.CALLS)
        for root in owner_scene.ROOTS:
            cls.invoked[root] += REQUESTS // len(owner_scene.ROOTS)
        harness.wait_for("every invocation is on record", lambda: len(cls.records()) == sum(cls.invoked.values()), seconds=60, step=0.2)
        # Exchanges on connections that are kept are told some at a time.
        made = collections.Counter((a, b) for a, b, _ in calls.values() if a in owner_scene.CALLS and b in owner_scene.CALLS)

        def told():
            status, text = agent.get("/topology/edges.json")
            found = {(e["from"], e["to"]): e["calls"] for e in json.loads(text)["edges"]} if status == 200 else {}
            return all(found.get(edge) == count for edge, count in made.items())
        harness.wait_for("every call is on an edge", told, seconds=60, step=0.5)
        agent.stop()

    @classmethod
    def records(cls):
        store = sqlite3.connect(cls.state / "knowledge.sqlite", timeout=10)
        store.row_factory = sqlite3.Row
        with contextlib.closing(store):
            return [dict(row) for row in store.execute("SELECT function, wall_start_ns, memory_mb, duration_ns, cold, init_ns, stands_for, held FROM invocations")]

    def cost(self, *arguments, status=0):
        done = harness.run("cost", *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def bill(self, *arguments):
        return json.loads(self.cost("--state", self.state, "--no-free-tier", "--json", *arguments).stdout)

    def scale(self, bill):
        seen = bill["measured"]
        return Fraction(PERIOD_NS, seen["to_unix_ns"] - seen["from_unix_ns"])

    def near(self, told, right, what=None):
        """Equal but for digits that decimals of 18 places cut off."""
        self.assertLess(abs(Fraction(told) - right), Fraction(1, 10**9) * max(1, abs(right)), (what, told, float(right)))

    def test_the_bill_is_that_of_the_records(self):
        bill, rows = self.bill(), self.records()
        scale = self.scale(bill)
        self.assertEqual(bill["measured"]["invocations"], len(rows))
        self.assertEqual({r["stands_for"] for r in rows}, {1})
        used = sum(Fraction(billed_ms(r) * r["memory_mb"], 1000 * 1024) for r in rows)
        self.near(bill["total_exact"], scale * (used * GB_SECOND + len(rows) * REQUEST))
        for service in bill["services"]:
            own = [r for r in rows if r["function"] == service["name"]]
            right = scale * sum(Fraction(billed_ms(r) * r["memory_mb"], 1000 * 1024) * GB_SECOND + REQUEST for r in own)
            self.near(service["charges"]["total"], right, service["name"])
        self.assertGreater(sum(r["cold"] for r in rows), 0)

    def test_calls_are_those_that_were_made(self):
        bill = self.bill()
        scale = self.scale(bill)
        told = {e["name"]: e["calls"] for e in bill["endpoints"]}
        for function, count in self.invoked.items():
            self.near(told[function], scale * count, function)
        model = self.state / "model.yaml"
        self.cost("--state", self.state, "--write-model", model)
        text = model.read_text()
        # All but the roots are called by functions only: no load from outside. Each caller calls each once, index calls back twice.
        for function, callees in owner_scene.CALLS.items():
            block = re.search(rf"(?m)^  {function}:\n((?:    .*\n)+)", text)[1]
            self.assertEqual("load:" in block, function in owner_scene.ROOTS, block)
            for callee in callees:
                if callee in owner_scene.CALLS:
                    self.assertRegex(block, rf"calls: .*\b{callee}: 1[,}}]")
        index = re.search(r"(?m)^  index:\n((?:    .*\n)+)", text)[1]
        self.assertRegex(index, r"calls: \{[^,]*: 2\}")
        self.assertEqual(sum("nothing is counted for it" in r for r in bill["measured"]["remarks"]), 2)  # the servers

    def test_what_is_kept_as_a_model_costs_the_same(self):
        model = self.state / "kept.yaml"
        before = self.bill("--write-model", model)
        kept = json.loads(self.cost("--model", model, "--no-free-tier", "--json").stdout)
        self.assertEqual(kept["total_exact"], before["total_exact"])
        gcf = json.loads(self.cost("--model", model, "--no-free-tier", "--provider", "gcf", "--json").stdout)
        self.assertEqual(gcf["after"]["total_exact"], self.bill("--provider", "gcf")["after"]["total_exact"])

    def test_what_if(self):
        bill = self.bill("--memory", "cart=1024")
        scale, rows = self.scale(bill), [r for r in self.records() if r["function"] == "cart"]
        # From 512 MB to twice as much for as long as before, which is said.
        more = scale * sum(Fraction(billed_ms(r) * 512, 1000 * 1024) for r in rows) * GB_SECOND
        self.near(bill["after"]["total_exact"], Fraction(bill["total_exact"]) + more)
        self.assertIn("cart is taken to last as long as before", self.cost("--state", self.state, "--memory", "cart=1024").stderr)

    def test_what_if_it_had_the_memory_that_it_had_before(self):
        with tempfile.TemporaryDirectory() as copy:
            for file in [*self.state.glob("knowledge.sqlite*"), self.state / "topology_edges.json"]:
                shutil.copy(file, copy)
            with contextlib.closing(sqlite3.connect(pathlib.Path(copy) / "knowledge.sqlite")) as store:
                ids = [i for i, in store.execute("SELECT rowid FROM invocations WHERE function = 'cart' ORDER BY wall_start_ns")]
                store.executemany("UPDATE invocations SET memory_mb = 1024, duration_ns = duration_ns / 2 + 300000 WHERE rowid = ?", [(i,) for i in ids[:-1:2]])
                store.commit()
                store.row_factory = sqlite3.Row
                rows = [dict(r) for r in store.execute("SELECT * FROM invocations WHERE function = 'cart'")]
            done = self.cost("--state", copy, "--no-free-tier", "--json", "--memory", "cart=1024")
            bill = json.loads(done.stdout)

        def gb_s(mb):  # of all its calls, each as long as those at that memory were billed
            then = [billed_ms(r) for r in rows if r["memory_mb"] == mb]
            return Fraction(len(rows) * sum(then) * mb, len(then) * 1000 * 1024)
        more = self.scale(bill) * (gb_s(1024) - gb_s(512)) * GB_SECOND
        self.near(bill["after"]["total_exact"], Fraction(bill["total_exact"]) + more)
        self.assertNotIn("taken to last as long", done.stderr)
        self.assertIn(f"cart: at 1024 MB as measured, by {len(ids[:-1:2])} invocation", "\n".join(bill["measured"]["remarks"]))

    def test_it_says_how_sure_it_is(self):
        bill = self.bill("--memory", "cart=1024")
        for one in (bill, bill["after"]):
            self.assertLessEqual(Fraction(one["interval"]["low_exact"]), Fraction(one["total_exact"]))
            self.assertLessEqual(Fraction(one["total_exact"]), Fraction(one["interval"]["high_exact"]))
        self.assertLess(Fraction(bill["interval"]["low_exact"]), Fraction(bill["interval"]["high_exact"]))
        self.assertIsNone(self.bill("--load", "checkout=5")["after"]["interval"])
        text = self.cost("--state", self.state).stdout
        self.assertRegex(text, rf"^measured 20\S+Z to 20\S+Z \(.+\): {sum(self.invoked.values())} invocations, here times [\d,.]+ for a period of 730 h\n")
        self.assertRegex(text, r"\n95 %: all between \$[\d.,]+ and \$[\d.,]+")
        self.assertIn("\nnot known, or taken to be:\n- ", text)

    def test_a_window_counts_all_that_is_in_it(self):
        bill = self.bill("--window", "7d")
        self.assertEqual(bill["measured"]["invocations"], len(self.records()))
        # A window that begins between two records, of which those before it are no more counted.
        end, begun = bill["measured"]["to_unix_ns"], sorted(record["wall_start_ns"] for record in self.records())
        gap, at = max((later - sooner, number) for number, (sooner, later) in enumerate(zip(begun, begun[1:]), 1))
        self.assertGreater(gap, 2_000_000, "no two records are apart")
        window = f"{(end - begun[at] + gap // 2) // 1_000_000}ms"
        self.assertEqual(self.bill("--window", window)["measured"]["invocations"], len(begun) - at)

    def test_what_is_not_there_or_broken_is_told(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertIn("knowledge.sqlite", self.cost("--state", empty, status=1).stderr)
        with tempfile.TemporaryDirectory() as copy:
            copy = pathlib.Path(copy)
            for file in self.state.glob("knowledge.sqlite*"):
                shutil.copy(file, copy)
            alone = json.loads(self.cost("--state", copy, "--json").stdout)  # without edges all comes from outside
            self.assertIn("who calls whom is not on record: all invocations are taken to come from outside", alone["measured"]["remarks"])
            (copy / "topology_edges.json").write_text('{"method": "owner"')
            self.assertIn("topology_edges.json", self.cost("--state", copy, status=1).stderr)
        self.assertIn("one of --model FILE and --state DIR", self.cost("--state", self.state, "--model", "x.yaml", status=2).stderr)
        self.assertIn("go with --state", self.cost("--model", "x.yaml", "--window", "1h", status=2).stderr)


if __name__ == "__main__":
    harness.need_root()
    unittest.main(verbosity=2)
