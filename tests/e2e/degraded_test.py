#!/usr/bin/env python3
"""Where the kernel or the user allows no measurements, doctor and the loop say what is missing, how to get it
and what still works; the loop stays up and does the rest."""
import contextlib
import json
import os
import subprocess
import unittest

import harness

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
RULES = "version: 1\nrules:\n- {name: never, when: fn.invocations < 0, plan: [{notify: {}}]}\n"


class Degraded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
            harness.skip("mount namespaces are not allowed here")

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = stack.enter_context(harness.workspace())
        self.folder.chmod(0o755)
        self.rules = self.folder / "rules.yaml"
        self.rules.write_text(RULES)
        self.home = self.folder / "home"
        self.home.mkdir()
        os.chown(self.home, NOBODY, NOBODY)
        (self.folder / "functions").mkdir()
        self.host = stack.enter_context(harness.running(harness.Host(self.folder / "functions", self.folder / "host")))

    def without_btf(self):
        """The words before a command that hide the kernel's types from it, in a mount namespace of its own."""
        empty = self.folder / "empty"
        empty.touch()
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /sys/kernel/btf/vmlinux && exec "$@"', empty]

    def assert_doctor_says(self, wrapper, missing, still):
        """`missing`: {check: what its remedy must name}; `still`: what of the report's works."""
        done = harness.run("doctor", "--json", wrapper=wrapper)
        self.assertEqual((done.returncode, done.stderr), (3, ""))
        report = json.loads(done.stdout)
        self.assertEqual(report["backend"], "ptrace")
        checks = {c["name"]: c for c in report["checks"]}
        for name, remedy in missing.items():
            self.assertEqual((checks[name]["status"], checks[name]["required"]), ("missing", True), checks[name])
            self.assertIn(remedy, checks[name]["remedy"])
        self.assertIn(still, " ".join(report["works"]))
        self.assertNotIn(still, " ".join(report["lacking"]))
        self.assertIn("invocations", " ".join(report["lacking"]))
        table = harness.run("doctor", wrapper=wrapper)
        self.assertEqual(table.returncode, 3)
        for part in ("to get it: ", "works here:", "does not:", "backend: ptrace, on single programs", *missing.values()):
            self.assertIn(part, table.stdout)

    def assert_loop_goes_on(self, wrapper, reason):
        """`reason`: what both stderr and /-/ready must tell."""
        agent = harness.Agent(self.rules, self.host, self.home / "state", wrapper=wrapper, env={"HOME": str(self.home)}, everywhere=True)
        with harness.running(agent):
            status, why = harness.wait_for("a reason", lambda: (a := agent.get("/-/ready"))[1].count(reason) and a)
            self.assertEqual(status, 503)
            self.assertRegex(why, r"^autotune is not ready: no measurements: [^\n]*; see autotune doctor\n$")
            self.assertEqual(agent.get("/-/healthy")[0], 200)
            harness.wait_for("the metrics to tell of it",
                             lambda: agent.metrics()["autotune_agent_missing_capabilities"] == 1)
            self.assertEqual(agent.metrics()["autotune_agent_attached"], 0)
            said = next(line for line in agent.lines if "no measurements" in line)
            for part in (reason, "Still working: ", "metrics are served", "autotune doctor"):
                self.assertIn(part, said)
            self.assertTrue(agent.alive())
            self.assertEqual(agent.stop(), 0)

    def test_without_root(self):
        self.assert_doctor_says(AS_NOBODY, {"capabilities": "run as root or with sudo"}, "checking rules")
        self.assert_loop_goes_on(AS_NOBODY, "run as root, or with CAP_BPF, CAP_PERFMON")

    def test_without_the_kernels_types(self):
        wrapper = self.without_btf()
        self.assert_doctor_says(wrapper, {"btf": "CONFIG_DEBUG_INFO_BTF=y"}, "the embedded host")
        self.assert_loop_goes_on(wrapper, "CONFIG_DEBUG_INFO_BTF=y")

    def test_what_needs_no_kernel_works_without_root(self):
        self.assertEqual(harness.run("rules", "check", self.rules, wrapper=AS_NOBODY).returncode, 0)
        with harness.running(harness.Agent(self.rules, self.host, self.home / "state", wrapper=AS_NOBODY, everywhere=True)) as agent:
            self.assertEqual(agent.stop(), 0)
        verified = harness.run("history", "--state", self.home / "state", "--verify", wrapper=AS_NOBODY)
        self.assertEqual(verified.returncode, 0, verified.stderr)

    def test_the_host_without_root_says_what_it_needs(self):
        done = harness.run("host", "--functions", self.folder / "functions", "--listen", "127.0.0.1:0", "--state",
                           self.home / "host", wrapper=AS_NOBODY)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^autotune host: [^\n]*run as root[^\n]*Permission denied\n$")


if __name__ == "__main__":
    unittest.main(verbosity=2)
