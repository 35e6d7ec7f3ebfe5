#!/usr/bin/env python3
"""`autotune profile --cold` as people run it: of a Python program, of a native one, of the embedded host's sandboxes."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness

PYTHON = str(pathlib.Path("/usr/bin/python3").resolve())


def cold(*arguments):
    return subprocess.run([str(harness.AUTOTUNE), "profile", "--cold", *map(str, arguments)], capture_output=True, text=True,
                          timeout=90, stdin=subprocess.DEVNULL)


def modules(node):
    """{name: node} of all below."""
    found = {}
    for below in node["below"]:
        found[below["name"]] = below
        found.update(modules(below))
    return found


class ColdStart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def start_of(self, *command):
        done = cold("--json", "--", *command)
        self.assertEqual(done.returncode, 0, done.stderr)
        starts = json.loads(done.stdout[done.stdout.index("{\n"):])
        self.assertEqual((len(starts["starts"]), starts["marks_lost"]), (1, 0))
        return starts["starts"][0]

    def check_sums(self, node):
        """Total is self and all below, in every count."""
        for what in node["total"]:
            below = sum(b["total"][what] for b in node["below"])
            self.assertEqual(node["self"][what] + below, node["total"][what], f"{what} of {node['name']}")
        for below in node["below"]:
            self.check_sums(below)

    def test_modules_of_a_python_program_with_what_each_costs(self):
        (self.folder / "sleeps.py").write_text("import time\ntime.sleep(0.15)\nimport reads\n")
        data = self.folder / "data"
        data.write_bytes(bytes(3 << 20))
        (self.folder / "reads.py").write_text(f"open({str(data)!r}, 'rb').read()\n")
        (self.folder / "grows.py").write_text("block = bytearray(b'x') * (40 << 20)\n")
        (self.folder / "plugin.py").write_text("import wave\n")
        (self.folder / "threads.py").write_text(
            "import mmap, threading\n\ndef fill():\n    block = mmap.mmap(-1, 40 << 20)\n    block.madvise(mmap.MADV_NOHUGEPAGE)\n"
            "    for at in range(0, len(block), 4096): block[at] = 1\n\nt = threading.Thread(target=fill)\nt.start()\nt.join()\n")
        program = self.folder / "app.py"
        program.write_text("import importlib\nimport sleeps, grows, threads, json\nimportlib.import_module('plugin')\n")
        start = self.start_of(PYTHON, program)
        self.assertEqual([p["name"] for p in start["phases"]], ["fork", "exec", "loader", "runtime", "program"])
        self.assertEqual(start["program"], PYTHON)
        self.assertEqual(sum(p["total"]["time_ns"] for p in start["phases"]), start["total"]["time_ns"])
        for phase in start["phases"]:
            self.check_sums(phase)
        self.assertIn("site", modules(start["phases"][3]))
        main = start["phases"][4]["below"][0]
        self.assertEqual((main["kind"], main["name"]), ("body", str(program)))
        seen = modules(main)
        self.assertGreaterEqual(seen["sleeps"]["self"]["time_ns"], 150e6)
        self.assertLess(seen["sleeps"]["self"]["cpu_ns"], 100e6)
        self.assertIn("reads", modules(seen["sleeps"]))
        self.assertGreaterEqual(seen["reads"]["self"]["read_bytes"], 3 << 20)
        self.assertGreaterEqual(seen["reads"]["self"]["files"], 1)
        self.assertLess(seen["sleeps"]["self"]["read_bytes"], 1 << 20)
        self.assertGreater(seen["grows"]["self"]["memory_bytes"], 35 << 20)
        # What another thread does for it counts, too.
        self.assertGreaterEqual(seen["threads"]["total"]["minor_faults"], 40 << 8)
        self.assertGreater(seen["threads"]["total"]["cpu_ns"], 1e6)
        self.assertEqual(seen["sleeps"]["file"], str(self.folder / "sleeps.py"))
        # What importlib imports is known by its file.
        self.assertIn("wave", modules(seen[str(self.folder / "plugin.py")]))

    def test_modules_are_those_of_the_interpreters_own_list(self):
        program = self.folder / "app.py"
        program.write_text("import json, email.message, http.client, sqlite3\n")
        done = subprocess.run([PYTHON, "-X", "importtime", program], capture_output=True, text=True, check=True)
        listed = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if re.match(r"import time: +\d", line)}
        start = self.start_of(PYTHON, program)
        seen = {name for phase in start["phases"] for name, node in modules(phase).items() if node["kind"] == "module"}
        self.assertLessEqual(listed - seen, set())
        # It lists what was found; asked for are also modules that are not there.
        self.assertIn("http.client", seen & listed)

    def test_a_native_program_and_its_flame_graph(self):
        svg, folded = self.folder / "start.svg", self.folder / "start.folded"
        done = cold("-o", svg, "-o", folded, "--", "/bin/sh", "-c", "exit 3")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("<svg", svg.read_text())
        stacks = dict(line.rsplit(" ", 1) for line in folded.read_text().splitlines())
        names = {stack.split(";")[-1] for stack in stacks}
        self.assertLessEqual({"fork", "exec", "loader", "program"}, names)
        text = cold("--", "/bin/true").stdout
        self.assertRegex(text, r"to its end\n +time ms .*\n.* fork\n.* exec\n.* loader\n.* program\n$")

    def test_sandboxes_of_the_embedded_host(self):
        harness.write_function(self.folder / "functions", "orders", "import json, decimal\n\ndef handler(event, context):\n"
                                                                    "    import colorsys\n    return 1\n")
        with harness.running(harness.Host(self.folder / "functions", self.folder / "host")) as host:
            out = self.folder / "starts.json"
            watching = harness.Daemon([harness.AUTOTUNE, "profile", "--cold", "-p", host.process.pid, "-o", out],
                                      "watching")
            self.assertTrue(host.invoke("orders", {}).ok)
            self.assertEqual(watching.stop(), 0, watching.output())
        starts = [s for s in json.loads(out.read_text())["starts"] if s["answered"]]
        self.assertEqual(len(starts), 1)
        phases = {p["name"]: p for p in starts[0]["phases"]}
        self.assertEqual(list(phases), ["fork", "exec", "loader", "runtime", "program", "ready", "handler"])
        self.assertIn("decimal", modules(phases["program"]))
        self.assertIn("colorsys", modules(phases["handler"]))

    def test_mistakes_are_one_clear_line(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        for arguments, status, words in [([], 2, "whose start"), (["-p", gone.pid], 1, str(gone.pid)),
                                         (["-o", "x.png", "--", "true"], 2, ".svg"), (["-p", 1, "--", "true"], 2, "")]:
            with self.subTest(arguments=arguments):
                done = cold(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
