#!/usr/bin/env python3
"""`autotune trace` from its start to its end: running processes, interruptions, statuses, mistakes."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness
from tracing import Running, TraceCase, links_of, trace


class TraceLife(TraceCase):
    def test_a_running_process(self):
        program = "import time\ndef tick(): return sum(range(100))\nwhile True:\n  tick(); time.sleep(0.001)"
        with contextlib.closing(Running(program)) as running:
            report, _ = self.report("-p", running.pid, "--duration", "1")
            self.assertGreater(self.calls(report, "tick"), 50)
            self.assertIsNone(running.process.poll(), "it was harmed")

    def test_a_running_process_whose_tracer_was_killed_is_traced_again(self):
        program = "import time\ndef tick(): return sum(range(100))\nwhile True:\n  tick(); time.sleep(0.001)"
        with contextlib.closing(Running(program)) as running:
            first = subprocess.Popen([str(harness.AUTOTUNE), "trace", "-p", str(running.pid), "-o", "/dev/null"],
                                     stdin=subprocess.DEVNULL)
            harness.wait_for("the first tracer reads", lambda: any(".python" in link for link in links_of(first.pid)))
            report, _ = self.report("-p", running.pid, "--duration", "0.2")
            self.assertIn("another tracer", " ".join(report["notes"]))
            first.kill()
            first.wait()
            report, _ = self.report("-p", running.pid, "--duration", "1")
            self.assertGreater(self.calls(report, "tick"), 50)
            self.assertIsNone(running.process.poll(), "it was harmed")

    def test_what_a_killed_one_left_is_removed_by_the_next(self):
        first = subprocess.Popen([str(harness.AUTOTUNE), "trace", "-o", "/dev/null", "--", "sh", "-c", "echo $$; exec sleep 60"],
                                 stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        with first.stdout:
            command = int(first.stdout.readline())
        left = [pathlib.Path(link).parent for link in links_of(first.pid) if link.endswith("/.owner")]
        first.kill()
        first.wait()
        trace("-o", self.folder / "r.txt", "--", "true")
        self.assertEqual([f.exists() for f in left], [True, True], "a program has them still")
        os.kill(command, signal.SIGKILL)
        harness.wait_for("the program's end", lambda: not pathlib.Path(f"/proc/{command}").exists())
        trace("-o", self.folder / "r.txt", "--", "true")
        self.assertEqual([f.exists() for f in left], [False, False], left)

    def test_interrupted_it_leaves_a_complete_report(self):
        out = self.folder / "report.json"
        process = subprocess.Popen([str(harness.AUTOTUNE), "trace", "-o", str(out), "--", "sh", "-c", "echo ready; exec sleep 60"],
                                   stdout=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(30), 128 + signal.SIGTERM)
        process.stdout.close()
        self.assertEqual(json.loads(out.read_text())["ending"], "killed by signal 15")

    def test_a_reader_that_goes_early_does_not_kill_it(self):
        for command, status in ((["seq", "100000"], 128 + signal.SIGPIPE), (["true"], 0)):
            for backend in ("bpf", "ptrace"):
                with self.subTest(command=command, backend=backend):
                    process = subprocess.Popen([str(harness.AUTOTUNE), "trace", "--backend", backend, "--", *command],
                                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
                    process.stdout.close()
                    with process.stderr:
                        self.assertEqual(process.stderr.read(), b"")
                    self.assertEqual(process.wait(60), status, "the command's own")

    def test_when_the_terminal_ends_it_leaves_a_complete_report(self):
        out = self.folder / "report.json"
        target = subprocess.Popen(["sleep", "60"])
        try:
            process = subprocess.Popen([str(harness.AUTOTUNE), "trace", "-o", str(out), "--duration", "30", "-p", str(target.pid)],
                                       stdin=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
            harness.wait_for("it listens to signals", lambda: "signalfd" in " ".join(links_of(process.pid)))
            process.send_signal(signal.SIGHUP)
            self.assertEqual(process.wait(60), 0)
        finally:
            target.kill()
            target.wait()
        self.assertEqual(json.loads(out.read_text())["ending"], "interrupted")

    def test_output_passes_through_and_status_is_the_commands(self):
        for backend in ("bpf", "ptrace", "runtime"):
            with self.subTest(backend):
                done = trace("--backend", backend, "-o", self.folder / "r.txt", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
                self.assertEqual((done.stdout, done.stderr, done.returncode), ("out\n", "err\n", 3))
                done = trace("--backend", backend, "-o", self.folder / "r.txt", "--", "sh", "-c", "kill -9 $$")
                self.assertEqual(done.returncode, 128 + 9)

    def test_a_script_that_names_no_interpreter_is_the_shells(self):
        script = self.folder / "script"
        script.write_text("exit $1")
        script.chmod(0o755)
        for backend in ("auto", "ptrace"):
            with self.subTest(backend):
                done = trace("--backend", backend, "-o", self.folder / "r.txt", "--", script, "5")
                self.assertEqual(done.returncode, 5, done.stderr)

    def test_mistakes_are_one_clear_line(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        (self.folder / "noexec").write_text("no program")
        broken = self.folder / "broken"
        broken.write_text("#!/etc/passwd\n")  # no interpreter
        broken.chmod(0o755)
        cut = self.folder / "cut.autotune"
        trace("-o", self.folder / "r.txt", "--record", cut, "--", "true")
        whole, twice, touched = (self.folder / n for n in ("whole.autotune", "twice", "touched"))
        shutil.copy(cut, whole)
        cut.write_bytes(cut.read_bytes()[:-9])
        for arguments, status, words in [
            (["-p", gone.pid], 1, str(gone.pid)),
            (["-p", "1", "--", "true"], 2, "do not go together"),
            (["--", self.folder / "nothing"], 127, "nothing"),
            (["--", self.folder / "noexec"], 126, "noexec"),
            (["--", broken], 126, "broken"),
            (["--backend", "ptrace", "--", self.folder / "nothing"], 127, "nothing"),
            (["--backend", "ptrace", "--", broken], 126, "broken"),
            (["--from", self.program], 2, "not a recording"),
            (["--from", cut, "-o", self.folder / "r.txt"], 2, "cut"),
            (["--from", whole, "--chrome", whole], 2, "two things"),
            (["-o", "/no/such/x.json", "--", "touch", touched], 2, "/no/such/x.json"),
            (["--record", self.folder, "--", "touch", touched], 2, str(self.folder)),
            (["-o", twice, "--record", twice, "--", "touch", touched], 2, "two things"),
            (["--duration", "0", "--", "true"], 2, "--duration: \"0\" is not a number above 0"),
            (["-p", "abc"], 2, "--pid: \"abc\" is not a number above 0"),
            (["--backend", "magic", "--", "true"], 2, "magic"),
            (["--backend", "ptrace"], 2, "-p PID"),
            (["--backend", "runtime", "--syscalls", "each", "--", "true"], 2, "no system calls"),
        ]:
            with self.subTest(arguments=arguments):
                done = trace(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertFalse(touched.exists(), "the command is not started for nothing")
        self.assertEqual(trace("--from", whole).returncode, 0, "a recording is never written over")


if __name__ == "__main__":
    unittest.main(verbosity=2)
