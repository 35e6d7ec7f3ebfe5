#!/usr/bin/env python3
"""`autotune trace` as people run it: commands, running processes, recordings, interruptions, mistakes."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

PYTHON = "/usr/bin/python3"
FIB = '''
import sys
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def write_it(path, text):
    with open(path, "w") as out:
        out.write(text)
fib(15)
write_it(sys.argv[1], "x" * 5000)
sys.exit(7)
'''


def trace(*arguments, **more):
    return subprocess.run([str(harness.AUTOTUNE), "trace", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **more)


def links_of(pid):
    """What the descriptors of a process are."""
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            yield os.readlink(link)


class Trace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.program = self.folder / "fib.py"
        self.program.write_text(FIB)

    def report(self, *arguments, status=0):
        out = self.folder / "report.json"
        done = trace("-o", out, *arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(out.read_text()), done

    def calls(self, report, name):
        return sum(f["calls"] for f in report["functions"] if f["name"] == name)

    def test_python_calls_are_exact_and_io_is_theirs(self):
        for backend in ("bpf", "ptrace"):
            with self.subTest(backend):
                target = self.folder / f"out-{backend}"
                report, _ = self.report("--backend", backend, "--", PYTHON, self.program, target, status=7)
                self.assertEqual(self.calls(report, "fib"), 1973)
                fib = next(f for f in report["functions"] if f["name"] == "fib")
                self.assertEqual((fib["file"], fib["line"]), (str(self.program), 3))
                self.assertGreater(fib["total_ns"], 0)
                self.assertLessEqual(fib["self_ns"], fib["total_ns"])
                written = [f for f in report["io"]["files"] if f["path"] == str(target)]
                self.assertEqual([f["bytes_written"] for f in written], [5000])
                self.assertEqual(report["ending"], "exited with status 7")
                self.assertEqual([f["path"] for f in report["io"]["files"] if "/autotune-" in f["path"]], [], "our own files")
                self.assertFalse(any(report["losses"].values()), report["losses"])

    def test_what_the_probes_read_is_no_deed_of_the_programs(self):
        for backend in ("bpf", "ptrace"):
            with self.subTest(backend):
                report, _ = self.report("--backend", backend, "--", "/bin/true")
                files = {f["path"]: f for f in report["io"]["files"]}
                libc = next(f for path, f in files.items() if path.endswith("/libc.so.6"))
                self.assertEqual((libc["opens"], libc["maps"]), (1, 4), libc)  # as strace tells it of ld.so
                report, _ = self.report("--backend", backend, "--", PYTHON, "-c", "pass")
                # But for the C library's reading, when it is asked for the stack's limits.
                names = [f["path"] for f in report["io"]["files"] if f["path"] != "/proc/self/maps"]
                self.assertEqual([n for n in names + [*files] if "/self/" in n or "clocksource" in n], [])

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

    def built(self, *flags):
        """A program in C, built with these flags: fib of 15, and a file that is written within a call."""
        source, program = self.folder / "app.c", self.folder / "app"
        source.write_text('#include <stdio.h>\nint fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }\n'
                          'void write_it(const char* path) { FILE* f = fopen(path, "w"); fputs("0123456789", f); fclose(f); }\n'
                          'int main(int n, char** words) { fib(15); write_it(words[n - 1]); return 7; }\n')
        subprocess.run(["gcc", "-O1", "-fno-inline", "-fno-optimize-sibling-calls", "-fno-ipa-cp", *flags, source, "-o", program],
                       check=True)
        return program

    def test_programs_that_were_built_for_it_tell_each_call(self):
        for flag in ("-finstrument-functions", "-fpatchable-function-entry=5"):
            program = self.built(flag)
            for backend in ("bpf", "ptrace", "runtime"):
                with self.subTest(flag, backend=backend):
                    recording, chrome, again = (self.folder / n for n in ("run.gz", "run.json", "again.json"))
                    report, _ = self.report("--backend", backend, "--record", recording, "--chrome", chrome, "--", program,
                                            self.folder / "out", status=7)
                    calls = {f["name"]: f["calls"] for f in report["functions"]}
                    self.assertEqual((calls["fib"], calls["write_it"], calls["main"]), (1973, 1, 1), report["notes"])
                    self.assertFalse(any(report["losses"].values()), report["losses"])
                    events = json.loads(chrome.read_text())["traceEvents"]
                    self.assertEqual(sum(e["name"] == "fib" and e["cat"] == "call" for e in events if e["ph"] == "X"), 1973)
                    trace("-o", again, "--from", recording)
                    self.assertEqual(again.read_bytes(), (self.folder / "report.json").read_bytes())

    def test_a_function_that_is_probed_and_tells_itself_is_counted_once(self):
        for flag in ("-finstrument-functions", "-fpatchable-function-entry=5"):
            with self.subTest(flag):
                program = self.built(flag)
                report, _ = self.report("--function", f"{program}:fib", "--", program, self.folder / "out", status=7)
                self.assertEqual({f["name"]: f["calls"] for f in report["functions"]}, {"fib": 1973})
                report, _ = self.report("--function", "fib", "--", program, self.folder / "out", status=7)
                self.assertEqual({f["name"]: f["calls"] for f in report["functions"]}, {"fib": 1973}, "by its name alone, from within")

    def test_a_static_program_that_was_built_for_it_is_told_why_not(self):
        for flag in ("-finstrument-functions", "-fpatchable-function-entry=5"):
            with self.subTest(flag):
                report, _ = self.report("--backend", "runtime", "--", self.built(flag, "-static"), self.folder / "out", status=7)
                self.assertEqual([n for n in report["notes"] if "linked statically" in n], report["notes"])
                self.assertEqual(len(report["notes"]), 1)
        report, _ = self.report("--backend", "runtime", "--", self.built("-static"), self.folder / "out", status=7)
        self.assertEqual(report["notes"], [], "nobody expected calls")

    def test_a_timeline_opens(self):
        chrome = self.folder / "run.json"
        trace("-o", self.folder / "r.txt", "--chrome", chrome, "--", PYTHON, self.program, self.folder / "out")
        events = json.loads(chrome.read_text())["traceEvents"]
        self.assertGreaterEqual(sum(e["name"] == "fib" and e["cat"] == "call" for e in events), 1973)
        self.assertTrue(all(e["dur"] >= 0 for e in events if e["ph"] == "X"))

    def test_only_the_functions_asked_for(self):
        report, _ = self.report("--function", "fib.fib", "--", PYTHON, self.program, self.folder / "out", status=7)
        self.assertEqual({f["name"] for f in report["functions"]}, {"fib"})

    def test_watched_expressions(self):
        report, _ = self.report("--watch", "fib.py:7 len(text) * 2", "--", PYTHON, self.program, self.folder / "out", status=7)
        self.assertEqual([(v["expression"], v["value"]) for v in report["variables"]], [("fib.py:7 len(text) * 2", "10000")])
        self.assertEqual([n for n in report["notes"] if "--watch" in n], [])
        report, _ = self.report("--watch", "nowhere.py:7 text", "--", PYTHON, self.program, self.folder / "out", status=7)
        self.assertEqual(sum("nothing was seen of --watch 'nowhere.py:7 text'" in n for n in report["notes"]), 1, report["notes"])
        done = trace("--watch", "fib.py", "--", "true")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)

    def test_output_passes_through_and_status_is_the_commands(self):
        for backend in ("bpf", "ptrace", "runtime"):
            with self.subTest(backend):
                done = trace("--backend", backend, "-o", self.folder / "r.txt", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
                self.assertEqual((done.stdout, done.stderr, done.returncode), ("out\n", "err\n", 3))
                done = trace("--backend", backend, "-o", self.folder / "r.txt", "--", "sh", "-c", "kill -9 $$")
                self.assertEqual(done.returncode, 128 + 9)

    def test_git_and_curl_work_under_it_and_are_seen(self):
        for backend in ("bpf", "ptrace"):
            with self.subTest(backend):
                report, done = self.report("--backend", backend, "--syscalls", "count", "--", "git", "init", "-q", self.folder / backend)
                self.assertTrue((self.folder / backend / ".git/HEAD").exists())
                self.assertTrue(any(f["path"].endswith(".git/HEAD.lock") for f in report["io"]["files"]))
                self.assertGreater(sum(s["calls"] for s in report["syscalls"]), 50)
                server = subprocess.Popen([PYTHON, "-c", "import http.server as h\ns=h.HTTPServer(('127.0.0.1',0),h.SimpleHTTPRequestHandler)\n"
                                           "print(s.server_port,flush=True)\ns.serve_forever()"], cwd=self.folder, stdout=subprocess.PIPE,
                                          stderr=subprocess.DEVNULL, text=True)
                try:
                    port = int(server.stdout.readline())
                    report, done = self.report("--backend", backend, "--", "curl", "-sS", f"http://127.0.0.1:{port}/fib.py")
                    self.assertEqual(done.stdout, FIB)
                    peers = [p for p in report["io"]["peers"] if p["peer"] == f"127.0.0.1:{port}"]
                    self.assertEqual(len(peers), 1, report["io"]["peers"])
                    self.assertGreater(peers[0]["bytes_received"], len(FIB))
                finally:
                    server.kill()
                    server.communicate()

    def test_without_root_every_row_is_there(self):
        own = self.folder / "own"
        own.mkdir()
        own.chmod(0o777)
        self.folder.chmod(0o755)
        binary = pathlib.Path(shutil.copy(harness.AUTOTUNE, own))
        program = ("import socket\ndef work(): return sum(range(300000))\nwork()\nopen('f','w').write('x'*5000)\n"
                   "s=socket.create_server(('127.0.0.1',0)); c=socket.create_connection(s.getsockname())\n"
                   "a,_=s.accept(); c.sendall(b'y'*1000); a.recv(1000)\n")
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(binary), "trace", "--syscalls", "count",
                               "-o", "r.json", "--", PYTHON, "-c", program], cwd=own, capture_output=True, text=True, timeout=60,
                              env={"PATH": "/usr/bin:/bin", "HOME": str(own)}, stdin=subprocess.DEVNULL)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads((own / "r.json").read_text())
        self.assertEqual(report["backend"], "ptrace")
        self.assertEqual(self.calls(report, "work"), 1, "calls")
        self.assertGreater(next(f for f in report["functions"] if f["name"] == "work")["total_ns"], 500_000, "execution time")
        self.assertEqual([f["bytes_written"] for f in report["io"]["files"] if f["path"] == str(own / "f")], [5000], "disk")
        self.assertEqual(sum(p["bytes_sent"] for p in report["io"]["peers"]), 1000, "network")
        self.assertEqual(sum(p["bytes_received"] for p in report["io"]["peers"]), 1000, "network")
        self.assertGreater(report["memory_peak"], 1 << 20, "performance")
        self.assertGreater(report["faults"]["minor"], 100, "performance")
        self.assertGreater(sum(s["calls"] for s in report["syscalls"]), 100, "system calls")
        self.assertFalse(any(report["losses"].values()), report["losses"])

    def test_snafus_logs_are_read(self):
        subprocess.run([PYTHON, str(pathlib.Path(__file__).parents[1] / "agent/logs/make_logs.py"), str(self.folder)], check=True)
        for name, calls in (("snafu.csv", 0), ("snafu.sqlite.gz", 0), ("trace_log-shop-251103-1407-0123abcd.log", 4)):
            with self.subTest(name):
                report, _ = self.report("--from", self.folder / name)
                self.assertEqual(sum(f["calls"] for f in report["functions"]), calls)
                self.assertEqual(len(report["invocations"]), 1 if calls else 3)

    def test_a_running_process(self):
        program = "import time\ndef tick(): return sum(range(100))\nwhile True:\n  tick(); time.sleep(0.001)"
        with contextlib.closing(_Running(program)) as running:
            report, _ = self.report("-p", running.pid, "--duration", "1")
            self.assertGreater(self.calls(report, "tick"), 50)
            self.assertIsNone(running.process.poll(), "it was harmed")

    def test_a_running_process_whose_tracer_was_killed_is_traced_again(self):
        program = "import time\ndef tick(): return sum(range(100))\nwhile True:\n  tick(); time.sleep(0.001)"
        with contextlib.closing(_Running(program)) as running:
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

    def test_a_script_that_names_no_interpreter_is_the_shells(self):
        script = self.folder / "script"
        script.write_text("exit $1")
        script.chmod(0o755)
        for backend in ("auto", "ptrace"):
            with self.subTest(backend):
                done = trace("--backend", backend, "-o", self.folder / "r.txt", "--", script, "5")
                self.assertEqual(done.returncode, 5, done.stderr)

    def test_a_full_disk_takes_the_recording_only(self):
        for what in ("--record", "--chrome"):
            with self.subTest(what):
                report, done = self.report(what, "/dev/full", "--", PYTHON, self.program, self.folder / "out", status=125)
                self.assertEqual(report["ending"], "exited with status 7")
                self.assertEqual(self.calls(report, "fib"), 1973)
                self.assertIn("/dev/full", done.stderr)

    def test_without_root_the_users_own_processes(self):
        os.chmod(self.folder, 0o777)
        os.chmod(self.program, 0o644)
        out = self.folder / "nobody.json"
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(harness.AUTOTUNE), "trace",
                               "-o", str(out), "--", PYTHON, str(self.program), str(self.folder / "out")],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 7, done.stderr)
        report = json.loads(out.read_text())
        self.assertEqual(report["backends"], ["ptrace", "runtime"])
        self.assertEqual(self.calls(report, "fib"), 1973)


class _Running:
    """A Python program that runs until it is closed."""

    def __init__(self, program):
        self.process = subprocess.Popen([PYTHON, "-c", program])
        self.pid = self.process.pid
        time.sleep(0.3)  # the interpreter begins

    def close(self):
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    unittest.main(verbosity=2)
