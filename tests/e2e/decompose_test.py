#!/usr/bin/env python3
"""`autotune decompose`: at each depth the functions, on the embedded host, answer as the program in one process did."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

SHOP = '''
"""A shop."""
import math
import os
import prices
from stock import left, OutOfStock

RATES = {"de": 0.19, "at": 0.2}
SEEN = []


def main(event):
    lines = []
    for item in event["items"]:
        lines.append(line(item, country=event.get("country", "de")))
    total = 0
    for one in lines:
        total += one["price"]
    try:
        left("gold", event["gold"])
        missing = None
    except OutOfStock as error:
        missing = list(error.args)
    SEEN.append(total)
    low, high, mean = stats([one["price"] for one in lines])
    return {"lines": lines, "total": total, "missing": missing, "low": low, "high": high, "mean": mean, "seen": count(),
            "processes": [os.getpid(), prices.process(), process()]}


def line(item, country):
    net = prices.of(item["sku"]) * item["n"]
    return {"sku": item["sku"], "price": round(net * (1 + RATES[country]), 2)}


def stats(values):
    return min(values), max(values), math.fsum(values) / len(values)


def process():
    return os.getpid()


def count():
    return len(SEEN)
'''
PRICES = '''
import os
TABLE = {"a": 10, "b": 2.5}


def of(sku):
    return base(sku) + sum(fees())


def base(sku):
    return TABLE[sku]


def fees():
    yield 0.01
    yield 0.02


def process():
    return os.getpid()
'''
STOCK = '''
class OutOfStock(Exception):
    pass


def left(sku, n):
    if n > 3:
        raise OutOfStock(sku, (n, 3))
    return 3 - n
'''
EVENTS = [{"items": [{"sku": "a", "n": 2}, {"sku": "b", "n": 1}], "gold": 1},
          {"items": [{"sku": "b", "n": 7}], "gold": 5, "country": "at"}]
WITH_BOTOCORE = 'import sys\nsys.path.append("/usr/lib/python3/dist-packages/awscli")\n'  # as Debian's awscli brings it


class Decompose(harness.Story):
    def write(self, shop=SHOP):
        source = self.folder / "source"
        source.mkdir(exist_ok=True)
        for name, text in (("shop", shop), ("prices", PRICES), ("stock", STOCK)):
            (source / f"{name}.py").write_text(text)
        return source / "shop.py"

    def whole(self, event):
        text = "import json, sys; sys.dont_write_bytecode = True; import shop; print(json.dumps(shop.main(json.load(sys.stdin))))"
        done = subprocess.run(["/usr/bin/python3", "-c", text], cwd=self.folder / "source", input=json.dumps(event), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {**json.loads(done.stdout), "processes": None}

    def on_the_host(self, depth, shop=SHOP):
        """Answers of the pieces, their processes, and the functions' names."""
        functions = self.folder / f"functions-{depth}"
        done = harness.run("decompose", self.write(shop), "--depth", depth, "--package", functions, "--json")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        answers, processes = [], []
        with harness.running(harness.Host(functions, self.folder / f"host-{depth}")) as host:
            for event in EVENTS:
                answer = host.invoke("shop", event)
                self.assertTrue(answer.ok, answer.body)
                processes.append(answer.json()["processes"])
                answers.append({**answer.json(), "processes": None})
            failed = host.invoke("shop", {"items": [{"sku": "zinc", "n": 1}], "gold": 1})
            self.assertEqual(failed.function_error, "Unhandled")
            self.assertEqual((failed.json()["errorType"], failed.json()["errorMessage"]), ("KeyError", "'zinc'"))
        return answers, processes, {f["function"] for f in json.loads(done.stdout)["functions"]}, done

    def check(self, depth, shop=SHOP):
        answers, processes, names, done = self.on_the_host(depth, shop)
        for event, answer, n in zip(EVENTS, answers, (1, 2)):
            self.assertEqual(answer, {**self.whole(event), "seen": n})  # the entry's sandbox lives on
        return processes, names, done

    def test_shallow_is_a_function_a_file(self):
        processes, names, done = self.check("shallow")
        self.assertEqual(names, {"shop", "shop-prices", "shop-stock"})
        for main, prices, own in processes:
            self.assertEqual((main == own, main == prices), (True, False))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_medium_is_each_function(self):
        processes, names, done = self.check("medium")
        self.assertEqual(names, {"shop", "shop-line", "shop-stats", "shop-process", "shop-prices-of", "shop-prices-base", "shop-prices-process",
                                 "shop-stock-left"})
        for three in processes:
            self.assertEqual(len(set(three)), 3)
        self.assertEqual(done.returncode, 3)
        self.assertIn("shop.py:44:16: count uses SEEN, a variable of the module that is changed", done.stderr)
        self.assertIn("prices.py:16:5: fees is a generator; it stays with its callers", done.stderr)

    def test_deep_takes_loops_too(self):
        _, names, _ = self.check("deep")
        self.assertLess({"shop", "shop-main_loop1", "shop-main_loop2", "shop-line"}, names)

    def test_with_botocore_the_answers_are_the_same(self):
        if not pathlib.Path("/usr/lib/python3/dist-packages/awscli/botocore").is_dir():
            harness.skip("there is no botocore of Debian's awscli")
        uses = WITH_BOTOCORE + SHOP.replace('"processes": [', '"botocore": "botocore.client" in sys.modules, "processes": [')
        functions = self.folder / "functions"
        done = harness.run("decompose", self.write(uses), "--package", functions)
        self.assertEqual(done.returncode, 3, done.stderr)
        with harness.running(harness.Host(functions, self.folder / "host")) as host:
            answer = host.invoke("shop", EVENTS[1])
            self.assertTrue(answer.ok, answer.body)
            told = answer.json()
        self.assertTrue(told.pop("botocore"))
        expected = self.whole(EVENTS[1])
        expected.pop("botocore")
        self.assertEqual({**told, "processes": None}, expected)

    def test_what_cannot_be_is_told(self):
        program = self.write()
        (self.folder / "broken.py").write_text("def main(:\n")
        out = self.folder / "out"
        for arguments, says in (((program,), "--package DIR is needed"), ((self.folder / "shop.rb", "--package", out), "ends in .py or .java"),
                                ((self.folder / "no.py", "--package", out), "no.py"), ((program, "--depth", "flat", "--package", out), "--depth"),
                                ((program, "--entry", "mane", "--package", out), 'shop.py:1:1: there is no function "mane"'),
                                ((self.folder / "broken.py", "--package", out), "broken.py:1:10: this is no Python"),
                                ((program, "--package", out, "--memory", "1"), "--memory"),
                                ((program, "--package", out, "-o", "x"), "-o is for Java"), ((self.folder / "no.java",), "no.java")):
            with self.subTest(says=says):
                done = harness.run("decompose", *arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr)
                self.assertNotIn("Traceback", done.stderr)
                self.assertFalse(out.exists())
        done = harness.run("decompose", program, "--package", out, "--python", "no-such-python")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no-such-python", done.stderr)


