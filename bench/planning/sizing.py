#!/usr/bin/env python3
"""`autotune size` and its peers on measured curves: regret, share near the best, limits, what the search itself costs.

bench/planning/sizing.py [--seeds 200] [--data ../shared/data/sizing] [--only lambda|k8s]
[--half judge|train|all] [--jobs N] [--autotune PROGRAM]. Tables as markdown on stdout, the same for every N; each curve that is
done on stderr; exit status 0 every bar is kept, 3 one is missed, 1 something did not work. Peers: sizing_peers.py.

The tuner's constants were chosen with the train half in view; the tables are of the judge half. Each curve and seed is a table of calls drawn with replacement, twelve a size; of cells with one or two runs (k8s) each draw is
multiplied by log-normal noise, σ 0.08. Every strategy draws from that table, in its order. Judged by the mean of all runs of a size.
The peers, which do not look at peaks, are told them: they see only sizes that hold the largest; "too small, not told" is what they
choose of all sizes. Feasible are sizes that hold the largest peak 1.15 times, at which no run was killed and fewer failed than succeeded.
"""
import argparse
import collections
import csv
import gzip
import json
import math
import multiprocessing
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

import sizing_peers

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DRAWS = 12
OBJECTIVES = ("cost", "balanced:0.5", "fastest-within:10")


def build():
    for command in (["cmake", "--preset", "bench"], ["cmake", "--build", "--preset", "bench", "--target", "autotune"]):
        subprocess.run(command, cwd=SOURCE, check=True, stdout=sys.stderr)
    return SOURCE / "build" / "bench" / "autotune"


class Curve:
    """All runs of one function with one input, and what is true of it."""

    def __init__(self, name, runs, noise):
        self.name, self.noise = name, noise
        self.cells = collections.defaultdict(list)
        for run in runs:
            self.cells[int(run["memory_mb"])].append((float(run["duration_ms"] or 0), run["max_memory_mb"], run["status"]))
        self.floor = 1.15 * max(float(run["max_memory_mb"] or 0) for run in runs)
        self.ms = {mb: statistics.mean(ms for ms, _, status in cell if status == "ok")
                   for mb, cell in self.cells.items() if any(status == "ok" for *_, status in cell)}
        self.feasible = sorted(mb for mb in self.cells if mb >= self.floor and self.works(mb))
        self.once = sum(mb * self.ms[mb] for mb in self.feasible)

    def works(self, mb):
        ends = collections.Counter(status for *_, status in self.cells[mb])
        return ends["timeout"] + ends["oom"] == 0 and ends["error"] < ends["ok"]

    def drawn(self, seed):
        """{size: calls}, a call being (ms, peak, status)."""
        draw = random.Random(f"{self.name} {seed}")
        spread = lambda: math.exp(draw.gauss(0, self.noise)) if self.noise else 1
        return {mb: [(ms * spread(), peak, status) for ms, peak, status in draw.choices(self.cells[mb], k=DRAWS)]
                for mb in sorted(self.cells)}

    def judged(self, objective, mb):
        """Regret, whether it fails there, whether it costs more than the limit. What fails has a regret of 100 %; what costs more than
        the limit, the larger of what it is slower and dearer than it may be."""
        if mb not in self.ms:
            return 1, True, False
        among = {m: self.ms[m] for m in self.feasible}
        best = min(sizing_peers.values(objective, among).values())
        found = sizing_peers.values(objective, {**among, mb: self.ms[mb]})[mb]
        over = math.isinf(found)
        if over:
            limit = (1 + float(objective.partition(":")[2]) / 100) * min(m * ms for m, ms in among.items())
            found = max(self.ms[mb], best * mb * self.ms[mb] / limit)
        return max(0, found / best - 1), mb not in self.feasible, over


