#!/usr/bin/env python3
"""Every profiling benchmark, each beside its peers in the same run: one table.

As root: bench/profiling/run.py [--quick] [--binary build/release/autotune] [NAME…]. NAME: only scripts of this folder whose name
holds it. --quick: shorter and once; the rows of cost and of 50 runs are then not what the bars are for, and the start weighs more.

What a benchmark says to people goes to stderr as it comes. Exit status: 0 every bar is kept, 3 one is missed, 4 none is missed, but
rows were left out for want of something (the table says what), 1 a benchmark did not work. All rows need the packages linux-perf,
golang-1.19-go, chromium, npm, nodejs and g++, and AUTOTUNE_PYTHONS ("/path/a:/path/b") with CPython 3.8 to 3.13; peers without a
bar, bpftrace and flamegraph.pl, leave their rows' peer empty.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
QUICK = {"allocations": ["--rounds", "1"], "black_box": ["--runs", "5"], "modes": ["--seconds", "5", "--rounds", "1"], "views": ["--rounds", "1"]}


def rows_of(script, binary, options):
    process = subprocess.Popen([sys.executable, script, "--binary", binary, *options], stdout=subprocess.PIPE, text=True)
    rows = [json.loads(line) for line in process.stdout if line.startswith("{")]
    rows = [row for row in rows if "bar" in row]
    return rows, process.wait() == (0 if all(map(kept, rows)) else 3)


def number(value):
    return "–" if value is None else f"{value:.4g}" if isinstance(value, (int, float)) else str(value)


def kept(row):
    return "left_out" in row or row["ours"] <= row["bar"]


def verdict(row):
    return f"left out: {row['left_out']}" if "left_out" in row else "kept" if kept(row) else "MISSED"


def print_table(rows):
    cells = [("what", "bar", "ours", "peer", "")]
    for row in rows:
        bar = "–" if row["bar"] is None else "≤ " + number(row["bar"])
        cells.append((row["name"], bar, number(row["ours"]), number(row.get("peer")), verdict(row)))
    widths = [max(len(cell[i]) for cell in cells) for i in range(len(cells[0]))]
    for cell in cells:
        print("  ".join(text.ljust(width) for text, width in zip(cell, widths)).rstrip())


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    options.add_argument("--quick", action="store_true", help="shorter and once: whether all works, not what it costs")
    options.add_argument("names", nargs="*", metavar="NAME")
    args = options.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: eBPF, and the peers' sake")
    scripts = sorted(p for p in HERE.glob("*.py")
                     if p.stem not in ("run", "rows") and (not args.names or any(name in p.stem for name in args.names)))
    if not scripts:
        sys.exit(f"there is no benchmark called {' or '.join(args.names)}")
    rows, broken = [], []
    for script in scripts:
        print(f"— {script.stem}", file=sys.stderr, flush=True)
        found, works = rows_of(script, args.binary.resolve(), QUICK.get(script.stem, []) if args.quick else [])
        rows += found
        if not works:
            broken.append(script.stem)
    print_table(rows)
    if broken:
        sys.exit("did not work: " + ", ".join(broken))
    if not all(map(kept, rows)):
        return 3
    return 4 if any("left_out" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