class Java(harness.Story):
    def propose(self, text, *more):
        (self.folder / "src").mkdir(exist_ok=True)
        (self.folder / "src" / "Shop.java").write_text(text)
        return subprocess.run([harness.AUTOTUNE, "decompose", "src/Shop.java", *more], cwd=self.folder, capture_output=True, text=True, timeout=60)

    GOOD = ("package shop;\npublic class Shop {\n    @Lambda(memory = 512, timeout = 30)\n    public static int total(int a, int b) { return a + b; }\n"
            "    @Lambda\n    static void tidy() { }\n}\n")

    def test_the_patch_applies(self):
        done = self.propose(self.GOOD)
        self.assertEqual(done.returncode, 0, done.stderr)
        applied = subprocess.run(["patch", "-p1"], cwd=self.folder, input=done.stdout, capture_output=True, text=True)
        self.assertEqual(applied.returncode, 0, applied.stdout + applied.stderr)
        self.assertEqual({f.name for f in (self.folder / "src").iterdir()},
                         {"Shop.java", "ShopTotalFunction.java", "ShopTidyFunction.java", "Shop.functions.yaml"})
        self.assertIn("return Shop.total(input.getA(), input.getB());", (self.folder / "src/ShopTotalFunction.java").read_text())
        self.assertIn("MemorySize: 512\n      Timeout: 30", (self.folder / "src/Shop.functions.yaml").read_text())
        again = self.propose(self.GOOD)
        self.assertEqual(again.returncode, 2)
        self.assertIn("is there already", again.stderr)

    def test_mistakes_have_places(self):
        for text, status, says in (("class A { @Lambda(memory = 1) static void f() {} }", 2, "src/Shop.java:1:28: memory must be"),
                                   ("class A { String s = \"x\n; }", 2, "src/Shop.java:1:22: the string has no end"),
                                   ("class A { static void f() {} }", 3, "has no method with @Lambda")):
            done = self.propose(text)
            self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
