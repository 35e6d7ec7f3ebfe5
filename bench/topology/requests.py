#!/usr/bin/env python3
"""Request reconstruction: whole requests right on three measured applications, beside first come first served and the pilot.

bench/topology/requests.py [--binary build/release/autotune] [--data ../shared/data/requests] [--calls 2000000]

A request counts when the parent of each of its calls is right. Truth is read to score, and to make harder sets: requests of
one set moved together in time (two and four times the load), and two sets laid over each other. Before that the speed over
generated calls and the peak of memory, CPU time of the whole command, reading the table included, one core. Exit status 3
when a bar is missed.
"""
import argparse
import collections
import csv
import gzip
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/e2e"))
import resource_usage

LOADS = (25, 50, 75, 100)
JOIN = "compose-review-service"
# Of the pilot, per row and load.
PILOT = {"hotel": (99.8, 99.0, 99.6, 98.0), "node": (100, 100, 100, 100), "media, the join's own calls left out": (97.3, 91.6, 91.7, 90.6),
         "media, all calls": (93.3, 82.0, 77.2, 73.2)}
BAR_CALLS_A_SECOND = 200_000
TIMES = ("caller_start_us", "caller_end_us", "callee_start_us", "callee_end_us")


def load(data, name):
    with gzip.open(data / f"{name}.calls.csv.gz", "rt") as file:
        calls = list(csv.DictReader(file))
    with gzip.open(data / f"{name}.truth.csv.gz", "rt") as file:
        truth = {row["id"]: (row["parent"] or None, row["trace"]) for row in csv.DictReader(file)}
    return calls, truth


def seen(call):
    """When, as its caller saw it."""
    return tuple(int(call[f"caller_{end}_us"] or call[f"callee_{end}_us"]) for end in ("start", "end"))


def first_come(calls):
    """Each call to the earliest open one that has none of its kind yet, else to the earliest open one."""
    incoming, parents, has = collections.defaultdict(list), {}, set()
    for call in calls:
        incoming[call["callee"]].append((int(call["callee_start_us"]), int(call["callee_end_us"]), call["id"]))
    for waiting in incoming.values():
        waiting.sort()
    for call in sorted(calls, key=seen):
        parents[call["id"]] = None
        if not call["caller"]:
            continue
        start, end = seen(call)
        kind = (call["callee"], call["operation"])
        waiting = incoming[call["caller"]]
        while waiting and waiting[0][1] < start - 60_000_000:
            waiting.pop(0)
        can = []
        for begun, ended, name in waiting:
            if begun > start:
                break
            if ended >= end:
                can.append(name)
        free = [name for name in can if (name, kind) not in has] or can
        if free:
            parents[call["id"]] = free[0]
            has.add((free[0], kind))
    return parents


def found(binary, calls, folder):
    path = pathlib.Path(folder) / "calls.csv"
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, calls[0].keys())
        writer.writeheader()
        writer.writerows(calls)
    done = subprocess.run([binary, "topology", "--calls", path, "--method", "requests", "--format", "jsonl"], check=True,
                          capture_output=True, text=True)
    parents = {line["id"]: line["parent"] for line in map(json.loads, done.stdout.splitlines())}
    assert len(parents) == len(calls), "a line for every call"
    return parents


def right(calls, truth, parents, without=None):
    """Percent of requests whose every parent is right; calls that `without` makes are passed over."""
    wrong, all_requests = set(), set()
    for call in calls:
        parent, request = truth[call["id"]]
        all_requests.add(request)
        if parents[call["id"]] != parent and call["caller"] != without:
            wrong.add(request)
    return 100 * (1 - len(wrong) / len(all_requests))


def compressed(calls, truth, times):
    """Requests begin `times` as often; each stays as it was."""
    began = {}
    for call in calls:
        request = truth[call["id"]][1]
        began[request] = min(began.get(request, 1 << 62), int(call["callee_start_us"]))
    first = min(began.values())
    moved = []
    for call in calls:
        at = began[truth[call["id"]][1]]
        step = 1000 if all(int(call[t]) % 1000 == 0 for t in TIMES if call[t]) else 1
        shift = (at - first - (at - first) // times) // step * step
        moved.append(call | {t: str(int(call[t]) - shift) for t in TIMES if call[t]})
    return sorted(moved, key=lambda call: int(call["callee_start_us"])), truth


def overlaid(one, other):
    """Both begin together; ids apart."""
    calls, truth = [], {}
    for mark, (some, some_truth) in (("a", one), ("b", other)):
        first = min(int(call["callee_start_us"]) for call in some) // 1000 * 1000
        for call in some:
            calls.append(call | {"id": mark + call["id"]} | {t: str(int(call[t]) - first + 10**9) for t in TIMES if call[t]})
        truth |= {mark + name: (parent and mark + parent, mark + trace) for name, (parent, trace) in some_truth.items()}
    return sorted(calls, key=lambda call: int(call["callee_start_us"])), truth


def measured(args, folder):
    whole = True
    rows = collections.defaultdict(list)
    for app in ("hotel", "node", "media"):
        for number in LOADS:
            calls, truth = load(args.data, f"{app}_{number}")
            ours, fcfs = found(args.binary, calls, folder), first_come(calls)
            if app != "media":
                rows[app].append((right(calls, truth, fcfs), right(calls, truth, ours)))
                continue
            rows["media, the join's own calls left out"].append((right(calls, truth, fcfs, JOIN), right(calls, truth, ours, JOIN)))
            rows["media, all calls"].append((right(calls, truth, fcfs), right(calls, truth, ours)))
    print("whole requests right, percent: first come first served → pilot → autotune\n")
    print("| | " + " | ".join(f"load {number}" for number in LOADS) + " |\n| --- " + "| --- " * len(LOADS) + "|")
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(f"{fcfs:.1f} → {pilot:g} → {ours:.1f}" for (fcfs, ours), pilot in zip(cells, PILOT[name])) + " |")
        whole &= all(ours >= pilot for (_, ours), pilot in zip(cells, PILOT[name]))
    return whole


