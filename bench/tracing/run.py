#!/usr/bin/env python3
"""Every tracing benchmark, each beside its peer in the same run, medians of 7: one table.

As root: bench/tracing/run.py [--build build/bench] [NAME…]. Builds what is missing (preset bench). NAME: only
benchmarks whose name holds it. The rows also go to BUILD/tracing.json. Exit status: 0 every bar is kept, 3 one is
missed, 1 a benchmark did not work. Peers that are not installed leave their rows' peer empty.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def build(folder):
    command = f". scripts/lib/common.sh; build {folder.name}"
    if subprocess.run(["bash", "-c", command], cwd=SOURCE).returncode:
        sys.exit("the benchmarks could not be built")


def rows_of(benchmark):
    """Its JSON lines, as they come; what it says to people goes through."""
    process = subprocess.Popen([str(benchmark)], stdout=subprocess.PIPE, text=True)
    rows = [json.loads(line) for line in process.stdout if line.startswith("{")]
    # 3: a bar is missed, which the rows tell.
    return rows, process.wait() in (0, 3)


def number(value):
    return "–" if value is None else f"{value:.4g}"


def print_table(rows):
    cells = [("what", "bar", "ours", "peer", "ours/peer", "")]
    for row in rows:
        cells.append((row["name"], "≤ " + number(row["bar"]), number(row["ours"]), number(row["peer"]), number(row["ratio"]),
                      "kept" if kept(row) else "MISSED"))
    widths = [max(len(row[i]) for row in cells) for i in range(6)]
    for row in cells:
        print("  ".join(text.ljust(w) if i in (0, 5) else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths))))


def kept(row):
    return row["ours"] <= row["bar"]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", type=pathlib.Path, default=SOURCE / "build/bench")
    options.add_argument("names", nargs="*", metavar="NAME")
    args = options.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: eBPF, and the peers' sake")
    build(args.build)
    benchmarks = sorted(p for p in (args.build / "bench/tracing").glob("tracing_*_benchmark")
                        if not args.names or any(name in p.name for name in args.names))
    if not benchmarks:
        sys.exit(f"there is no benchmark called {' or '.join(args.names)}")
    rows, broken = [], []
    for benchmark in benchmarks:
        print(f"— {benchmark.name}", file=sys.stderr, flush=True)
        found, works = rows_of(benchmark)
        rows += found
        if not works:
            broken.append(benchmark.name)
    print_table(rows)
    (args.build / "tracing.json").write_text(json.dumps(rows, indent=1) + "\n")
    if broken:
        sys.exit("did not work: " + ", ".join(broken))
    return 0 if all(map(kept, rows)) else 3


if __name__ == "__main__":
    sys.exit(main())
