#!/usr/bin/env python3
"""What the wrapper costs a function that does nothing: its import at the start of a sandbox, and each call.

Medians of nine processes, beside the function alone in the same run.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

WRAPPER = pathlib.Path(__file__).resolve().parents[2] / "runtimes" / "remedy"
CALLS = 20_000
PROGRAM = """
import time, types
begin = time.perf_counter()
import {module} as wrapped
imported = time.perf_counter() - begin
context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 3000)
event = {{"n": 1, "items": [1, 2, 3]}}
for _ in range(2000):
    wrapped.handler(event, context)
begin = time.perf_counter()
for _ in range({calls}):
    wrapped.handler(event, context)
print(imported * 1e3, (time.perf_counter() - begin) / {calls} * 1e6)
"""
REMEDIES = {"none": None, "cache answers": {"cache": {"of": "answers"}}, "cache results, from memory": {"cache": {"of": "results", "check_first": 0, "check_every": 0}},
            "handover": {"handover": {}}, "map_reduce": {"map_reduce": {"over": "event.items"}}}


def measure(folder, remedies):
    """Milliseconds of the import, microseconds a call."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{folder}:{WRAPPER}"}
    if remedies is not None:
        env["AUTOTUNE_REMEDY"] = json.dumps({"handler": "app.handler", "timeout_s": 3, "remedies": remedies})
    program = PROGRAM.format(module="app" if remedies is None else "autotune_remedy", calls=CALLS)
    runs = [subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True).stdout.split()
            for _ in range(9)]
    return [statistics.median(float(run[i]) for run in runs) for i in (0, 1)]


def main():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "app.py").write_text("def handler(event, context):\n    return event\n")
        for name, remedies in REMEDIES.items():
            imported, call = measure(folder, remedies)
            print(f"{name:28} import {imported:5.1f} ms   call {call:6.2f} µs", flush=True)


if __name__ == "__main__":
    main()
