#!/usr/bin/env python3
"""`autotune trace --break`: one invocation on the embedded host stops for gdb or pdb, its deadline too; others go on."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness
from debuggers import Break, DapClient, Pdb, folder_of_debugpy

LIMIT = 3  # seconds; the functions need milliseconds
OVER = LIMIT + 0.2
HANDLER = '''
def handler(event, context):
    doubled = 2 * event["n"]
    return {"doubled": doubled, "left": context.get_remaining_time_in_millis()}
'''


class Breaks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        for tool in ("gdb", "cc"):
            if shutil.which(tool) is None:
                harness.skip(f"needs {tool}")
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        functions = folder / "functions"
        for name in ("python", "watched-python"):
            harness.write_function(functions, name, HANDLER, timeout=f"{LIMIT}s")
            manifest = functions / name / "function.yaml"
            manifest.write_text(manifest.read_text() + "environment: {AUTOTUNE_DEBUGGER: pdb}\n")
        cls.debugpy = folder_of_debugpy()
        harness.write_function(functions, "ide", HANDLER, timeout=f"{LIMIT}s", memory_mb=512)
        manifest = functions / "ide" / "function.yaml"
        manifest.write_text(manifest.read_text() + f"environment: {{PYTHONPATH: '{cls.debugpy}'}}\n")
        for name in ("native", "watched-native"):
            native = harness.write_function(functions, name, "", timeout=f"{LIMIT}s", runtime="provided", handler="handle")
            subprocess.run(["cc", "-g", "-O1", "-Wall", "-D_GNU_SOURCE", "-o", native / "bootstrap",
                            pathlib.Path(__file__).parent / "break_bootstrap.c"], check=True)
        cls.host = stack.enter_context(harness.running(harness.Host(functions, folder / "state")))
        cls.pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(4))

    def invoke(self, function, n):
        return self.pool.submit(self.host.invoke, function, {"n": n}, log=True)

    def hold(self, function, *options):
        made = Break(self.host, function, *options)
        self.addCleanup(made.close)
        return made

    def need_debugpy(self):
        if self.debugpy is None:
            self.assertFalse(os.environ.get("CI"), "must not be skipped in CI")
            self.skipTest("no debugpy; AUTOTUNE_DEBUGPY names its folder")

    def assert_held(self, answer, seconds):
        """It was held for so long at least, and its duration does not know of it."""
        report = next(line for line in answer.log.splitlines() if line.startswith("REPORT"))
        duration, held = (float(re.search(rf"\t{name}: ([\d.]+) ms", report)[1]) for name in ("Duration", "Held"))
        self.assertGreaterEqual(held, seconds * 1000, report)
        self.assertLess(duration, LIMIT * 1000, report)
        self.assertNotIn("timeout", report)

    def gdb(self, pid, *commands):
        words = [word for command in ("set debuginfod enabled off", *commands) for word in ("-ex", command)]
        return subprocess.run(["gdb", "-nx", "-batch", "-p", str(pid), *words], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    def test_gdb_stops_one_invocation_and_others_go_on(self):
        held = self.hold("native")
        first = self.invoke("native", 21)
        view = held.until("held")
        pid = view["processes"][0]["pid"]
        self.assertEqual(self.invoke("native", 4).result(30).body, b"8", "another of this function")
        self.assertEqual(self.invoke("python", 5).result(30).json()["doubled"], 10, "another function")
        self.assertFalse(first.done())
        # The time limit passes before gdb lets it run, and again at the breakpoint.
        gdb = self.gdb(pid, f"shell sleep {OVER}", "break handle", "continue", "print n", f"shell sleep {OVER}", "detach")
        self.assertIn("$1 = 21", gdb.stdout, gdb.stderr)
        answer = first.result(30)
        self.assertEqual((answer.status, answer.function_error, answer.body), (200, None, b"42"))
        self.assert_held(answer, 2 * OVER)
        self.assertEqual(held.end(), 0)
        # What is over soon, before and after, need not be told.
        stages = [v["stage"] for v in held.views if v["stage"] not in ("waiting", "running")]
        self.assertEqual(sorted(set(stages), key=stages.index), ["held", "debugging", "ended"])
        self.assertIn(f"gdb -p {pid}", "".join(held.talk))
        self.assertIn("REPORT RequestId", "".join(held.talk))

    def test_a_debugger_can_change_what_the_function_gets(self):
        held = self.hold("native")
        first = self.invoke("native", 1)
        self.gdb(held.until("held")["processes"][0]["pid"], "break handle", "continue", "set var n = 50", "detach")
        self.assertEqual(first.result(30).body, b"100")

    def test_pdb_stops_at_the_handler(self):
        held = self.hold("python")
        first = self.invoke("python", 21)
        view = held.until("held")
        self.assertEqual(view["listener"], "pdb")
        self.assertEqual(self.invoke("python", 4).result(30).json()["doubled"], 8)
        with contextlib.closing(Pdb(view["address"])) as developer:
            self.assertIn('-> doubled = 2 * event["n"]', developer.until_prompt())
            developer.type(f"import time; time.sleep({OVER})")
            developer.until_prompt()
            developer.type("p event, context.get_remaining_time_in_millis()")
            self.assertIn("({'n': 21}, %d)" % (LIMIT * 1000), developer.until_prompt())
            developer.type("n")
            self.assertIn("-> return", developer.until_prompt())
            developer.type("doubled += 1")
            developer.until_prompt()
            developer.type("c")
            answer = first.result(30)
        self.assertIsNone(answer.function_error)
        self.assertEqual(answer.json()["doubled"], 43)
        self.assertTrue(0 < answer.json()["left"] <= LIMIT * 1000, answer.json())
        self.assert_held(answer, OVER)
        self.assertEqual(held.end(), 0)

    def test_leaving_pdb_ends_nothing(self):
        for leave in ("q", None):
            with self.subTest(leave):
                held = self.hold("python")
                first = self.invoke("python", 3)
                developer = Pdb(held.until("held")["address"])
                developer.until_prompt()
                developer.type("b handler")
                developer.until_prompt()
                if leave:
                    developer.type(leave)
                    self.assertEqual(first.result(30).json()["doubled"], 6)
                developer.close()
                self.assertEqual(first.result(30).json()["doubled"], 6)
                self.assertEqual(held.end(), 0)

    def test_gdb_comes_to_python_too(self):
        held = self.hold("python")
        first = self.invoke("python", 3)
        self.gdb(held.until("held")["processes"][0]["pid"], "break send", "continue", f"shell sleep {OVER}", "detach")
        answer = first.result(30)
        self.assertEqual(answer.json()["doubled"], 6)
        self.assert_held(answer, OVER)

    def test_an_ide_comes_by_debugpy(self):
        self.need_debugpy()
        held = self.hold("ide")
        first = self.invoke("ide", 3)
        view = held.until("held")
        self.assertEqual(view["listener"], "debugpy")
        with contextlib.closing(DapClient(view["address"])) as ide:
            ide.send("initialize", adapterID="test", pathFormat="path")
            ide.until("response", "initialize")
            ide.send("attach", justMyCode=False)
            ide.until("event", "initialized")
            source = str(pathlib.Path(view["code"], "handler.py"))
            ide.ask("setBreakpoints", source={"path": source}, breakpoints=[{"line": 4}])
            ide.send("configurationDone")
            thread = ide.until("event", "stopped")["threadId"]  # where the handler is called
            ide.send("continue", threadId=thread)
            thread = ide.until("event", "stopped")["threadId"]  # at line 4
            frame = ide.ask("stackTrace", threadId=thread)["stackFrames"][0]
            self.assertEqual((frame["name"], frame["line"]), ("handler", 4))
            self.assertEqual(ide.ask("evaluate", expression="doubled", frameId=frame["id"])["result"], "6")
            ide.send("evaluate", expression=f"__import__('time').sleep({OVER})", frameId=frame["id"])
            ide.until("response", "evaluate")
            ide.send("disconnect")
            answer = first.result(30)
        self.assertEqual(answer.json()["doubled"], 6)
        self.assert_held(answer, OVER)
        self.assertEqual(held.end(), 0)

    def test_without_an_ide_it_goes_on(self):
        self.need_debugpy()
        held = self.hold("ide")
        first = self.invoke("ide", 5)
        held.until("held")
        held.kill()
        self.assertEqual(first.result(30).json()["doubled"], 10)

    def test_the_death_of_the_command_lets_it_go(self):
        for function in ("native", "python"):
            for number, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0)):
                with self.subTest(function, number=number):
                    held = self.hold(function)
                    first = self.invoke(function, 9)
                    held.until("held")
                    self.assertFalse(first.done())
                    self.assertEqual(held.kill(number), status)
                    answer = first.result(30)
                    self.assertIsNone(answer.function_error)
                    self.assert_held(answer, 0)

    def test_killed_while_somebody_sits_at_the_prompt(self):
        held = self.hold("python")
        first = self.invoke("python", 9)
        with contextlib.closing(Pdb(held.until("held")["address"])) as developer:
            developer.until_prompt()
            held.kill()
            self.assertEqual(first.result(30).json()["doubled"], 18)

    def test_it_goes_on_by_itself(self):
        for function in ("native", "python"):
            with self.subTest(function):
                held = self.hold(function, "--break-for", "300ms")
                answer = self.invoke(function, 9).result(30)
                self.assertIsNone(answer.function_error)
                self.assert_held(answer, 0.3)
                self.assertEqual(held.end(), 0)

    def test_a_deadline_runs_again_when_it_was_let_go(self):
        held = self.hold("native")
        first = self.invoke("native", 9)
        pid = held.until("held")["processes"][0]["pid"]
        with tempfile.TemporaryDirectory() as folder:
            there, enough = pathlib.Path(folder, "there"), pathlib.Path(folder, "enough")
            gdb = self.pool.submit(self.gdb, pid, "break handle", "continue", f"shell touch {there}",
                                   f"shell until test -e {enough}; do sleep 0.05; done", "kill")
            harness.wait_for("gdb at the breakpoint", there.exists)
            held.kill(signal.SIGINT)
            answer = first.result(30)
            enough.touch()
            self.assertIn(f"Task timed out after {LIMIT}.00 seconds", answer.body.decode(), gdb.result())

    def test_one_request_holds_one_invocation(self):
        two = [self.hold("native"), self.hold("native")]
        answers = [self.invoke("native", n) for n in (1, 2, 3)]
        for held in two:
            held.until("held")
        self.assertEqual(len(concurrent.futures.wait(answers, 30, concurrent.futures.FIRST_COMPLETED).done), 1)
        for held in two:
            held.kill()
        self.assertEqual([a.result(30).body for a in answers], [b"2", b"4", b"6"])

    def test_nothing_is_held_after_a_command_that_went_away(self):
        self.hold("native").kill()
        self.assertEqual(self.invoke("native", 2).result(30).body, b"4")
        live = self.hold("native:live")
        self.assertEqual(self.pool.submit(self.host.invoke, "native", {"n": 2}, qualifier=None).result(30).body, b"4")
        first = self.invoke("native", 3)
        self.assertEqual(live.until("held")["version"], "1")
        live.kill(signal.SIGTERM)
        self.assertEqual(first.result(30).body, b"6")

    def test_the_agent_marks_it_and_counts_it_nowhere(self):
        if not pathlib.Path("/sys/kernel/btf/vmlinux").exists():
            harness.skip("needs BTF")
        functions = ("watched-native", "watched-python")  # not there before the agent
        with harness.workspace() as home:
            rules = home / "rules.yaml"
            rules.write_text("version: 1\nrules:\n- {name: t, when: fn.timeout_rate > 0.5, plan: [{notify: {}}]}\n")
            with harness.running(harness.Agent(rules, self.host, home / "state", mode="dry-run", everywhere=True)) as agent:
                agent.wait_ready()
                answers = []
                for function in functions:
                    held = self.hold(function)
                    first = self.invoke(function, 3)
                    held.until("held")
                    time.sleep(OVER)
                    held.kill()
                    answers.append(first.result(30))
                    answers.append(self.invoke(function, 3).result(30))

                def counted():
                    metrics = agent.metrics()
                    names = ('autotune_invocations_held_total{function="%s"}', 'autotune_invocation_duration_seconds_count{function="%s",version="1"}')
                    return all(metrics.get(name % f) == 1 for name in names for f in functions)

                harness.wait_for("one that was held, and one that was not, of each", counted)
            for function, (held, usual) in zip(functions, (answers[:2], answers[2:])):
                done = harness.run("history", "--state", home / "state", "--invocations", function)
                records = {r["id"]: r for r in map(json.loads, done.stdout.splitlines())}
                self.assertTrue(records[held.request_id]["held"], records)
                self.assertEqual(records[held.request_id]["status"], "ok")
                self.assertFalse(records[usual.request_id]["held"], records)
                self.assertEqual(round(records[held.request_id]["time_limit_ms"]), LIMIT * 1000)

    def test_mistakes_are_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        for arguments, status, words in [
            (["--break", "nativ", "--endpoint", self.host.url], 1, "no function nativ at .*; did you mean native"),
            (["--break", "native:9", "--endpoint", self.host.url], 1, "native:9"),
            (["--break", "native", "--endpoint", f"http://127.0.0.1:{port}"], 1, "no autotune host at"),
            (["--break", "native", "--endpoint", "https://lambda.us-east-1.amazonaws.com"], 2, "on this machine"),
            (["--break", "native", "--break-for", "soon"], 2, "soon"),
            (["--break", "native", "--break-for", "0s"], 2, "0"),
            (["--break", "native", "--", "true"], 2, "traces nothing"),
            (["--break-for", "3s", "--", "true"], 2, "--break FUNCTION"),
            (["--break", ""], 2, "wants a function"),
        ]:
            with self.subTest(arguments):
                done = harness.run("trace", *arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertRegex(done.stderr, words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
