#!/usr/bin/env python3
"""`autotune size --objective 'p95<=…ms'` on measured curves: how often the size that it names breaks the objective, what it costs too much.

bench/planning/sizing_slo.py [--seeds 40] [--half judge|train|all] [--autotune PROGRAM] [--data ../shared/data/sizing]. A table as
markdown on stdout; exit status 0 the bar is kept, 3 it is missed, 1 something did not work.

The k8s curves of sizing.py, drawn as there: a call is the mean of its size times log-normal noise, σ 0.08, so the true 95th percentile is
known. Limits: so many times the least that any size reaches. Beside it power tuning's calls: the cheapest size none of whose ten calls took longer.
"""
import argparse
import math
import os
import pathlib
import sys
import tempfile

import sizing

NOISE, Z = 0.08, 1.6449
LIMITS = (1.05, 1.3, 2, 4)


def tuned(table, limit):
    calls = {mb: [call[0] for call in some[:10]] for mb, some in table.items() if all(call[2] == "ok" for call in some[:10])}
    keeping = [mb for mb, times in calls.items() if max(times) <= limit] or [min(calls, key=lambda mb: max(calls[mb]))]
    spent = sum(mb * call[0] for mb, some in table.items() for call in some[:10])
    return min(keeping, key=lambda mb: mb * sum(calls[mb])), spent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--half", choices=["all", "train", "judge"], default="judge")
    parser.add_argument("--autotune", type=pathlib.Path, help="this program, instead of one that is built for it")
    parser.add_argument("--data", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("AUTOTUNE_SHARED", sizing.SOURCE / ".." / "shared")) / "data" / "sizing")
    arguments = parser.parse_args()
    curves = sizing.half_of(sizing.k8s_curves(arguments.data), arguments.half)
    print(f"{len(curves)} curves ({arguments.half}), {arguments.seeds} seeds\n\n| limit | strategy | breaks it % | expected to % | dearer than the best % (mean) | "
          "exploration |\n| --- | --- | --- | --- | --- | --- |")
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        ours = sizing.Ours(arguments.autotune or sizing.build(), folder)
        for factor in LIMITS:
            runs = {ours.name: [], "power tuning's calls, 10": []}
            for curve in curves:
                p95 = {mb: curve.ms[mb] * math.exp(Z * NOISE - NOISE ** 2 / 2) for mb in curve.feasible}
                limit = factor * min(p95.values())
                best = min(mb * curve.ms[mb] for mb in p95 if p95[mb] <= limit)
                for seed in range(arguments.seeds):
                    table = curve.drawn(seed)
                    ours.take(table)
                    for name, (mb, spent) in ((ours.name, ours.run(table, f"p95<={limit:.6f}ms", seed)),
                                              ("power tuning's calls, 10", tuned(table, limit))):
                        breaks = mb not in p95 or p95[mb] > limit
                        dearer = None if breaks else mb * curve.ms[mb] / best - 1
                        doubt = 1 - ours.told["limit_kept"] if name == ours.name else math.nan
                        runs[name].append((breaks, dearer, spent / curve.once, doubt))
            for name, all_of_them in runs.items():
                dearer = [run[1] for run in all_of_them if run[1] is not None]
                share = 100 * sum(run[0] for run in all_of_them) / len(all_of_them)
                if name == ours.name and factor >= 1.3:
                    broken = max(broken, share)
                doubt = 100 * sum(run[3] for run in all_of_them) / len(all_of_them)
                doubt = "–" if math.isnan(doubt) else f"{doubt:.1f}"
                print(f"| {factor:g} × the least | {name} | {share:.1f} | {doubt} | {100 * sum(dearer) / max(1, len(dearer)):.1f} | "
                      f"{sum(run[2] for run in all_of_them) / len(all_of_them):.2f} |", flush=True)
    print(f"\n| what | measured | bar | |\n| --- | --- | --- | --- |\n| broken at worst, of limits from 1.3 × the least on, % | {broken:.1f} | < 5 | {'kept' if broken < 5 else 'MISSED'} |")
    return 0 if broken < 5 else 3


if __name__ == "__main__":
    sys.exit(main())
