#!/usr/bin/env python3
"""`autotune size --replay`: its answer, its draws, and what it says of tables that cannot be used."""
import gzip
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BINARY = pathlib.Path(os.environ["AUTOTUNE_BINARY_DIR"]) / "autotune"
HEAD = "curve,memory_mb,duration_ms,max_memory_mb,status\n"


def table(sizes=(128, 256, 512, 1024, 2048), ms=lambda m: 100 + 50_000 / m, status=lambda m: "ok"):
    return HEAD + "".join(f"x,{m},{ms(m) * (1 + run / 100):.3f},60,{status(m)}\n" for m in sizes for run in range(6))


class Size(unittest.TestCase):
    def run_on(self, text, *more, ending=".csv"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / ("calls" + ending)
            path.write_bytes(gzip.compress(text.encode()) if ending.endswith(".gz") else text.encode())
            return subprocess.run([BINARY, "size", "--replay", path, *more], capture_output=True, text=True, timeout=60)

    def answer(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_every_draw_is_a_row_and_is_told_and_paid(self):
        text = table()
        rows = {tuple(line.split(",")[1:3]) for line in text.splitlines()[1:]}
        told = self.answer(self.run_on(text, "--objective", "balanced:0.5", "--seed", "3"))
        for sample in told["samples"]:
            self.assertIn((str(sample["memory_mb"]), f"{sample['duration_ms']:.3f}"), rows)
        self.assertIn(told["memory_mb"], {s["memory_mb"] for s in told["samples"]})
        spent = sum(s["memory_mb"] * s["duration_ms"] for s in told["samples"]) / 1024 / 1000
        self.assertAlmostEqual(told["spent_gb_s"], spent, places=9)
        self.assertLessEqual(told["interval"][0], told["interval"][1])

    def test_the_seed_decides_and_gzip_is_the_same(self):
        first = self.run_on(table(), "--seed", "5").stdout
        self.assertEqual(first, self.run_on(table(), "--seed", "5", ending=".csv.gz").stdout)
        self.assertNotEqual(first, self.run_on(table(), "--seed", "6").stdout)

    def test_failed_draws_are_told(self):
        told = self.answer(self.run_on(table(status=lambda m: "oom" if m < 512 else "ok")))
        self.assertEqual(told["memory_mb"], 512)
        self.assertIn("oom", {s["status"] for s in told["samples"]})

    def test_tables_that_cannot_be_used(self):
        sizes = HEAD + "".join(f"x,{m},1,,ok\n" for m in range(1, 10_242))
        for text, status, says in (("", 2, "calls.csv:1:1: the table is empty"), (HEAD, 2, "calls.csv:1:1: there is no call"),
                                   ("a,b\n1,2\n", 2, 'calls.csv:1:1: there is no column "memory_mb"'),
                                   (HEAD + "x,128,nan,,ok\n", 2, "calls.csv:2:7: duration_ms"),
                                   (HEAD + "x,128,-1,,ok\n", 2, "calls.csv:2:7: duration_ms"),
                                   (HEAD + "x,128,1e300,,ok\n", 2, "calls.csv:2:7: duration_ms"),
                                   (HEAD + "x,-128,1,,ok\n", 2, "calls.csv:2:3: memory_mb"),
                                   (HEAD + "x,128,1,,fine\n", 2, "calls.csv:2:10: status"),
                                   (sizes, 2, "calls.csv:10242:1: more than 10240 memory sizes"),
                                   (table(sizes=(128,)), 3, "one size only"), (table(status=lambda m: "error"), 3, "no size")):
            with self.subTest(says=says):
                done = self.run_on(text)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(says, done.stderr)

    def test_a_million_rows(self):
        rows = "".join(f"x,{128 << run % 5},{100 + 50_000 / (128 << run % 5) + run % 7},60,ok\n" for run in range(1_000_000))
        told = self.answer(self.run_on(HEAD + rows))
        self.assertLess(len(told["samples"]), 60)  # looked at through draws only

    def test_as_json_into_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "size.json"
            self.assertEqual(self.run_on(table(), "-o", out).stdout, "")
            self.assertEqual(json.loads(out.read_text()), self.answer(self.run_on(table(), "--json")))

    def test_an_objective_that_is_none(self):
        for objective in ("fast", "balanced:2", "balanced:nan", "fastest-within:-1"):
            self.assertEqual(self.run_on(table(), "--objective", objective).returncode, 2)


if __name__ == "__main__":
    unittest.main()
