#!/usr/bin/env python3
"""Who calls whom by owners: six functions and two servers on one address, keep-alive; what is found of what was really called.

bench/topology/owner.py [--binary build/release/autotune] [--requests 4000] [--at-once 4]

As root. The embedded host, functions in Python that call two HTTP servers and, through the host's Invoke API, each other, each
over connections that it keeps; the calls' ids serve the score only. The functions' names are of this run alone, so what others do
on this machine is in no score. Exit status 3 when an edge or a call is wrong.
"""
import argparse
import contextlib
import json
import os
import pathlib
import secrets
import signal
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--at-once", type=int, default=4)
    arguments = parser.parse_args()
    os.environ["AUTOTUNE_BINARY_DIR"] = str(arguments.binary.resolve().parent)
    sys.path.insert(0, str(SOURCE / "tests/e2e"))
    import harness
    import owner_scene

    with harness.workspace() as folder, contextlib.ExitStack() as stack:
        scene = owner_scene.Scene(folder, stack, suffix=f"-{os.getpid()}-{secrets.token_hex(3)}")
        watcher = harness.Daemon([harness.AUTOTUNE, "topology", "--for", "1h", "-o", folder / "graph.json"], "watching")
        began = time.monotonic()
        scene.send(arguments.requests, arguments.at_once)
        took = time.monotonic() - began
        watcher.process.send_signal(signal.SIGINT)
        _, status, used = os.wait4(watcher.process.pid, 0)  # its own, not the services'
        watcher.process.returncode = status = os.waitstatus_to_exitcode(status)
        watcher.stop()
        if status != 0:
            sys.exit(f"autotune topology ended with status {status}:\n{watcher.output()}")
        score = owner_scene.score(scene, json.loads((folder / "graph.json").read_text()))
    print(f"{arguments.requests} requests, {arguments.at_once} at once, in {took:.1f} s: {score['calls']} calls over {score['edges']} edges")
    print(f"edges: precision {score['precision']:.3f}, recall {score['recall']:.3f}")
    for what in ("surplus", "not_found"):
        for edge in score[what]:
            print(f"  {what.replace('_', ' ')}: {edge}")
    print(f"calls given to the right parent: {score['right']} of {score['calls']}; ambiguous {score['ambiguous']}, events lost {score['lost']}")
    print(f"autotune topology: {used.ru_utime + used.ru_stime:.2f} s of CPU, {used.ru_maxrss / 1024:.0f} MiB")
    good = (score["precision"] == score["recall"] == 1.0 and score["right"] == score["calls"] and not score["counts_differ"])
    if not good:
        print(json.dumps(score, indent=1))
    return 0 if good else 3


if __name__ == "__main__":
    sys.exit(main())