def harder(args, folder):
    sets = {}
    for app in ("hotel", "node", "media"):
        both = load(args.data, f"{app}_100")
        for times in (2, 4):
            sets[f"{app}, load 100, requests {times} times as often"] = compressed(*both, times)
        sets[f"{app}, loads 50 and 75 at once"] = overlaid(load(args.data, f"{app}_50"), load(args.data, f"{app}_75"))
    sets["hotel and media, load 100 each"] = overlaid(load(args.data, "hotel_100"), load(args.data, "media_100"))
    print("\nharder sets\n\n| | first come first served | autotune |\n| --- | --- | --- |")
    whole = True
    for name, (calls, truth) in sets.items():
        fcfs, ours = right(calls, truth, first_come(calls)), right(calls, truth, found(args.binary, calls, folder))
        print(f"| {name} | {fcfs:.1f} | {ours:.1f} |")
        whole &= ours >= fcfs
    return whole


def generate(path, count):
    """front calls three services in a row or at once; two of them call a store."""
    source = random.Random(3)
    number, at, written = 0, 10**12, 0
    held = []
    with open(path, "w") as file:
        file.write("id,caller,callee,operation,caller_start_us,caller_end_us,callee_start_us,callee_end_us\n")
        while written < count:
            at += int(source.expovariate(1 / 4000)) + 1
            number += 1
            gap = lambda: int(source.lognormvariate(5, 0.5)) + 20
            now, rows = at + gap(), []
            for who in ("auth", "cart", "price"):
                start = now
                inner = start + gap()
                if who != "auth":
                    length = gap() * 4
                    rows.append((inner, inner + length, who, "store", "get"))
                    inner += length
                end = inner + gap()
                rows.append((start, end, "front", who, "do"))
                now = end + gap()
            rows.append((at, now, "", "front", "GET /"))
            for i, (start, end, caller, callee, operation) in enumerate(rows):
                held.append((start, f"r{number}.{i},{caller},{callee},{operation},,,{start},{end}\n"))
            written += len(rows)
            if len(held) > 20_000:
                held.sort()
                file.writelines(line for _, line in held[:10_000])
                del held[:10_000]
        held.sort()
        file.writelines(line for _, line in held)
    return written


def speed(args, folder):
    path = pathlib.Path(folder) / "many.csv"
    count = generate(path, args.calls)
    with open(pathlib.Path(folder) / "many.jsonl", "w") as out:
        status, took, most = resource_usage.run([args.binary, "topology", "--calls", path, "--method", "requests", "--format", "jsonl"], stdout=out)
    assert status == 0
    wrong, requests = set(), set()
    with open(pathlib.Path(folder) / "many.jsonl") as lines:
        for line in lines:
            call = json.loads(line)
            request, place = call["id"].split(".")
            # auth; a store before its cart, a store before its price
            parent = {"0": "5", "1": "2", "2": "5", "3": "4", "4": "5", "5": None}[place]
            requests.add(request)
            if call["parent"] != (parent and f"{request}.{parent}"):
                wrong.add(request)
    print(f"{count:,} calls: {took:.1f} s of CPU, {count / took:,.0f} calls/s (bar {BAR_CALLS_A_SECOND:,}), {most:.0f} MiB at "
          f"most, {100 * (1 - len(wrong) / len(requests)):.1f} % of the requests right\n")
    return count / took >= BAR_CALLS_A_SECOND


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    options.add_argument("--data", type=pathlib.Path, default=SOURCE / "../shared/data/requests")
    options.add_argument("--calls", type=int, default=2_000_000)
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Speed first: a child's peak of memory counts what this program had when it began.
        return 0 if all([speed(args, folder), measured(args, folder), harder(args, folder)]) else 3


if __name__ == "__main__":
    sys.exit(main())
