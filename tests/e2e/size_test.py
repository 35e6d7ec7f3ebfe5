#!/usr/bin/env python3
"""`autotune size --replay`: its answer, its draws, and what it says of tables that cannot be used."""
import gzip
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

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

    def test_reports_as_json_text_and_a_picture(self):
        text = table(status=lambda m: "oom" if m < 256 else "ok")
        options = ("--objective", "balanced:0.5", "--price", "0.0000166667")
        told = self.answer(self.run_on(text, *options, "--json"))
        self.assertEqual(told, self.answer(self.run_on(text, *options)))
        curve = {size["memory_mb"]: size for size in told["curve"]}
        self.assertEqual(sorted(curve), [128, 256, 512, 1024, 2048])
        self.assertEqual((curve[128]["works"], curve[128]["duration_ms"], curve[128]["failed"]), (0, None, 1))
        self.assertEqual(sum(size["calls"] for size in curve.values()), len(told["samples"]))
        for size in (256, 512, 1024, 2048):
            low, high = curve[size]["interval"]
            self.assertLessEqual(low, curve[size]["duration_ms"])
            self.assertGreaterEqual(high, curve[size]["duration_ms"])
        self.assertAlmostEqual(told["spent_usd"], told["spent_gb_s"] * 0.0000166667)
        people = self.run_on(text, *options, "--format", "text").stdout
        self.assertIn(f"{told['memory_mb']} MB for balanced:0.5: {len(told['samples'])} calls at", people)
        self.assertRegex(people, rf"{told['memory_mb']} MB .*←")
        self.assertIn("regret        at most", people)
        with tempfile.TemporaryDirectory() as folder:
            for name, same in (("size.json", json.dumps(told)), ("size.txt", people), ("size.svg", None)):
                path = pathlib.Path(folder) / name
                self.assertEqual(self.run_on(text, *options, "-o", path).stdout, "")
                if name == "size.json":
                    self.assertEqual(json.loads(path.read_text()), told)
                elif same:
                    self.assertEqual(path.read_text(), same)
            drawn = xml.etree.ElementTree.parse(path)
            good = sum(sample["status"] == "ok" for sample in told["samples"])
            self.assertEqual(len(drawn.findall(".//{*}circle")), 2 * good)
            self.assertEqual(len(drawn.findall(".//{*}polygon")), 2)

    def test_an_objective_of_service(self):
        # 100 + 50,000 / m ms and up to 5 % more: 300 ms are kept from 512 MB on.
        told = self.answer(self.run_on(table(), "--objective", "p95<=300ms"))
        self.assertEqual(told["memory_mb"], 512)
        self.assertLess(told["predicted"]["p95_ms"], 300)
        self.assertEqual(told["memory_mb"], self.answer(self.run_on(table(), "--objective", "p95<=0.3s"))["memory_mb"])
        done = self.run_on(table(), "--objective", "p99<=10ms", "--format", "text")
        self.assertEqual(done.returncode, 3)
        self.assertIn("no size is likely to keep p99<=10ms: 2048 MB comes nearest", done.stderr)

    def test_a_budget_ends_the_search(self):
        price = ("--price", "0.0000166667")
        whole = self.answer(self.run_on(table(), "--objective", "balanced:0.5", *price))
        half = str(whole["spent_usd"] / 2)
        part = self.answer(self.run_on(table(), "--objective", "balanced:0.5", *price, "--budget", half))
        self.assertLess(part["spent_usd"], whole["spent_usd"])
        self.assertEqual(part["samples"], whole["samples"][:len(part["samples"])])
        done = self.run_on(table(), *price, "--budget", "0.0000001")
        self.assertEqual((done.returncode, json.loads(done.stdout)["memory_mb"]), (3, None))
        self.assertIn("the budget was spent before 3 calls", done.stderr)
        self.assertEqual(self.run_on(table(), "--budget", "1").returncode, 2)  # in what money?

    def test_a_tariff_tells_prices_and_cpu(self):
        # 250 ms whatever the size. Lambda: 0.125 GB · 0.25 s · 0.0000166667 USD; gcf: 300 ms of 0.125 GB and 0.2 GHz.
        flat = table(sizes=(128, 256, 512), ms=lambda m: 250)
        told = self.answer(self.run_on(flat, "--tariff", "aws-lambda-x86"))
        self.assertEqual((told["memory_mb"], told["tariff"]), (128, "aws-lambda-x86"))
        mean = told["predicted"]["duration_ms"]
        self.assertAlmostEqual(told["predicted"]["usd"] / (0.125 * 0.0000166667), mean / 1000, delta=0.001)
        billed = sum(s["memory_mb"] / 1024 * -(-s["duration_ms"] // 1) / 1000 for s in told["samples"])
        self.assertAlmostEqual(told["spent_gb_s"], billed)
        self.assertAlmostEqual(told["spent_usd"], billed * 0.0000166667)
        told = self.answer(self.run_on(flat, "--tariff", "gcf"))
        self.assertAlmostEqual(told["predicted"]["usd"], 0.3 * (0.125 * 0.0000025 + 0.2 * 0.0000100), places=9)
        told = self.answer(self.run_on(flat, "--tariff", "gcf", "--price", "0.001"))
        self.assertAlmostEqual(told["predicted"]["usd"], 0.3 * (0.125 * 0.001 + 0.2 * 0.0000100), places=7)
        text = self.run_on(flat, "--tariff", "gcf", "--format", "text", "--budget", "1").stdout
        self.assertIn("USD", text)
        self.assertIn("USD for a million calls", self.run_on(flat, "--tariff", "gcf", "--format", "svg").stdout)

    def test_tariffs_that_cannot_be_used(self):
        for options, says in ((("--tariff", "gfc"), "did you mean 'gcf'?"), (("--tariff", "openwhisk"), "4096 MB of memory; openwhisk goes up to 2048 MB"),
                              (("--tariff-file", "x.yaml"), "--tariff"), (("--tariff", "gcf", "--tariff-file", "/nowhere"), "/nowhere")):
            done = self.run_on(table(sizes=(128, 4096)), *options)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn(says, done.stderr)

    MIX = "memory_mb,duration_ms,status,bucket\n" + "".join(
        f"{m},{(100 + 10_000 / m) * (1 + run / 200):.3f},ok,small\n" * 9 + (
            f"{m},{(1000 + 400_000 / m) * (1 + run / 200):.3f},ok,\"large, slow\"\n" if m >= 512 else f"{m},30,oom,\"large, slow\"\n")
        for m in (128, 256, 512, 1024, 2048, 3072) for run in range(6))

    def test_input_buckets_have_sizes_of_their_own_and_one_together(self):
        told = self.answer(self.run_on(self.MIX, "--by", "bucket"))
        self.assertEqual(told["memory_mb"], 512)  # the least at which the large ones work
        large, small = told["buckets"]
        self.assertEqual((large["bucket"], large["memory_mb"], small["bucket"], small["memory_mb"]), ("large, slow", 512, "small", 128))
        self.assertAlmostEqual(small["weight"], 0.9)
        self.assertEqual({s["bucket"] for s in told["samples"]}, {"small", "large, slow"})
        self.assertIsNone(next(c for c in large["curve"] if c["memory_mb"] == 128)["duration_ms"])
        mean = 0.9 * small["at_chosen"]["predicted"]["duration_ms"] + 0.1 * large["at_chosen"]["predicted"]["duration_ms"]
        self.assertAlmostEqual(told["predicted"]["duration_ms"], mean, delta=0.05 * mean)
        self.assertAlmostEqual(told["predicted"]["gb_s"], 0.5 * mean / 1000, delta=0.05 * mean / 2000)
        spent = sum(s["memory_mb"] * s["duration_ms"] for s in told["samples"]) / 1024 / 1000
        self.assertAlmostEqual(told["spent_gb_s"], spent, places=9)
        people = self.run_on(self.MIX, "--by", "bucket", "--format", "text").stdout
        self.assertRegex(people, r"large, slow +10\.0 % +512 MB")
        xml.etree.ElementTree.fromstring(self.run_on(self.MIX, "--by", "bucket", "--format", "svg").stdout)
        plain = self.answer(self.run_on(self.MIX))  # the column is passed over unless it is asked for
        self.assertNotIn("buckets", plain)
        self.assertNotIn("bucket", plain["samples"][0])

    def test_a_limit_is_kept_on_the_whole_or_in_each_bucket(self):
        limit = ("--by", "bucket", "--objective", "p50<=1300ms")
        self.assertEqual(self.answer(self.run_on(self.MIX, *limit))["memory_mb"], 512)
        told = self.answer(self.run_on(self.MIX, *limit, "--each-bucket"))
        self.assertEqual(told["memory_mb"], 2048)  # 1,391 ms and more at 1,024 MB
        self.assertGreater(min(b["at_chosen"]["limit_kept"] for b in told["buckets"]), 0.5)
        self.assertEqual(self.run_on(self.MIX, "--by", "bucket", "--each-bucket").returncode, 2)  # cost has no limit

    def test_sizes_of_input_are_buckets_of_powers_of_two(self):
        head, *rows = self.MIX.splitlines()
        text = head.replace("bucket", "input_bytes") + "\n" + "".join(
            ",".join(row.split(",")[:3]) + (",20" if row.endswith("small") else ",5000") + "\n" for row in rows)
        told = self.answer(self.run_on(text, "--by", "input_bytes"))
        self.assertEqual([b["bucket"] for b in told["buckets"]], ["15..30 bytes", "4095..8190 bytes"])
        self.assertEqual([b["memory_mb"] for b in told["buckets"]], [128, 512])

    def test_tables_whose_buckets_cannot_be_used(self):
        head = "memory_mb,duration_ms,input_bytes,bucket\n"
        for text, by, status, says in (
                (head + "128,1,,x\n", "input_bytes", 2, "calls.csv:2:1: input_bytes: is missing"),
                (head + "128,1,-4,x\n", "input_bytes", 2, "calls.csv:2:7: input_bytes"),
                (head + "128,1,1e300,x\n", "input_bytes", 2, "calls.csv:2:7: input_bytes"),
                (head + "128,1,4,\n", "bucket", 2, "calls.csv:2:1: bucket: is missing"),
                (head + "128,1,4,x\n", "colour", 2, 'calls.csv:1:1: there is no column "colour"'),
                (head, "bucket", 2, "calls.csv:1:1: there is no call"),
                (head + "128,1,4,x\n256,1,4,y\n", "bucket", 2, "no memory size at which every bucket"),
                (head + "".join(f"128,1,4,x{n}\n" for n in range(17)), "bucket", 2, "calls.csv:18:1: more than 16 input buckets"),
                (head + "".join(f"{m},1,4,x\n" for m in range(1, 258)), "bucket", 2, "calls.csv:258:1: more than 256 memory sizes"),
                (head + "128,1,4,x\n128,1,4,y\n", "bucket", 3, "one size only"),
                ("memory_mb,duration_ms,status,bucket\n" + "128,1,ok,x\n128,1,oom,y\n256,1,ok,x\n256,1,error,y\n" * 3, "bucket", 3,
                 'no call of "y"')):
            with self.subTest(says=says):
                done = self.run_on(text, "--by", by)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(says, done.stderr)

    def test_an_objective_that_is_none(self):
        for objective in ("fast", "balanced:2", "balanced:nan", "fastest-within:-1", "p95<=", "p95<=3", "p42<=3ms", "p95<=-1ms", "p95<=ms"):
            self.assertEqual(self.run_on(table(), "--objective", objective).returncode, 2)

    def test_the_benchmark_says_the_same_however_many_curves_it_works_at_a_time(self):
        bench = pathlib.Path(__file__).resolve().parents[2] / "bench" / "planning" / "sizing.py"
        with tempfile.TemporaryDirectory() as folder:
            lines = "".join(line.replace("x,", f"{name},", 1) + "\n" for number, name in enumerate("abcd")
                            for line in table(ms=lambda m, n=number: 100 * n + 30_000 / m).splitlines()[1:])
            (pathlib.Path(folder) / "lambda-s3put.csv.gz").write_bytes(gzip.compress((HEAD + lines).encode()))
            runs = [subprocess.run(["/usr/bin/python3", "-B", bench, "--data", folder, "--only", "lambda", "--half", "all", "--seeds", "1", "--autotune", BINARY,
                                    "--jobs", jobs], capture_output=True, text=True, timeout=120) for jobs in ("1", "3")]
        for done in runs:
            self.assertIn(done.returncode, (0, 3), done.stderr)
            self.assertEqual(done.stderr.splitlines(), [f"lambda: {n} of 4 curves, {name}" for n, name in enumerate("abcd", 1)])
            self.assertEqual(done.stdout, runs[0].stdout)
        self.assertIn("| balanced:0.5 | Parrotfish |", runs[0].stdout)


if __name__ == "__main__":
    unittest.main()
