#!/usr/bin/env python3
"""Reclustering's heuristic search beside the exact one on random graphs, and its time on a large one.

bench/planning/recluster.py [--graphs 1000] [--large 500] [--seed 20261126]. Tables as markdown on stdout; exit status 0 every bar
is kept, 3 one is missed, 1 something did not work.
"""
import argparse
import json
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def build():
    for command in (["cmake", "--preset", "bench"], ["cmake", "--build", "--preset", "bench", "--target", "recluster_benchmark"]):
        subprocess.run(command, cwd=SOURCE, check=True, stdout=sys.stderr)
    return SOURCE / "build" / "bench" / "bench" / "planning" / "recluster_benchmark"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=1000)
    parser.add_argument("--large", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20_261_126)
    arguments = parser.parse_args()
    done = subprocess.run([build(), str(arguments.graphs), str(arguments.large), str(arguments.seed)], stdout=subprocess.PIPE, text=True, check=True)
    small, large = map(json.loads, done.stdout.splitlines())
    bars = (("random graphs of 2 to 12 functions within 2 % of the exact search", small["within_2_pct"], f"{arguments.graphs}",
             small["within_2_pct"] == arguments.graphs),
            (f"{arguments.large} functions, seconds", large["seconds"], "< 5", large["seconds"] < 5))
    print("| what | measured | bar | |\n| --- | --- | --- | --- |")
    for what, measured, bar, kept in bars:
        print(f"| {what} | {measured:g} | {bar} | {'kept' if kept else 'MISSED'} |")
    print(f"\nThe same grouping's cost in {small['same']}; worst {small['worst_pct']:.2f} % above; something to fuse in {small['fused']}. "
          f"All exact searches {small['exact_s']:.2f} s, all heuristic ones {small['heuristic_s']:.2f} s.")
    return 0 if all(kept for *_, kept in bars) else 3


if __name__ == "__main__":
    sys.exit(main())
