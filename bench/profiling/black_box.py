#!/usr/bin/env python3
"""Functions that are killed, and whether the black box has the culprit's line on top: N runs of each kind.

Python and C (-O2, without frame pointers) functions on the embedded host, watched by the agent: killed at the deadline
while they compute, at the deadline while they wait, and at the memory limit. A run counts when the innermost frame of the
culprit's thread that is the function's own is the marked line, no frame of the function is above it, and the stack,
calls, open files and memory are there. As root: bench/profiling/black_box.py [--runs N] [--binary build/release/autotune].
The last line is JSON. Exit status 3 when a row is not N of N.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

from rows import row

SOURCE = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PATIENCE_S = 30
TOGETHER = 4  # invocations at a time

PYTHON = '''
import mmap, os

def spin():
    n = 0
    while True: n += 1  # culprit: spin

def wait_for_nobody():
    ends = os.pipe()
    os.read(ends[0], 1)  # culprit: wait

def grow():
    block = mmap.mmap(-1, 1 << 30)
    for offset in range(0, len(block), 4096): block[offset] = 1  # culprit: grow

def handler(event, context):
    for i in range(40): os.path.exists(f"/black-box/{i}")  # what is to be found among the last system calls
    {"spin": spin, "wait": wait_for_nobody, "grow": grow}[event["how"]]()
'''
RULES = '''
version: 1
rules:
- {name: killed, when: fn.oom_count > 0 || fn.timeouts > 0, plan: [{notify: {suggest: split}}]}
'''
KINDS = [(language, how) for language in ("python", "c") for how in ("spin", "wait", "grow")]
WHAT = {"spin": "deadline, computing", "wait": "deadline, waiting", "grow": "memory limit"}
STATUS = {"spin": "timeout", "wait": "timeout", "grow": "oom"}


def marked(source):
    return {line.rpartition("culprit: ")[2].strip(): number
            for number, line in enumerate(source.splitlines(), 1) if "culprit: " in line}


def wrong(box, how, file, line):
    """What is wrong with a black box; empty: nothing."""
    if box["status"] != STATUS[how] or box["out_of_memory"] != (how == "grow"):
        return f"status {box['status']}, out of memory: {box['out_of_memory']}"
    if not box["threads"]:
        return "no thread"
    frames = box["threads"][0]["frames"]
    own = [f for f in frames if f["file"].endswith(file)]
    if not own or own[0]["line"] != line:
        return f"on top of the function's own is {own[:1] or frames[:3]}"
    if not box["culprit_file"].endswith(file) or box["culprit_line"] != line:
        return f"the culprit is {box['culprit']}"
    if box["threads"][0]["truncated"] or not any(f["name"] in ("_start", "<module>") for f in frames[-1:]):
        return f"the stack ends at {frames[-1]}"
    texts = [c["text"] for c in box["calls"] if c["text"].startswith("/black-box/")]
    if len(box["calls"]) != 32 or texts != [f"/black-box/{40 - len(texts) + i}" for i in range(len(texts))] or len(texts) < 20:
        return f"{len(box['calls'])} calls: {texts}"
    if how == "wait" and not (box["calls"][-1]["name"] == "read" and box["calls"][-1]["interrupted"]):
        return f"the last call is {box['calls'][-1]}"
    if not any(" -> 127.0.0.1:" in f["what"] for f in box["files"]):
        return "the socket to the Runtime API is not among the open files"
    if how == "grow" and box["memory"]["anonymous"] + box["memory"]["shared"] < box["memory"]["group_limit"] // 2:
        return f"memory {box['memory']}"
    return ""


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=50)
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    args = options.parse_args()
    os.environ["AUTOTUNE_BINARY_DIR"] = str(args.binary.resolve().parent)
    sys.path.insert(0, str(SOURCE / "tests/e2e"))
    import harness

    harness.need_root()
    native = HERE / "black_box_function.c"
    lines = {"python": ("handler.py", marked(PYTHON)), "c": (native.name, marked(native.read_text()))}
    with harness.workspace() as folder:
        for language, how in KINDS:
            function = harness.write_function(folder / "functions", f"{language}-{how}", PYTHON, memory_mb=256,
                                              timeout="3s" if how != "grow" else "60s",
                                              runtime="python3.11" if language == "python" else "provided.al2023")
            if language == "c":
                subprocess.run(["cc", "-O2", "-g", "-fomit-frame-pointer", "-o", function / "bootstrap", native], check=True)
        (folder / "rules.yaml").write_text(RULES)
        with harness.running(harness.Host(folder / "functions", folder / "host")) as host, \
                harness.running(harness.Agent(folder / "rules.yaml", host, folder / "agent", "--budget", "off")) as agent:
            agent.wait_ready()

            def run(language, how):
                answer = host.invoke(f"{language}-{how}", {"how": how})
                found = folder / "agent" / "black_boxes" / f"{answer.request_id}.json"
                try:
                    harness.wait_for("the black box", found.exists, PATIENCE_S)
                except AssertionError:
                    return {}, f"no black box; the answer was {answer.body[:200]!r}"
                shown = harness.run("profile", "--black-box", answer.request_id, "--state", folder / "agent", "--json")
                if shown.returncode != 0:
                    return {}, shown.stderr
                box = json.loads(shown.stdout)
                file, known = lines[language]
                return box, wrong(box, how, file, known[how])

            rows = {}
            with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
                for language, how in KINDS:
                    rows[language, how] = list(pool.map(lambda _: run(language, how), range(args.runs)))
            told = harness.wait_for("the culprit in a notification", lambda: [
                line.strip() for line in agent.lines if "it was at " in line], PATIENCE_S)

    print(f"{'function':<10} {'killed at':<22} {'right':>9} {'memory by mapping':>18} {'looked at before (median)':>26}", file=sys.stderr)
    result, good = [], True
    for (language, how), runs in rows.items():
        right = sum(not problem for _, problem in runs)
        weighed = sorted(box["memory"]["mappings_before_ns"] / 1e6 for box, _ in runs if box and box["memory"]["mappings"])
        median = weighed[len(weighed) // 2] if weighed else None
        good &= right == args.runs
        print(f"{language:<10} {WHAT[how]:<22} {right:>4} of {args.runs:<2} {len(weighed):>15} of {args.runs:<2}"
              f"{'-' if median is None else f'{median:.1f} ms':>20}", file=sys.stderr)
        for problem in sorted({problem for _, problem in runs if problem}):
            print(f"    {problem}", file=sys.stderr)
        row(f"black box, {language}, {WHAT[how]}: runs of {args.runs} without the culprit's line on top", 0, args.runs - right)
        result.append({"function": language, "killed_at": WHAT[how], "right": right, "runs": args.runs,
                       "with_mappings": len(weighed), "mappings_before_ms": median})
    print(f"a notification says: {told[0]}", file=sys.stderr)
    print(json.dumps({"black_box": result}))
    return 0 if good else 3


if __name__ == "__main__":
    sys.exit(main())
