#!/usr/bin/env python3
"""The dispatcher of groups and threads: whose time and request a call is for that a thread of a pool makes."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]

# As much of botocore as the dispatcher looks at.
CLIENT = '''
import types


class BaseClient:
    meta = types.SimpleNamespace(service_model=types.SimpleNamespace(service_name="lambda"))

    def _make_api_call(self, operation, arguments):
        raise AssertionError("this went out: %s" % arguments)
'''
RESPONSE = '''
class StreamingBody:
    def __init__(self, raw, length):
        self.read = raw.read
'''
CALLER = '''
import concurrent.futures, contextvars, json
import botocore.client
client = botocore.client.BaseClient()
pool = concurrent.futures.ThreadPoolExecutor(1)
own = contextvars.ContextVar("own", default="a thread's own")


def invoke(function, event):
    answer = client._make_api_call("Invoke", {"FunctionName": function, "Payload": json.dumps(event)})
    return json.loads(answer["Payload"].read())
'''
ENTRY = CALLER + '''
def handler(event, context):
    own.set("the function's")
    if event.get("through_middle"):
        invoke("middle", event)
    seen = pool.submit(invoke, "leaf", event).result()
    return dict(seen, own=pool.submit(own.get).result())
'''
MIDDLE = '''
from entry_pool import invoke, pool


def handler(event, context):
    return pool.submit(invoke, "leaf", event).result()
'''
LEAF = '''
def handler(event, context):
    return {"left": context.get_remaining_time_in_millis(), "memory": context.memory_limit_in_mb}
'''
# Two invocations of the platform, told by what they say of the memory; the first one's time is up when the second comes.
STORY = '''
import json, sys
import autotune_group


class Context:
    def __init__(self, memory, left):
        self.memory_limit_in_mb, self.left = memory, left

    def get_remaining_time_in_millis(self):
        return self.left


first, second = Context(1, 2000), Context(2, 2000)
events = json.loads(sys.argv[1])
said = [autotune_group.handler(events[0], first)]
first.left = 0
print(json.dumps(said + [autotune_group.handler(events[1], second)]))
'''


class GroupThreads(unittest.TestCase):
    def told(self, *events):
        config = {"entry": "entry", "members": {n: {"handler": "app.handler", "timeout_s": s} for n, s in
                                                (("entry", 3), ("middle", 0.000001), ("leaf", 3))}}
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            shutil.copy(SOURCE / "runtimes" / "group" / "autotune_group.py", folder)
            middle = MIDDLE.replace("entry_pool", "autotune_members.entry.app")
            for file, text in (("autotune_group.json", json.dumps(config)), ("botocore/__init__.py", ""), ("story.py", STORY),
                               ("botocore/client.py", CLIENT), ("botocore/response.py", RESPONSE), ("members/entry/app.py", ENTRY),
                               ("members/middle/app.py", middle), ("members/leaf/app.py", LEAF)):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_text(text)
            done = subprocess.run([sys.executable, folder / "story.py", json.dumps(events)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_pool_that_outlives_an_invocation_works_for_the_next_one(self):
        first, second = self.told({}, {})
        self.assertEqual((first["memory"], second["memory"]), (1, 2))
        self.assertGreater(first["left"], 0)
        self.assertGreater(second["left"], 0)

    def test_a_thread_that_was_begun_for_a_call_which_is_over_works_for_the_caller(self):
        first, _ = self.told({"through_middle": True}, {})
        self.assertGreater(first["left"], 0)

    def test_threads_have_their_own_variables_as_ever(self):
        self.assertEqual(self.told({}, {})[0]["own"], "a thread's own")


if __name__ == "__main__":
    unittest.main()
