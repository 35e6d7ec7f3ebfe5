#!/usr/bin/env python3
"""The canary judge and its peers on resampled callee times of three measured services.

bench/planning/canary.py [--runs 2000] [--pairs 2000] [--data ../shared/data/requests]. Tables as markdown on stdout; exit status 0
every bar is kept, 3 one is missed, 1 something did not work.
"""
import argparse
import csv
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
SERVICES = {"hotel": ("hotel_25", "frontend"), "media": ("media_25", "nginx"), "node": ("node_25", "service1")}
MOST_PAIRS = {"hotel": 230, "media": 75, "node": 75}  # median, to roll back a slowdown of 20 %
BOUNDED = ("independent", "rounded to ms", "drift of both", "common load, correlation 0.95")


def build():
    for command in (["cmake", "--preset", "bench"], ["cmake", "--build", "--preset", "bench", "--target", "canary_benchmark"]):
        subprocess.run(command, cwd=SOURCE, check=True, stdout=sys.stderr)
    return SOURCE / "build" / "bench" / "bench" / "planning" / "canary_benchmark"


def durations(data, file, service):
    with gzip.open(data / f"{file}.calls.csv.gz", "rt") as lines:
        return [(int(row["callee_end_us"]) - int(row["callee_start_us"])) / 1000 for row in csv.DictReader(lines)
                if row["callee"] == service]


def bars(cells):
    """What must hold, and whether it does."""
    for cell in (c for c in cells if c["judge"] == "autotune"):
        name = f"{cell['service']}, {cell['traffic']}"
        promoted = 100 * cell["promoted"] / cell["runs"]
        if cell["traffic"] == "2 % of ends not known":
            yield f"{name}, +{cell['slowdown'] - 1:.0%}: promoted, of missing data", promoted, "≤ 0 %", promoted == 0
        if cell["traffic"] not in BOUNDED:
            continue
        if cell["slowdown"] == 1.1:
            yield f"{name}: promoted at the boundary of 10 %", promoted, "≤ 5 %", promoted <= 5
        if cell["slowdown"] == 1.0 and cell["traffic"] in BOUNDED[:2]:
            yield f"{name}: promoted where nothing is slower", promoted, "≥ 95 %", promoted >= 95
        if cell["slowdown"] == 1.2 and cell["traffic"] in BOUNDED[:2]:
            median, most = cell["median_to_roll_back"], MOST_PAIRS[cell["service"]]
            yield f"{name}: median pairs to roll back 20 %", median, f"≤ {most}", 0 < median <= most


def print_tables(cells, held):
    print("| what | measured | bar | |\n| --- | --- | --- | --- |")
    for what, measured, bar, kept in held:
        print(f"| {what} | {measured:g} | {bar} | {'kept' if kept else 'MISSED'} |")
    print("\n| service | traffic | slower by | judge | promoted % | rolled back % | held % | median pairs to promote | to roll back |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for c in cells:
        share = [f"{100 * c[key] / c['runs']:.1f}" for key in ("promoted", "rolled_back", "held")]
        medians = ["–" if c[key] < 0 else str(c[key]) for key in ("median_to_promote", "median_to_roll_back")]
        print("|", " | ".join([c["service"], c["traffic"], f"{c['slowdown'] - 1:.0%}", c["judge"], *share, *medians]), "|")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--data", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("AUTOTUNE_SHARED", SOURCE / ".." / "shared")) / "data" / "requests")
    arguments = parser.parse_args()
    binary = build()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, (file, service) in SERVICES.items():
            path = pathlib.Path(folder) / name
            path.write_text("\n".join(map(str, durations(arguments.data, file, service))))
            files.append(f"{name}={path}")
        done = subprocess.run([binary, str(arguments.runs), str(arguments.pairs), *files], stdout=subprocess.PIPE, text=True, check=True)
    cells = [json.loads(line) for line in done.stdout.splitlines()]
    held = list(bars(cells))
    print_tables(cells, held)
    return 0 if all(kept for *_, kept in held) else 3


if __name__ == "__main__":
    sys.exit(main())
