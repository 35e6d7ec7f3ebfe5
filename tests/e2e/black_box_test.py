#!/usr/bin/env python3
"""`autotune profile --black-box` as people run it: of invocations that the agent saw die, of commands, and mistakes."""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

BENCH = harness.SOURCE / "bench" / "profiling" / "black_box.py"


def black_box(*arguments):
    return subprocess.run([str(harness.AUTOTUNE), "profile", "--black-box", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL)


class BlackBox(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_the_culprits_line_is_on_top_in_each_of_some_runs(self):
        """The table of bench/profiling/black_box.py, shorter."""
        done = subprocess.run([sys.executable, BENCH, "--runs", "3", "--binary", harness.AUTOTUNE], capture_output=True,
                              text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rows = json.loads(done.stdout.splitlines()[-1])["black_box"]
        self.assertEqual([row["right"] for row in rows], [3] * 6, done.stdout)

    def test_a_command_that_is_killed_while_others_of_it_are_not(self):
        """One that dies within milliseconds of its start may have native frames only: it is given longer until it was seen."""
        program = self.folder / "job.py"
        program.write_text("import os, signal, sys, time\n"
                           "def job():\n"
                           "    os.kill(os.getpid(), signal.SIGKILL)\n"
                           "time.sleep(float(sys.argv[1]))\n"
                           "job()\n")
        for life_s in 0.3, 3, 15:
            out = self.folder / f"box-{life_s}.json"
            done = black_box("-o", out, "--", "/bin/sh", "-c", f"/usr/bin/python3 {program} {life_s}; exit 7")
            self.assertEqual(done.returncode, 7, done.stderr)
            box = json.loads(out.read_text())
            self.assertEqual((box["signal"], box["calls"][-1]["name"]), (signal.SIGKILL, "kill"))
            python = [f["name"] for f in box["threads"][0]["frames"] if f["kind"] == "python"]
            if python:
                break
        self.assertEqual(python, ["job", "<module>"], box["threads"][0])
        self.assertEqual(box["culprit_line"], 3, box["culprit"])

    def test_a_command_that_nobody_kills(self):
        done = black_box("--", "sh", "-c", "exit 5")
        self.assertEqual((done.returncode, done.stdout), (5, ""))
        self.assertIn("nothing was killed", done.stderr)

    def test_mistakes_are_one_clear_line(self):
        (self.folder / "black_boxes").mkdir()
        (self.folder / "black_boxes" / "broken.json").write_text("{")
        for arguments, status, words in [([], 2, "whose black box"), (["some-id", "-p", "1"], 2, "one thing at a time"),
                                         (["--", self.folder / "nothing"], 125, "nothing"),
                                         (["some-id", "--state", self.folder], 1, "no black box of invocation some-id"),
                                         (["broken", "--state", self.folder], 1, "not a black box"),
                                         (["../etc/passwd", "--state", self.folder], 2, "no invocation's id")]:
            with self.subTest(arguments=arguments):
                done = black_box(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
