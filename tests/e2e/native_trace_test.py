#!/usr/bin/env python3
"""`autotune trace --function BIN:NAME` as people run it: exact calls of native functions, and what cannot be had, said in one
line with nothing started and nothing touched."""
import contextlib
import json
import pathlib
import shutil
import subprocess
import unittest

import harness

PROGRAMS = harness.BINARY_DIR / "tests/agent/native"
PROBED, UNWINDING, STRIPPED, TARGET = (PROGRAMS / n for n in ("probed_program", "probed_unwinding", "native_stripped", "native_target"))
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def changed(path, offset, value):
    """The file with one byte of its ELF header changed."""
    content = bytearray(path.read_bytes())
    content[offset] = value
    path.write_bytes(content)
    return path


class NativeTrace(harness.Story):
    def report(self, function, *command, options=()):
        out = self.folder / "report.json"
        done = harness.run("trace", "-o", out, "--function", function, *options, "--", *command)
        return json.loads(out.read_text()), done

    def functions(self, report):
        return {f["name"]: f for f in report["functions"]}

    def test_calls_are_exact_and_say_how_good_their_times_are(self):
        report, done = self.report(f"{PROBED}:probed_*", PROBED, "calls")
        self.assertEqual((done.returncode, done.stdout), (10, "calls 5450\n"))
        found = self.functions(report)
        self.assertEqual({n: f["calls"] for n, f in found.items()}, {"probed_add": 100, "probed_leaf": 100})
        for f in found.values():
            self.assertGreater(f["bias_ns"], 0)
            self.assertGreater(f["error_ns"], 0)
        self.assertEqual(report["error_ns"], max(f["error_ns"] for f in found.values()))

    def test_a_callee_is_beneath_its_caller_however_short_it_is(self):
        report, _ = self.report(f"{PROBED}:probed_*", PROBED, "calls")

        def callees(nodes, of=None):
            for node in nodes:
                if node["kind"] == "call":
                    yield of, node["what"].split()[0]
                yield from callees(node.get("children", []), node["what"].split()[0] if node["kind"] == "call" else of)
        self.assertEqual(set(callees([t for p in report["processes"] for t in p["tree"]])),
                         {(None, "probed_add"), ("probed_add", "probed_leaf")})

    def test_the_report_says_where_no_return_probe_is_and_why(self):
        report, done = self.report(f"{UNWINDING}:*", UNWINDING, "coroutine")
        self.assertEqual(done.stdout, subprocess.run([UNWINDING, "coroutine"], capture_output=True, text=True).stdout)
        notes = " ".join(report["notes"])
        self.assertIn("no return probes on _start", notes)
        self.assertIn("exceptions or ends of threads may pass through it", notes)

    def test_what_cannot_be_had_is_one_clear_line_and_nothing_is_started(self):
        (self.folder / "text").write_text("no program")
        cut = self.folder / "cut"
        cut.write_bytes(PROBED.read_bytes()[:3000])
        arm = changed(pathlib.Path(shutil.copy(PROBED, self.folder / "arm")), 18, 0xB7)
        narrow = changed(pathlib.Path(shutil.copy(PROBED, self.folder / "narrow")), 18, 3)
        marker = self.folder / "started"
        for function, words in [
            (f"{PROBED}:probed_laef", "near: probed_leaf"),
            (f"{PROBED}:no*such*", "has no function like no*such*"),
            (f"{PROBED}:watched_number", "is a variable"),
            (f"{PROBED}:probed_program.c:9999", "has no code at"),
            (f"{PROBED}:probed_add(arg9)", "arg1 to arg6"),
            (f"{STRIPPED}:chosen", "is stripped"),
            (f"{TARGET}:picked_at_start", "IFUNC"),
            (f"{arm}:main", "a program for arm64, this is x86-64"),
            (f"{narrow}:main", "a program for x86, this is x86-64"),
            (f"{cut}:main", "is cut"),
            (f"{self.folder}/text:main", "not an ELF file"),
            (f"{self.folder}:main", "is not a file"),
            (f"{self.folder}/absent:main", "No such file"),
            ("absent-program:main", "there is no program or library absent-program"),
            (f"{PROBED}:", "is not BIN:FUNCTION"),
        ]:
            with self.subTest(function):
                self.refused(["--function", function, "--", "touch", marker], words)
                self.assertFalse(marker.exists(), "the command was started")
        self.refused(["--watch", f"{PROBED}:probed_add nothere", "--", "touch", marker], "has no variable nothere")
        self.assertFalse(marker.exists(), "the command was started")

    def test_processes_that_cannot_be_traced(self):
        with subprocess.Popen(["true"]) as gone:
            gone.wait()
        for function in (f"{PROBED}:probed_add", "libc.so.6:qsort"):
            self.refused(["-p", gone.pid, "--function", function], f"no process has the id {gone.pid}")
        with subprocess.Popen(["sleep", "60"]) as sleeping:
            try:
                self.refused(["-p", sleeping.pid, "--function", "libc.so.6:qsrot"], "near: qsort")
                self.refused(["-p", sleeping.pid, "--function", "libc.so.6:qsort"], "run as root", wrapper=NOBODY)
                self.refused(["-p", sleeping.pid], "it belongs to user 0", wrapper=NOBODY)
                self.assertIsNone(sleeping.poll(), "the target was harmed")
            finally:
                sleeping.kill()
        self.refused(["--function", f"{PROBED}:probed_add", "--", PROBED], "run as root", wrapper=NOBODY)

    def test_a_process_that_exits_meanwhile_ends_the_trace(self):
        out = self.folder / "report.json"
        with subprocess.Popen(["sh", "-c", f"read go; exec {PROBED} calls"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as target:
            with subprocess.Popen([harness.AUTOTUNE, "trace", "-o", out, "-p", str(target.pid), "--function", f"{PROBED}:probed_*"],
                                  stderr=subprocess.PIPE, text=True) as tracer:
                try:
                    harness.wait_for("probes", lambda: self.has_probes(tracer.pid))
                except AssertionError:
                    target.kill()  # which ends the tracer, too: both are waited for
                    raise
                target.communicate(b"go\n")
                _, said = tracer.communicate(timeout=30)
        self.assertEqual((tracer.returncode, said), (0, ""))
        self.assertEqual(self.functions(json.loads(out.read_text()))["probed_add"]["calls"], 100)

    @staticmethod
    def has_probes(pid):
        """Whether the process holds probes on the program, not only those that it measures itself with."""
        for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
            with contextlib.suppress(OSError):
                if str(PROBED) in info.read_text():
                    return True
        return False

    def refused(self, arguments, words, wrapper=()):
        done = harness.run("trace", "-o", "/dev/null", *arguments, wrapper=wrapper)
        self.assertIn(done.returncode, (1, 2), done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual((len(done.stderr.splitlines()), done.stdout), (1, ""), done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
