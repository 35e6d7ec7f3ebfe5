#!/usr/bin/env python3
"""The demonstration does what README.md says: repairs both broken functions, within its time, with proof."""
import json
import subprocess
import sys
import unittest

import harness


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()

    @harness.played_again
    def test_repairs_both_functions_and_proves_it(self):
        with harness.workspace() as folder:
            done = subprocess.run([sys.executable, str(harness.SOURCE / "scripts/demo.py"), "--binary",
                                   str(harness.AUTOTUNE), "--out", str(folder / "demo")], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            report = json.loads((folder / "demo/report.json").read_text())
            functions = {f["name"]: f for f in report["functions"]}
            self.assertLessEqual(report["loop_s"], 90)
            for name, symptom in (("thumbnail", "oom"), ("report", "timeout")):
                f = functions[name]
                self.assertEqual((f["symptom"], f["verdict"]), (symptom, "promoted"))
                self.assertGreaterEqual(f["pairs"], 7)
                self.assertGreater(f["before"]["error_rate"], 0.2)
                self.assertLess(f["after"]["error_rate"], 0.02)
                self.assertGreater(f["after"]["memory_mb"], f["before"]["memory_mb"])
                self.assertTrue((folder / "demo/agent/flames" / f"{name}.svg").stat().st_size > 1000)
            self.assertTrue(functions["thumbnail"]["evidence"]["kill_time"])
            self.assertIn("thumbnail", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
