#!/usr/bin/env python3
"""`autotune size --function`: calls of a copy tell the size; the function itself is as it was, whatever happens."""
import base64
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

# Holds 150 MB unless told otherwise, which 128 MB cannot, and computes for as long as its share of a CPU makes it, or naps.
WORK = '''
import time

def handler(event, context):
    held = bytearray(event.get("mb", 150) << 20)
    time.sleep(event.get("nap", 0))
    total = 0
    for i in range(event["rounds"]):
        total += i * i % 7
    return len(held) + total
'''


class SizeLive(harness.Story):
    def setUp(self):
        super().setUp()
        harness.write_function(self.folder / "functions", "work", WORK, memory_mb=256, timeout="10s")
        self.host = self.stack.enter_context(harness.running(harness.Host(self.folder / "functions", self.folder / "host")))
        self.before = self.as_it_is()

    def as_it_is(self):
        return self.host.configuration("work"), self.host.alias("work"), self.host.versions("work")

    def copy_is_there(self):
        return self.host.request("GET", "/2015-03-31/functions/work-autotune-size/configuration").status == 200

    def command(self, *options):
        return ([str(harness.AUTOTUNE), "size", "--function", "work", "--sizes", "128,256,512,1024", "--payload", '{"rounds": 100000}',
                 "--state", str(self.folder / "none"), *options],
                {**os.environ, "AWS_ENDPOINT_URL_LAMBDA": self.host.url, "AWS_ACCESS_KEY_ID": "test",
                 "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"})

    def search(self, *options):
        command, env = self.command(*options)
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)

    def test_too_small_sizes_are_ruled_out_and_the_function_stays_as_it_was(self):
        done = self.search("--objective", "fastest-within:1000000")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        by_size = {}
        for sample in told["samples"]:
            by_size.setdefault(sample["memory_mb"], []).append(sample)
        self.assertGreater(told["memory_mb"], 128)
        self.assertTrue(all(s["status"] == "oom" for s in by_size.get(128, [])), by_size)
        self.assertGreaterEqual(len(by_size[told["memory_mb"]]), 3)
        self.assertEqual(self.as_it_is(), self.before)
        self.assertFalse(self.copy_is_there())

    def test_payloads_as_input_buckets_have_sizes_of_their_own(self):
        # They nap as long at any size, so each half of the memory costs half.
        (self.folder / "small.json").write_text('{"rounds": 1, "nap": 0.2, "mb": 1}')
        command, env = self.command("--by", "payload", "--weights", "3,1", "--objective", "cost")
        command[command.index("--payload"):command.index("--payload") + 2] = [
            "--payload", f"@{self.folder / 'small.json'}", "--payload", '{"rounds": 1, "nap": 0.2}']
        for _ in range(3):  # one call of few that was held up makes a size dear
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            told = json.loads(done.stdout)
            small, large = told["buckets"]
            if small["memory_mb"] == 128:
                break
        self.assertEqual([(b["bucket"], b["weight"]) for b in (small, large)], [("small.json", 0.75), ("payload 2", 0.25)])
        self.assertEqual(small["memory_mb"], 128)
        self.assertGreater(large["memory_mb"], 128)
        self.assertGreater(told["memory_mb"], 128)  # what the mix is given must do for both
        self.assertEqual({s["bucket"] for s in told["samples"]}, {"small.json", "payload 2"})
        self.assertEqual(self.as_it_is(), self.before)
        self.assertFalse(self.copy_is_there())

    def test_it_can_be_interrupted_and_killed(self):
        for how, left in ((signal.SIGINT, False), (signal.SIGKILL, True)):
            command, env = self.command("--objective", "balanced:0.5")
            process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            harness.wait_for("its copy", self.copy_is_there)
            process.stderr.readline()  # a call was made
            process.send_signal(how)
            process.communicate(timeout=60)
            self.assertEqual(self.copy_is_there(), left, how)
            self.assertEqual(self.as_it_is(), self.before)
        self.assertEqual(self.search().returncode, 0)  # takes over what was left
        self.assertFalse(self.copy_is_there())

    def test_a_function_of_that_name_that_is_somebody_elses_stays(self):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("handler.py", "def handler(event, context):\n    return 'mine'\n")
        made = self.host.request("POST", "/2015-03-31/functions", json.dumps({
            "FunctionName": "work-autotune-size", "Runtime": "python3.11", "Role": "arn:aws:iam::000000000000:role/r",
            "Handler": "handler.handler", "Code": {"ZipFile": base64.b64encode(packed.getvalue()).decode()}}))
        self.assertEqual(made.status, 201, made.body)
        done = self.search()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no copy that autotune made", done.stderr)
        self.assertTrue(self.copy_is_there())
        self.assertEqual(self.host.invoke("work-autotune-size", {}, qualifier=None).json(), "mine")

    def test_mistakes_are_told(self):
        for options in (("--by", "bucket"), ("--by", "payload"), ("--weights", "1"), ("--sizes", "1"), ("--payload", "@/nowhere"), ("--objective", "best")):
            self.assertEqual(self.search(*options).returncode in (1, 2), True, options)
        done = subprocess.run([str(harness.AUTOTUNE), "size"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--replay FILE or --function NAME", done.stderr)
        self.assertFalse(self.copy_is_there())


if __name__ == "__main__":
    unittest.main()
