#!/usr/bin/env python3
"""The wrapper as the platform sees it, on every Python there is, and the paths that rules name."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from world import SOURCE  # first: it says where the wrapper is
from autotune_remedy import paths


class Paths(unittest.TestCase):
    def test_finds_and_replaces_without_touching_the_event(self):
        event = {"order": {"items": [1, 2]}, "list": [{"a": 1}]}
        self.assertEqual(paths.find(event, "event.order.items"), [1, 2])
        self.assertEqual(paths.find(event, "event.list.0.a"), 1)
        self.assertIs(paths.find(event, "event.list.7"), paths.MISSING)
        self.assertIs(paths.find(event, "event"), event)
        other = paths.replaced(event, "event.order.items", [3])
        self.assertEqual((other["order"]["items"], event["order"]["items"]), ([3], [1, 2]))


class Wrapper(unittest.TestCase):
    def test_is_taken_for_the_function_by_every_python_there_is(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "app.py").write_text(
                "import os\ndef handler(event, context):\n    return [event, os.environ['_HANDLER']]\n")
            settings = {"handler": "app.handler", "timeout_s": 3, "remedies": {
                "cache": {"of": "results", "ttl_s": 1}, "handover": {"hops": 2}, "map_reduce": {"over": "event.items"}}}
            code = ("import autotune_remedy as a, json, types\n"
                    "c = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 3000)\n"
                    "print(json.dumps([a.handler({'n': 1}, c), a.handler({'n': 1}, c)]))")
            for python in [sys.executable, *os.environ.get("AUTOTUNE_PYTHONS", "").split()]:
                done = subprocess.run([python, "-c", code], capture_output=True, text=True, env={
                    "PYTHONPATH": "%s:%s" % (folder, SOURCE / "runtimes" / "remedy"), "AUTOTUNE_REMEDY": json.dumps(settings),
                    "PYTHONDONTWRITEBYTECODE": "1"})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(json.loads(done.stdout), [[{"n": 1}, "app.handler"]] * 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
