#!/usr/bin/env python3
"""The files of `autotune trace`: recordings, timelines, logs of others, disks that are full."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness
from tracing import PYTHON, TraceCase, trace


class TraceFiles(TraceCase):
    def test_a_recording_gives_the_same_report_again(self):
        for text in (False, True):
            for backend in ("bpf", "ptrace"):
                with self.subTest(backend=backend, text=text):
                    first, again, recording = (self.folder / n for n in ("first.txt", "again.txt", "run.autotune.gz"))
                    options = [] if text else ["--json"]
                    trace("--backend", backend, "-o", first, "--record", recording, *options, "--", PYTHON, self.program,
                          self.folder / "out")
                    done = trace("-o", again, "--from", recording, *options)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(first.read_bytes(), again.read_bytes())

    def test_a_timeline_opens(self):
        chrome = self.folder / "run.json"
        trace("-o", self.folder / "r.txt", "--chrome", chrome, "--", PYTHON, self.program, self.folder / "out")
        events = json.loads(chrome.read_text())["traceEvents"]
        self.assertGreaterEqual(sum(e["name"] == "fib" and e["cat"] == "call" for e in events), 1973)
        self.assertTrue(all(e["dur"] >= 0 for e in events if e["ph"] == "X"))

    def test_a_dash_is_standard_output(self):
        run, plain = self.folder / "run.autotune", self.folder / "plain.json"
        trace("-o", self.folder / "r.txt", "--record", run, "--", PYTHON, self.program, self.folder / "out")
        trace("-o", plain, "--from", run)
        done = trace("-o", "-", "--json", "--from", run, cwd=self.folder)
        self.assertEqual(done.stdout, plain.read_text())
        done = trace("--chrome", "-", "--from", run, cwd=self.folder)
        self.assertTrue(json.loads(done.stdout)["traceEvents"])
        self.assertIn("fib", done.stderr, "the report gives way")
        done = trace("--chrome", "-", "-o", plain, "--from", run, cwd=self.folder)
        self.assertTrue(json.loads(done.stdout)["traceEvents"])
        self.assertEqual(done.stderr, "")
        with (self.folder / "piped").open("wb") as piped:
            subprocess.run([harness.AUTOTUNE, "trace", "--record", "-", "-o", plain, "--", PYTHON, self.program, self.folder / "out"],
                           stdout=piped, cwd=self.folder, stdin=subprocess.DEVNULL, timeout=60)
        report, _ = self.report("--from", self.folder / "piped")
        self.assertEqual(self.calls(report, "fib"), 1973)
        self.assertFalse((self.folder / "-").exists())
        for pair in (["--chrome", "-", "-o", "-"], ["--chrome", "-", "--json"], ["-o", "-", "--record", "-"], ["--record", "-", "--chrome", "-"]):
            with self.subTest(pair):
                done = trace(*pair, "--", "touch", self.folder / "touched")
                self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
                self.assertIn("standard output", done.stderr)
        self.assertFalse((self.folder / "touched").exists())

    def test_a_reader_of_a_timeline_may_go_early(self):
        process = subprocess.Popen([str(harness.AUTOTUNE), "trace", "--chrome", "-", "-o", str(self.folder / "r.json"), "--", PYTHON,
                                    str(self.program), str(self.folder / "out")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL)
        process.stdout.close()
        with process.stderr:
            self.assertEqual(process.stderr.read(), b"")
        self.assertEqual(process.wait(60), 7, "the command's own")

    def test_snafus_logs_are_read(self):
        subprocess.run([PYTHON, str(pathlib.Path(__file__).parents[1] / "agent/logs/make_logs.py"), str(self.folder)], check=True)
        for name, calls in (("snafu.csv", 0), ("snafu.sqlite.gz", 0), ("trace_log-shop-251103-1407-0123abcd.log", 4)):
            with self.subTest(name):
                report, _ = self.report("--from", self.folder / name)
                self.assertEqual(sum(f["calls"] for f in report["functions"]), calls)
                self.assertEqual(len(report["invocations"]), 1 if calls else 3)

    def test_a_full_disk_takes_the_recording_only(self):
        for what in ("--record", "--chrome"):
            with self.subTest(what):
                report, done = self.report(what, "/dev/full", "--", PYTHON, self.program, self.folder / "out", status=125)
                self.assertEqual(report["ending"], "exited with status 7")
                self.assertEqual(self.calls(report, "fib"), 1973)
                self.assertIn("/dev/full", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
