#!/usr/bin/env python3
"""`autotune trace` as people run it: what is seen of commands, with root and without."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness
from tracing import FIB, PYTHON, TraceCase, trace


class Trace(TraceCase):
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
                names = [f["path"] for f in report["io"]["files"]]
                self.assertEqual([n for n in names + [*files] if "/self/" in n or "clocksource" in n], [])

    def test_programs_that_were_built_for_it_tell_each_call(self):
        for flag in ("-finstrument-functions", "-fpatchable-function-entry=5"):
            program = self.built(flag)
            for backend in ("bpf", "ptrace", "runtime"):
                with self.subTest(flag, backend=backend):
                    recording, chrome, again = (self.folder / n for n in ("run.gz", "run.json", "again.json"))
                    report, _ = self.report("--backend", backend, "--record", recording, "--chrome", chrome, "--", program,
                                            self.folder / "out", status=7)
                    calls = {f["name"]: f["calls"] for f in report["functions"]}
                    self.assertEqual({n: calls.get(n) for n in ("fib", "write_it", "main")}, {"fib": 1973, "write_it": 1, "main": 1},
                                     (calls, report["notes"]))
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
