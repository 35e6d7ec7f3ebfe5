#!/usr/bin/python3
"""The path from an invocation to a promoted repair, on Debian's kernel 6.1 with cgroup v2 alone, in an emulated
machine. Needs neither root nor KVM; qemu-system-x86, busybox-static, cpio, and Debian's archive once."""
import json
import pathlib
import shutil
import subprocess
import sys
import unittest

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "guest"))
import initramfs
import machine

CACHE = harness.BINARY_DIR / "guest"
TIME_LIMIT_S = 500  # it takes about a minute of an idle machine
KERNEL = "6.1."
RESULT = "GUEST RESULT "


class Guest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("qemu-system-x86_64", "busybox", "cpio", "strip"):
            if shutil.which(program) is None:
                harness.skip(f"{program} is not installed (qemu-system-x86, busybox-static, cpio, binutils)")
        try:
            cls.kernel = machine.kernel(CACHE, KERNEL)
        except machine.Unavailable as error:
            harness.skip(f"no kernel for the guest: {error}")

    def test_the_whole_path_holds_on_linux_6_1_with_cgroup_v2_alone(self):
        with harness.workspace() as folder:
            console = folder / "console.log"
            try:
                machine.boot(self.kernel, initramfs.build(folder, harness.AUTOTUNE), console, TIME_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.fail(f"the guest did not end within {TIME_LIMIT_S} s; its console:\n{self.read(console)}")
            text = self.read(console)
        told = [line.removeprefix(RESULT) for line in text.splitlines() if line.startswith(RESULT)]
        self.assertTrue(told, f"the guest told no result; its console:\n{text}")
        result = json.loads(told[-1])
        self.assertTrue(result["kernel"].startswith(KERNEL), result["kernel"])
        if not result["good"]:
            self.fail(f"in the guest; its console:\n{text}")
        self.assertGreaterEqual(len(result["tests"]), 9)
        print("\n".join(f"in the guest: {name}" for name in result["tests"]))

    @staticmethod
    def read(console):
        return console.read_text(errors="replace") if console.exists() else "(empty)"


if __name__ == "__main__":
    unittest.main(verbosity=2)
