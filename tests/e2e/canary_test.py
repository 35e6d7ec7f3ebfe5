#!/usr/bin/env python3
"""`autotune canary` as people run it: verdicts on measured durations, bad tables, a million lines."""
import csv
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

REQUESTS = pathlib.Path(os.environ.get("AUTOTUNE_SHARED", harness.SOURCE / ".." / "shared")) / "data" / "requests"
HEAD = "pair,bucket,baseline_ms,canary_ms,baseline_ok,canary_ok,canary_oom\n"


def canary(*arguments, stdin=None):
    return subprocess.run([str(harness.AUTOTUNE), "canary", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          input=stdin)


def durations(file, service):
    with gzip.open(REQUESTS / f"{file}.calls.csv.gz", "rt") as lines:
        return [(int(row["callee_end_us"]) - int(row["callee_start_us"])) / 1000 for row in csv.DictReader(lines)
                if row["callee"] == service]


class Canary(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def judged(self, text, *options):
        done = canary("--replay", "-", "--json", *options, stdin=text)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return json.loads(done.stdout)

    def test_measured_durations_resampled(self):
        times = durations("media_25", "nginx")
        for slowdown, decision in ((1.0, "promote"), (1.2, "rollback")):
            for as_recorded in (str, round):
                with self.subTest(slowdown=slowdown, as_recorded=as_recorded.__name__):
                    draw = random.Random(4)
                    text = HEAD + "".join(f"{i},,{as_recorded(draw.choice(times))},{as_recorded(slowdown * draw.choice(times))},1,1,0\n"
                                          for i in range(2000))
                    verdict = self.judged(text)
                    self.assertEqual(verdict["decision"], decision, verdict["reason"])
                    if decision == "rollback":
                        self.assertLess(verdict["pairs"], 200)

    def test_says_how_each_evidence_went(self):
        path, picture, out = self.folder / "pairs.csv.gz", self.folder / "paths.svg", self.folder / "verdict.json"
        with gzip.open(path, "wt") as file:
            file.write(HEAD + "".join(f"{i},<b>,{10 + i % 7},{10 + i % 5},True,True,False\n" for i in range(400)))
        done = canary("--replay", path, "--svg", picture, "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        verdict = json.loads(out.read_text())
        self.assertEqual(verdict["decision"], "promote")
        for test in ("latency", "errors", "harm", "harm_latency", "harm_errors", "harm_tail"):
            steps = verdict["evidence"][test]["path"]
            self.assertEqual([pair for pair, _ in steps], list(range(1, verdict["pairs"] + 1)))
            self.assertAlmostEqual(steps[-1][1], verdict["evidence"][test]["log10_e"], places=3)
        self.assertGreaterEqual(verdict["evidence"]["errors"]["log10_e"], verdict["evidence"]["errors"]["needed_log10_e"])
        self.assertEqual(verdict["buckets"], [{"bucket": "<b>", "pairs": 400, "slower": verdict["buckets"][0]["slower"],
                                               "faster": verdict["buckets"][0]["faster"]}])
        lines = xml.etree.ElementTree.parse(picture).findall(".//{*}polyline")
        self.assertEqual(len(lines), 3)
        told = canary("--replay", path)
        self.assertIn("promote after", told.stdout)

    def test_nothing_is_promoted_on_missing_data(self):
        whole = [f"{i},,{10 + i % 7},{10 + i % 5},1,1,0" for i in range(2000)]
        for name, hide in (("time of the canary", lambda c: c[:3] + [""] + c[4:]), ("end of the canary", lambda c: c[:5] + [""] + c[6:]),
                           ("time of the baseline", lambda c: c[:2] + [""] + c[3:]), ("end of the baseline", lambda c: c[:4] + [""] + c[5:])):
            for every in (1, 50):
                with self.subTest(missing=name, every=every):
                    text = HEAD + "\n".join(",".join(hide(line.split(","))) if i % every == 0 else line for i, line in enumerate(whole))
                    verdict = self.judged(text)
                    self.assertEqual(verdict["decision"], "hold")
                    self.assertIn("was not seen", verdict["reason"])
        self.assertEqual(self.judged(HEAD)["decision"], "hold")

    def test_the_first_out_of_memory_kill_rolls_back(self):
        verdict = self.judged(HEAD + "0,,10,10,1,1,0\n1,,10,,1,0,1\n2,,10,10,1,1,0\n")
        self.assertEqual((verdict["decision"], verdict["pairs"]), ("rollback", 2))

    def test_bad_tables_are_told_by_line_and_column(self):
        for text, told in (("", "1:1: the table is empty"), ("a,b\n", '1:1: there is no column "baseline_ms"'),
                           (HEAD + "0,,nan,1,1,1,0\n", '2:4: baseline_ms: "nan" is not a finite number'),
                           (HEAD + "0,,1,-1,1,1,0\n", '2:6: canary_ms: "-1" is negative'),
                           (HEAD + "0,,1,x,1,1,0\n", '2:6: canary_ms: "x" is not a number'),
                           (HEAD + "0,,1,1,1,2,0\n", '2:10: canary_ok: "2" is neither true nor false')):
            with self.subTest(text=text[-20:]):
                path = self.folder / "bad.csv"
                path.write_text(text)
                done = canary("--replay", path)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertEqual(done.stderr.strip().split("\n")[0][:len(f"{path}:{told}")], f"{path}:{told}")
        self.assertEqual(canary("--replay", self.folder / "none.csv").returncode, 1)
        for wrong in (["--alpha", "0"], ["--latency-margin", "-1"], ["--every", "0"], []):
            self.assertEqual(canary(*wrong, *(["--replay", "-"] if wrong else []), stdin=HEAD).returncode, 2)

    def test_one_line_is_too_little(self):
        done = canary("--replay", "-", stdin=HEAD + "0,,10,10,1,1,0\n")
        self.assertEqual(done.returncode, 3)
        self.assertIn("hold after 1 pair", done.stdout)

    def test_a_million_lines(self):
        # As good as the margin allows, so that no decision comes early.
        text = HEAD + "".join(f"{i},{i},{10 + i % 3},{10 + i % 3},{i % 50 != 0:d},{i % 50 != 1:d},0\n" for i in range(1_000_000))
        done = canary("--replay", "-", "--json", stdin=text)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        verdict = json.loads(done.stdout)
        self.assertEqual(verdict["rows"], 1_000_000)
        self.assertLess(len(done.stdout), 1_000_000)

    def test_phases_of_one_side_are_told(self):
        draw = random.Random(1)
        text = HEAD + "".join(f"{i},,{draw.lognormvariate(2, 0.2):.3f},{draw.lognormvariate(2.5 if i // 40 % 2 else 1.5, 0.2):.3f},1,1,0\n"
                              for i in range(2000))
        done = canary("--replay", "-", stdin=text)
        self.assertIn("--every", done.stderr)


if __name__ == "__main__":
    unittest.main()
