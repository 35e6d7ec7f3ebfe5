#!/usr/bin/env python3
"""What it costs a Python program that each of its allocations is told, beside tracemalloc in the same run.

bench/profiling/allocations.py [--binary build/release/autotune] [--rounds 7] [--python /usr/bin/python3]

The program makes and throws away objects 20 calls deep: bytes of 100 bytes each time from one line, and lists from ten lines in
turn. It tells nanoseconds an allocation, itself: by itself, in `autotune profile --mode allocations`, as root also with `--function` (when it
was is told too), under tracemalloc with one frame (its default) and with 25. The cost is the difference to by itself, of medians; they
take turns, so that what else the machine does falls on all.

Prints one JSON line a row; exit status 3 when a bar is missed.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from rows import row

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = '''
import json, sys, time, tracemalloc
unit, N = b"x", 100_000
numbers = range(N)
def same():
    for i in numbers:
        unit * 100
def others():
    for i in range(N // 10):
        [i]; [i, i]; [i]; [i, i]; [i]
        [i]; [i, i]; [i]; [i, i]; [
            i]
def at(depth, function):
    if depth: return at(depth - 1, function)
    begin = time.thread_time_ns()
    function()
    return time.thread_time_ns() - begin
frames = int(sys.argv[1])
if frames: tracemalloc.start(frames)
told = {f.__name__: min(at(18, f) for _ in range(5)) / N for f in (same, others)}
print(json.dumps(told))
'''


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    options.add_argument("--python", default="/usr/bin/python3")
    options.add_argument("--rounds", type=int, default=7)
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "program.py")
        program.write_text(PROGRAM)
        out = pathlib.Path(folder, "out.folded")
        ways = {"plain": [args.python, program, "0"],
                "ours": [args.binary, "profile", "--mode", "allocations", "-o", out, "--", args.python, program, "0"],
                "tracemalloc": [args.python, program, "1"],
                "tracemalloc, 25 frames": [args.python, program, "25"]}
        if os.geteuid() == 0:  # that no invocation ended is an error, after the program has told
            ways["ours, by invocation"] = [*ways["ours"][:4], "--function", "*", *ways["ours"][4:]]
        told = {way: [] for way in ways}
        for _ in range(args.rounds):
            for way, command in ways.items():
                printed = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                                         check=way != "ours, by invocation").stdout
                told[way].append(json.loads(printed))
    kept = True
    for function, what in (("same", "one line"), ("others", "lines in turn")):
        ns = {way: statistics.median(each[function] for each in rounds) for way, rounds in told.items()}
        cost = {way: ns[way] - ns["plain"] for way in ns}
        says = f"plain {ns['plain']:.1f} ns; with ours {ns['ours']:.1f}, tracemalloc {ns['tracemalloc']:.1f}, 25 frames {ns['tracemalloc, 25 frames']:.1f}"
        kept &= row(f"an allocation told, {what}, 20 deep: ns, beside tracemalloc with 25 frames", 0.5 * cost["tracemalloc, 25 frames"],
                    cost["ours"], cost["tracemalloc, 25 frames"], args.rounds, says)
        kept &= row(f"an allocation told, {what}, 20 deep: ns, beside tracemalloc with its one frame", cost["tracemalloc"],
                    cost["ours"], cost["tracemalloc"], args.rounds, says)
        if "ours, by invocation" in cost:
            kept &= row(f"an allocation told with its invocation, {what}, 20 deep: ns, beside tracemalloc with its one frame",
                        cost["tracemalloc"], cost["ours, by invocation"], cost["tracemalloc"], args.rounds, says)
    return 0 if kept else 3


if __name__ == "__main__":
    sys.exit(main())