def lambda_curves(data):
    runs = collections.defaultdict(list)
    with gzip.open(data / "lambda-s3put.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            runs[row["curve"]].append(row)
    return [Curve(name, rows, 0) for name, rows in sorted(runs.items())]


def k8s_curves(data):
    runs = collections.defaultdict(list)
    with gzip.open(data / "k8s-emulated-lambda.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            runs[f"{row['curve']} {row['input_bytes']}"].append(row)
    return [curve for curve in (Curve(name, rows, 0.08) for name, rows in sorted(runs.items())) if len(curve.feasible) > 1]


def half_of(curves, half):
    """Every other function; inputs of one are not divided."""
    functions = sorted({curve.name.split()[0] for curve in curves})
    return [curve for curve in curves if half == "all" or functions.index(curve.name.split()[0]) % 2 == ["train", "judge"].index(half)]


class Ours:
    name = "autotune"

    def __init__(self, binary, folder):
        self.binary, self.path = binary, pathlib.Path(folder) / "calls.csv"

    def take(self, table):
        self.path.write_text("memory_mb,duration_ms,max_memory_mb,status\n" + "".join(
            f"{mb},{ms!r},{peak},{status}\n" for mb, calls in table.items() for ms, peak, status in calls))

    def run(self, table, objective, seed):
        done = subprocess.run([self.binary, "size", "--replay", self.path, "--objective", objective, "--seed", str(seed)],
                              capture_output=True, text=True)
        if done.returncode not in (0, 3):  # 3: there is a finding, and no size or a doubtful one
            raise subprocess.CalledProcessError(done.returncode, done.args, stderr=done.stderr)
        self.told = json.loads(done.stdout)
        return self.told["memory_mb"], 1024e3 * self.told["spent_gb_s"]


def rows_of_curve(work):
    """{(objective, strategy): [(regret, fails, over the limit, exploration, too small where not told)]} of a curve, a row a seed."""
    curve, binary, seeds = work
    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(binary, folder)
        for seed in range(seeds):
            table = curve.drawn(seed)
            ours.take(table)
            told = {mb: calls for mb, calls in table.items() if mb >= curve.floor}
            for objective in OBJECTIVES:
                for strategy in (ours, *sizing_peers.ALL):
                    mb, spent = strategy.run(table if strategy is ours else told, objective, seed)
                    unaware = mb if len(told) == len(table) or strategy is ours else strategy.run(table, objective, seed)[0]
                    found[objective, strategy.name].append((*curve.judged(objective, mb), spent / curve.once, unaware < curve.floor))
    return found


def rows_of(data, curves, binary, seeds, jobs):
    """Those of all curves, in their order whoever is done first."""
    all_found = collections.defaultdict(list)
    with multiprocessing.Pool(jobs) as pool:
        for done, (curve, found) in enumerate(zip(curves, pool.imap(rows_of_curve, [(c, binary, seeds) for c in curves])), 1):
            for what, rows in found.items():
                all_found[what] += rows
            print(f"{data}: {done} of {len(curves)} curves, {curve.name}", file=sys.stderr, flush=True)
    return all_found


class Summary:
    def __init__(self, runs):
        regrets = sorted(run[0] for run in runs)
        share = lambda yes: 100 * sum(map(yes, runs)) / len(runs)
        self.mean, self.p95 = 100 * statistics.mean(regrets), 100 * regrets[math.ceil(0.95 * len(regrets)) - 1]
        self.near = share(lambda run: run[0] <= 0.05 and not run[1] and not run[2])
        self.fails, self.over, self.unaware = (share(lambda run, i=i: run[i]) for i in (1, 2, 4))
        self.spent = statistics.mean(run[3] for run in runs)


def less(ours, theirs):
    """Nothing is less than no regret at all."""
    return "kept" if ours < theirs else "both 0" if ours == theirs == 0 else "MISSED"


def bars(data, objective, of):
    us, parrotfish, ten = of["autotune"], of["Parrotfish"], of["power tuning, 10"]
    kept = lambda yes: "kept" if yes else "MISSED"
    for what, measured, bar, held in (
            ("mean regret %, less than Parrotfish's", us.mean, f"< {parrotfish.mean:.2f}", less(us.mean, parrotfish.mean)),
            ("p95 of regret %, less than Parrotfish's", us.p95, f"< {parrotfish.p95:.2f}", less(us.p95, parrotfish.p95)),
            ("exploration, at most half of Parrotfish's", us.spent, f"≤ {parrotfish.spent / 2:.2f}", kept(us.spent <= parrotfish.spent / 2)),
            ("near the best %, within a point of power tuning (10)", us.near, f"≥ {ten.near - 1:.1f}", kept(us.near >= ten.near - 1)),
            ("exploration, at most a quarter of power tuning's (10)", us.spent, f"≤ {ten.spent / 4:.2f}", kept(us.spent <= ten.spent / 4)),
            ("over the limit of cost %", us.over, "< 5", kept(us.over < 5))):
        if objective.startswith("fastest") or not what.startswith("over"):
            yield f"{data}, {objective}: {what}", measured, bar, held


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--only", choices=["lambda", "k8s"])
    parser.add_argument("--half", choices=["all", "train", "judge"], default="judge")
    parser.add_argument("--jobs", type=int, default=1, help="curves that are worked at a time, a process each")
    parser.add_argument("--autotune", type=pathlib.Path, help="this program, instead of one that is built for it")
    parser.add_argument("--data", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("AUTOTUNE_SHARED", SOURCE / ".." / "shared")) / "data" / "sizing")
    arguments = parser.parse_args()
    binary = arguments.autotune or build()
    held = []
    for data, curves in (("lambda", lambda_curves), ("k8s", k8s_curves)):
        if arguments.only not in (None, data):
            continue
        chosen = half_of(curves(arguments.data), arguments.half)
        found = rows_of(data, chosen, binary, arguments.seeds, arguments.jobs)
        print(f"{data}: {len(chosen)} curves ({arguments.half}), {arguments.seeds} seeds\n\n| objective | strategy | mean regret % | p95 % | near the best % | "
              "fails there % | over the limit % | too small, not told % | exploration |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for objective in OBJECTIVES:
            of = {name: Summary(runs) for (goal, name), runs in found.items() if goal == objective}
            for name, s in of.items():
                over = f"{s.over:.1f}" if objective.startswith("fastest") else "–"
                print(f"| {objective} | {name} | {s.mean:.2f} | {s.p95:.1f} | {s.near:.1f} | {s.fails:.1f} | {over} | {s.unaware:.1f} | {s.spent:.2f} |")
            held += bars(data, objective, of)
        print(flush=True)
    print("| what | measured | bar | |\n| --- | --- | --- | --- |")
    for what, measured, bar, kept in held:
        print(f"| {what} | {measured:.2f} | {bar} | {kept} |")
    return 3 if any(kept == "MISSED" for *_, kept in held) else 0


if __name__ == "__main__":
    sys.exit(main())
