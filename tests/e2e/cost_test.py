#!/usr/bin/env python3
"""`autotune cost` as people run it: a model of a shop, what if, mistakes."""
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

SHOP = """version: 1
tariff: aws-lambda-x86
services:
  checkout: {memory_mb: 1536, duration_ms: 120, load: 3000000, calls: {stock: {p: 0.5}}}
  stock: {memory_mb: 256, duration_ms: {256: 30, 512: 14}}
"""


def cost(*arguments, stdin=None):
    return subprocess.run([str(harness.AUTOTUNE), "cost", *map(str, arguments)], capture_output=True, text=True, timeout=60, input=stdin)


class Cost(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def file(self, text, name="shop.yaml"):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_a_bill_with_its_parts_and_its_sources(self):
        # 540,000 + 11,250 - 400,000 = 151,250 GB-s · 0.0000166667 = 2.520838375; 3,500,000 calls 0.70.
        done = cost("--model", self.file(SHOP), "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        bill = json.loads(done.stdout)
        self.assertEqual((bill["total_usd"], bill["total_exact"]), (3.22, "3.220838375"))
        self.assertEqual([e["calls"] for e in bill["endpoints"]], ["3000000", "1500000"])
        self.assertEqual([t["name"] for t in bill["tariffs"]], ["aws-lambda-x86"])
        self.assertTrue(all(s["url"].startswith("https://") for s in bill["tariffs"][0]["sources"]))
        text = cost("--model", self.file(SHOP)).stdout
        self.assertRegex(text, r"\nall +\$0\.70 +\$2\.52 +\$0\.00 +\$0\.00 +\$0\.00 +\$3\.22\n")
        self.assertIn("prices of 2025-08-01", text)

    def test_what_if_stands_beside_what_is(self):
        # stock at 512 MB: 1,500,000 · 14 ms · 0.5 GB = 10,500 GB-s instead of 11,250: 0.012500025 less.
        done = cost("--model", self.file(SHOP), "--memory", "stock=512", "--json")
        self.assertEqual(done.stderr, "")
        bill = json.loads(done.stdout)
        self.assertEqual(bill["after"]["total_exact"], "3.20833835")
        self.assertEqual(bill["difference_usd"], -0.01)
        text = cost("--model", self.file(SHOP), "--provider", "gcf").stdout
        # checkout is 2048 MB and 200 ms there, stock 100 ms: 837,500 GB-s · 0.0000025 + 1,300,000 GHz-s · 0.00001 + 2.5 · 0.40.
        self.assertIn("what if provider gcf\n", text)
        self.assertRegex(text, r"\nall +\$3\.22 +\$16\.09 +\+\$12\.87\n")
        more = json.loads(cost("--model", self.file(SHOP), "--load", "checkout=6000000", "--no-free-tier", "--json").stdout)
        self.assertEqual(more["total_exact"], "10.087518375")
        self.assertEqual(more["after"]["total_exact"], "20.17503675")

    def test_a_memory_with_no_duration_of_its_own_is_said(self):
        done = cost("--model", self.file(SHOP), "--memory", "checkout=1024")
        self.assertIn("checkout is taken to last as long as before", done.stderr)
        self.assertEqual(cost("--model", self.file(SHOP), "--memory", "checkout=1024", "--duration", "checkout=170").stderr, "")

    def test_json_packed_and_piped(self):
        model = json.dumps({"version": 1, "tariff": "azure", "services": {"f": {"duration_ms": 1000, "memory_mb": 1536, "load": 3000000}}})
        packed = self.folder / "m.json.gz"
        packed.write_bytes(gzip.compress(model.encode()))
        for done in (cost("--model", packed, "--json"), cost("--model", "-", "--json", stdin=model)):
            self.assertEqual(json.loads(done.stdout)["total_exact"], "66")
        self.assertEqual(cost("--model", packed, "-o", self.folder / "o.json").returncode, 0)
        self.assertEqual(json.loads((self.folder / "o.json").read_text())["total_usd"], 66.0)

    def test_the_page_shows_models_and_tariffs_that_are_read(self):
        model, tariff = re.findall(r"```yaml\n(.*?)```", (harness.SOURCE / "docs" / "cost.md").read_text(), re.S)
        done = cost("--model", self.file(model), "--tariff-file", self.file(tariff, "own.yaml"), "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        calls = {e["name"]: e["calls"] for e in json.loads(done.stdout)["endpoints"]}
        self.assertEqual(calls, {"checkout": "3000000", "stock": "3000000", "prices": "9000000", "legacy/cart": "3000000", "legacy/old": "500000"})

    def test_a_tariff_of_ones_own(self):
        own = self.file("version: 1\nname: house\ntitle: our own\nas_of: \"2026-01-01\"\nsources: [{url: \"https://intra/\", read: \"2026-01-01\"}]\n"
                        "gb_seconds: {usd: 0.001}\n", "own.yaml")
        model = self.file("version: 1\ntariff: house\nservices: {f: {memory_mb: 1024, duration_ms: 1000, load: 7}}\n")
        self.assertEqual(json.loads(cost("--model", model, "--tariff-file", own, "--json").stdout)["total_exact"], "0.007")
        self.assertIn("aws-lambda-arm   2025-08-01", cost("--list-tariffs").stdout)

    def test_mistakes_are_told_with_their_place(self):
        good, bad = self.file(SHOP), self.file("version: 1\nservices:\n  f: {duration_ms: 010}\n", "bad.yaml")
        broken = self.file("{\"version\": 1,\n \"services\": {}x}", "bad.json")
        circle = self.file("version: 1\ntariff: azure\nservices: {a: {duration_ms: 1, calls: {b: 1}}, b: {duration_ms: 1, calls: {a: 1}}}\n", "c.yaml")
        for arguments, status, words in [([], 2, "--model"), (["--model", bad], 2, f"{bad}:3:20: '010' is read as different numbers"),
                                         (["--model", broken], 2, f"{broken}:2:16: "), (["--model", self.folder / "none"], 1, "No such file"),
                                         (["--model", circle], 2, "calls go in a circle: a → b → a"),
                                         (["--model", good, "--memory", "stok=512"], 2, "did you mean 'stock'"),
                                         (["--model", good, "--memory", "stock"], 2, "NAME=VALUE"),
                                         (["--model", good, "--provider", "ibm"], 2, "no tariff \"ibm\"")]:
            with self.subTest(arguments=arguments):
                done = cost(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
