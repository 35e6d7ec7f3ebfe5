#!/usr/bin/env python3
"""Every profiling benchmark, each beside its peers in the same run: one table.

As root: bench/profiling/run.py [--binary build/release/autotune] [NAME…]. NAME: only scripts of this folder whose name holds it.
What a benchmark says to people goes to stderr as it comes. Exit status: 0 every bar is kept, 3 one is missed, 1 a benchmark did
not work. Peers that are not installed leave their rows' peer empty.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]


def rows_of(script, binary):
    process = subprocess.Popen([sys.executable, script, "--binary", binary], stdout=subprocess.PIPE, text=True)
    rows = [json.loads(line) for line in process.stdout if line.startswith("{")]
    # 3: a bar is missed, which the rows tell.
    return [row for row in rows if "bar" in row], process.wait() in (0, 3)


def number(value):
    return "–" if value is None else f"{value:.4g}" if isinstance(value, (int, float)) else str(value)


def kept(row):
    return row["ours"] <= row["bar"]


def print_table(rows):
    cells = [("what", "bar", "ours", "peer", "")]
    for row in rows:
        cells.append((row["name"], "≤ " + number(row["bar"]), number(row["ours"]), number(row.get("peer")), "kept" if kept(row) else "MISSED"))
    widths = [max(len(cell[i]) for cell in cells) for i in range(len(cells[0]))]
    for cell in cells:
        print("  ".join(text.ljust(width) for text, width in zip(cell, widths)).rstrip())


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    options.add_argument("names", nargs="*", metavar="NAME")
    args = options.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: eBPF, and the peers' sake")
    scripts = sorted(p for p in HERE.glob("*.py")
                     if p.name != "run.py" and (not args.names or any(name in p.stem for name in args.names)))
    if not scripts:
        sys.exit(f"there is no benchmark called {' or '.join(args.names)}")
    rows, broken = [], []
    for script in scripts:
        print(f"— {script.stem}", file=sys.stderr, flush=True)
        found, works = rows_of(script, args.binary.resolve())
        rows += found
        if not works:
            broken.append(script.stem)
    print_table(rows)
    if broken:
        sys.exit("did not work: " + ", ".join(broken))
    return 0 if all(map(kept, rows)) else 3


if __name__ == "__main__":
    sys.exit(main())
