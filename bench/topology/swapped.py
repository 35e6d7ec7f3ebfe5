#!/usr/bin/env python3
"""Requests of a measured application that got each other's calls: which, how sure the method was, and whether anything tells
them apart that it does not look at. Truth is read, so this is for whoever wants to do better, not for a score.

bench/topology/swapped.py [--binary build/release/autotune] [--data ../shared/data/requests] [APPLICATION…]

For each load of the applications (hotel): the pairs of parents, how far apart they began, the mean confidence of what is wrong;
then, over all loads, how often parents that begin within 0.5 ms make a call in order, beside how often they would were the gaps
independent; and of answers within 0.15 ms, how often who goes on first is told by their ends as the caller's clock has them, and as
the callee's.
"""
import argparse
import collections
import json
import pathlib
import random
import statistics
import subprocess

import requests

NEAR_US, AT_ONCE_US = 500, 150


def served(call):
    return int(call["callee_start_us"]), int(call["callee_end_us"])


def reconstructed(binary, path):
    done = subprocess.run([str(binary), "topology", "--calls", str(path), "--method", "requests", "--format", "jsonl"],
                          check=True, capture_output=True, text=True)
    return {line["id"]: (line["parent"], line["confidence"]) for line in map(json.loads, done.stdout.splitlines())}


class Application:
    def __init__(self, data, name):
        calls, truth = requests.load(data, name)
        self.path = data / f"{name}.calls.csv.gz"
        self.call = {call["id"]: call for call in calls}
        self.parent = {call: parent for call, (parent, _) in truth.items()}
        self.made = collections.defaultdict(list)
        for call, parent in self.parent.items():
            if parent:
                self.made[parent].append(self.call[call])

    def swapped(self, binary):
        """(distance in µs, confidences) by pair of parents."""
        pairs = collections.defaultdict(list)
        for call, (parent, confidence) in reconstructed(binary, self.path).items():
            if parent != self.parent[call]:
                pairs[frozenset((parent, self.parent[call]))].append(confidence)
        began = lambda parent: served(self.call[parent])[0]
        return [(abs(began(a) - began(b)), sure) for (a, b), sure in ((tuple(pair), sure) for pair, sure in pairs.items())]

    def gaps(self):
        """By service and callee: (when the parent began, how much later the call was made)."""
        out = collections.defaultdict(list)
        for parent, calls in self.made.items():
            begin = served(self.call[parent])[0]
            for call in calls:
                out[self.call[parent]["callee"], call["callee"]].append((begin, requests.seen(call)[0] - begin))
        return out

    def answers(self):
        """By service and two callees that are called one after the other: (end as the caller's clock has it, as the callee's, next start)."""
        out = collections.defaultdict(list)
        for parent, calls in self.made.items():
            calls = sorted(calls, key=requests.seen)
            for one, following in zip(calls, calls[1:]):
                if requests.seen(following)[0] >= requests.seen(one)[1]:
                    out[self.call[parent]["callee"], one["callee"], following["callee"]].append(
                        (requests.seen(one)[1], served(one)[1], requests.seen(following)[0]))
        return out


def near(rows, within):
    """Pairs of rows whose first columns are no further apart than that."""
    rows = sorted(rows)
    for i, one in enumerate(rows):
        for other in rows[i + 1:]:
            if other[0] - one[0] > within:
                break
            yield one, other


def in_order(applications):
    """By service and callee: pairs of near parents, in order, expected of independent gaps."""
    source, counts = random.Random(1), collections.defaultdict(lambda: [0, 0, 0.0])
    for application in applications:
        for who, rows in application.gaps().items():
            all_gaps = [gap for _, gap in rows]
            for (a, gap_a), (b, gap_b) in near(rows, NEAR_US):
                count = counts[who]
                count[0] += 1
                count[1] += b + gap_b > a + gap_a
                count[2] += sum(b - a + source.choice(all_gaps) > source.choice(all_gaps) for _ in range(200)) / 200
    return counts


def by_answers(applications):
    """By service and callees: pairs of answers at once, in the order of the caller's ends, of the callee's."""
    counts = collections.defaultdict(lambda: [0, 0, 0])
    for application in applications:
        for who, rows in application.answers().items():
            for (end_a, served_a, next_a), (end_b, served_b, next_b) in near(rows, AT_ONCE_US):
                count = counts[who]
                count[0] += 1
                count[1] += (next_b - next_a) * (end_b - end_a) > 0
                count[2] += (next_b - next_a) * (served_b - served_a) > 0
    return counts


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=requests.SOURCE / "build/release/autotune")
    options.add_argument("--data", type=pathlib.Path, default=requests.SOURCE.parent / "shared/data/requests")
    options.add_argument("names", nargs="*", default=["hotel"], metavar="APPLICATION")
    args = options.parse_args()
    for name in args.names:
        applications = []
        for load in requests.LOADS:
            applications.append(Application(args.data, f"{name}_{load}"))
            pairs = applications[-1].swapped(args.binary)
            sure = [max(confidences) for _, confidences in pairs]
            print(f"{name}, load {load}: {len(pairs)} pairs of parents have calls of each other"
                  + (f", {', '.join(f'{d / 1000:.3g}' for d, _ in sorted(pairs))} ms apart; "
                     f"told with a confidence of {min(sure):.2f} to {max(sure):.2f}, mean {statistics.mean(sure):.2f}" if pairs else ""))
        for (service, callee), (pairs, ordered, expected) in sorted(in_order(applications).items()):
            print(f"{name}: {service} to {callee}, begun within {NEAR_US / 1000} ms: in order {ordered} of {pairs}, by chance {expected:.1f}")
        for (service, one, following), (pairs, caller, callee) in sorted(by_answers(applications).items()):
            print(f"{name}: {service}, {one} answered within {AT_ONCE_US / 1000} ms, then {following}: "
                  f"order told by the caller's clock {caller} of {pairs}, by the callee's {callee}")


if __name__ == "__main__":
    main()
