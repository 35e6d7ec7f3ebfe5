#!/usr/bin/env python3
"""`autotune fuse` as people run it: groups and what they change, constraints, and logs that cannot be used."""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness


def invocation(trace, name, parent, function, start, end, calls=(), memory=1024):
    return {"trace": trace, "id": name, "parent": parent, "function": function, "memory_mb": memory, "start_ms": start,
            "end_ms": end, "billed_ms": end - start, "cold": False, "calls": list(calls)}


def call(callee, name, start, duration, sync=True):
    return {"callee": callee, "callee_id": name, "start_ms": start, "duration_ms": duration, "sync": sync, "local": False}


def lines(invocations):
    return "".join(json.dumps(one) + "\n" for one in invocations)


def chain(traces=20):
    """front waits 60 ms for back, which runs 50, and leaves a mail behind."""
    return lines(one for t in map(str, range(traces)) for one in (
        invocation(t, "a", None, "front", 0, 100, (call("back", "b", 10, 60), call("mail", "c", 80, 2, sync=False))),
        invocation(t, "b", "a", "back", 5000, 5050), invocation(t, "c", "a", "mail", 9000, 9300)))


class Fuse(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def fuse(self, text, *options):
        return subprocess.run([str(harness.AUTOTUNE), "fuse", "--replay", "-", *map(str, options)], capture_output=True,
                              text=True, timeout=300, input=text)

    def verdict(self, text, *options):
        done = self.fuse(text, "--json", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def written(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_a_wait_is_saved_and_what_is_asynchronous_stays(self):
        verdict = self.verdict(chain())
        self.assertEqual([group["functions"] for group in verdict["groups"]], [["front", "back"], ["mail"]])
        self.assertEqual(verdict["fuse"], [{"op": "fuse", "functions": ["front", "back"]}])
        # Of 100 + 50 + 300 ms at 1 GB, the 60 that front waits are 50 that it works, billed once.
        self.assertAlmostEqual(verdict["gb_s_per_request"]["before"], 0.45, places=9)
        self.assertAlmostEqual(verdict["gb_s_per_request"]["after"], 0.39, places=9)
        self.assertAlmostEqual(verdict["root_p50_ms"]["after"], 90, places=9)
        self.assertEqual((verdict["overhead_ms"], verdict["overhead_calls"], verdict["exact"]), (10, 20, True))
        self.assertIsNone(verdict["bound"])

    def test_constraints_bind_and_are_named(self):
        path = self.written("groups.yaml", "version: 1\ndo_not_fuse: [back, bcak]\n")
        done = self.fuse(chain(), "--json", "--constraints", path)
        verdict = json.loads(done.stdout)
        self.assertEqual(verdict["fuse"], [])
        self.assertEqual(verdict["bound"]["constraint"], "do_not_fuse: back")
        self.assertAlmostEqual(verdict["bound"]["gb_s_per_request"], 0.06, places=6)
        self.assertIn('no function "bcak" in the log', done.stderr)
        for name, text, told in (("a.yaml", "version: 1\ndo_not_fuze: [back]\n", ":2:1: "), ("b.json", '{"version": 2}', ":1:13: "),
                                 ("c.yaml", "version: 1\nfunctions: {front: {cpu_share: 2}}\n", ":2:32: ")):
            with self.subTest(name=name):
                done = self.fuse(chain(), "--constraints", self.written(name, text))
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(f"{name}{told}", done.stderr)

    def test_searches_agree_and_the_seed_decides(self):
        exact, heuristic = (self.verdict(chain(), "--method", m) for m in ("exact", "heuristic"))
        self.assertEqual((exact["groups"], exact["exact"]), (heuristic["groups"], True))
        self.assertFalse(heuristic["exact"])
        self.assertEqual(self.verdict(chain(), "--seed", 3), self.verdict(chain(), "--seed", 3))

    def test_text_files_and_gzip(self):
        path, out = self.folder / "calls.jsonl.gz", self.folder / "plan.json"
        path.write_bytes(gzip.compress(chain().encode()))
        text = harness.run("fuse", "--replay", path)
        self.assertEqual(text.returncode, 0, text.stderr)
        self.assertIn("fuse   front, back", text.stdout)
        self.assertIn("exact search", text.stdout)
        self.assertEqual(harness.run("fuse", "--replay", path, "-o", out).returncode, 0)
        self.assertEqual(json.loads(out.read_text()), self.verdict(chain()))

    def test_logs_that_cannot_be_used(self):
        good = lines([invocation("t", "a", None, "front", 0, 100)])
        for text, told in (("", "standard input:1:1: there is no invocation"), (good + "{", "standard input:2:"),
                           (good + good, 'standard input:2:1: there is an invocation "a"'),
                           (good.replace("100", "NaN"), "standard input:1:"), (good.replace("1024", "-1"), "memory_mb"),
                           (good.replace('"end_ms": 100', '"end_ms": -1'), "the end is before the start")):
            with self.subTest(text=text[-40:]):
                done = self.fuse(text)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(told, done.stderr)
        self.assertEqual(harness.run("fuse", "--replay", self.folder / "none").returncode, 1)
        self.assertEqual(harness.run("fuse").returncode, 2)
        self.assertEqual(self.fuse(good, "--method", "guess").returncode, 2)
        many = lines(invocation("t", str(n), None, f"f{n}", 0, 1) for n in range(17))
        self.assertEqual(self.fuse(many, "--method", "exact").returncode, 2)

    def test_nothing_to_fuse_is_an_answer(self):
        done = self.fuse(lines([invocation("t", "a", None, "front", 0, 100)]))
        self.assertEqual(done.returncode, 0)
        self.assertIn("nothing to change", done.stdout)

    def test_a_hundred_thousand_invocations(self):
        self.assertEqual(self.verdict(chain(33_334))["invocations"], 100_002)


if __name__ == "__main__":
    unittest.main()
