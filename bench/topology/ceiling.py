#!/usr/bin/env python3
"""How much of media's join can be told at all: autotune beside a classifier that was told the truth of the other loads.

bench/topology/ceiling.py [--binary build/release/autotune] [--data ../shared/data/requests] [LOAD…]

Five calls of each request come to compose-review-service; one of them, the last to be through, calls three services. Which
three calls belong together, and to which request, is most of what is wrong at high loads. The classifier is given whose the five
calls are and which of them went on, which autotune has to find out; it learns what tells a true bundle from one that two
requests exchanged, from the truth of the other three loads; and then looks for the likeliest bundles of this one. What it
gets wrong is not in the times, or not in a way that three thousand true requests show. Truth is read, so this is no method.

It is a logistic regression on differences of a sum of splines: of the gaps from the call that went on, from its siblings' starts
and ends, among the three, and to the answer; and of pairs of them. Needs Debian's python3-scipy.
"""
import argparse
import collections
import itertools
import math
import pathlib
import sys

import requests
import swapped

try:
    import numpy
    from scipy.optimize import minimize
except ImportError:
    sys.exit("ceiling.py: numpy and scipy are missing: apt-get install python3-scipy, and run it with /usr/bin/python3")

CALLED = ("movie-review-service", "review-storage-service", "user-review-service")
OVERRUN = 0.2   # an end may lie so much of the served time late, as autotune has it
PENALTY = 30.0  # of the squares of the weights; 10 to 300 differ by 3 %


class Group:
    """The calls of one request to the join: which went on, from when to when, and what the others did."""

    def __init__(self, went_on, others, bundle):
        self.start, self.end = swapped.served(went_on)
        self.starts = sorted(swapped.served(call)[0] for call in others)
        self.ends = sorted(swapped.served(call)[1] for call in others)
        self.bundle = bundle  # (start, end) by CALLED

    def holds(self, bundle):
        late = OVERRUN * (self.end - self.start)
        return all(self.start <= start and end <= self.end + late for start, end in bundle)


def groups(data, load):
    name = f"media_{load}"
    application = swapped.Application(data, name)
    _, truth = requests.load(data, name)
    calls = collections.defaultdict(list)
    for call in application.call.values():
        if call["callee"] == requests.JOIN:
            calls[truth[call["id"]][1]].append(call)
    out = []
    for of_request in calls.values():
        made = {call["id"]: application.made[call["id"]] for call in of_request if call["id"] in application.made}
        assert len(made) == 1, "one of them calls"
        (went_on, bundle), = made.items()
        by_callee = {call["callee"]: requests.seen(call) for call in bundle}
        out.append(Group(application.call[went_on], [call for call in of_request if call["id"] != went_on],
                         tuple(by_callee[name] for name in CALLED)))
    return sorted(out, key=lambda group: group.start)


def scaled(us):
    return math.asinh(us / 200)


def looks(group, bundle):
    """What can be said of one bundle in one group: single figures, and pairs of figures that may hang together."""
    starts, ends = [start for start, _ in bundle], [end for _, end in bundle]
    first = min(starts)
    since_call, since_others = scaled(first - group.start), scaled(first - group.ends[-1])
    offsets = [scaled(start - first) for start in starts]
    answer = scaled(group.end - max(ends))
    in_turn = sorted(starts)
    single = [scaled(start - group.start) for start in starts] + [scaled(start - group.ends[-1]) for start in starts]
    single += offsets + [since_call, since_others, scaled(first - group.starts[-1]), scaled(first - group.ends[-2])]
    single += [scaled(group.end - end) for end in ends]
    single += [answer, scaled(in_turn[1] - first), scaled(in_turn[2] - in_turn[1])]
    took, lag = scaled(group.end - group.start), scaled(group.ends[-1] - group.start)
    pairs = [(since_call, took), (since_others, took), (since_call, lag), (since_others, lag), (since_others, since_call),
             (offsets[0], offsets[1]), (offsets[1], offsets[2]), (offsets[0], offsets[2]), (answer, took)]
    return single, pairs


def exchanges(one, other):
    """Whatever the two could exchange of what they have."""
    for chosen in itertools.product((False, True), repeat=len(CALLED)):
        a = tuple(y if swap else x for x, y, swap in zip(one.bundle, other.bundle, chosen))
        b = tuple(x if swap else y for x, y, swap in zip(one.bundle, other.bundle, chosen))
        if any(chosen) and one.holds(a) and other.holds(b):
            yield a, b


def near(of_load):
    for i, one in enumerate(of_load):
        for other in of_load[i + 1:]:
            if other.start > one.end:
                break
            yield one, other


def hats(values, knots):
    """Linear splines: the weights of each value at the knots beside it."""
    values = numpy.clip(values, knots[0], knots[-1])
    left = numpy.clip(numpy.searchsorted(knots, values, side="right") - 1, 0, len(knots) - 2)
    part = (values - knots[left]) / (knots[left + 1] - knots[left])
    out, rows = numpy.zeros((len(values), len(knots))), numpy.arange(len(values))
    out[rows, left], out[rows, left + 1] = 1 - part, part
    return out


class Splines:
    def __init__(self, single, pairs):
        knots = lambda values, count: numpy.unique(numpy.quantile(values, numpy.linspace(0.005, 0.995, count)).round(6))
        self.single = [knots(column, 12) for column in single.T]
        self.pairs = [(knots(column[:, 0], 6), knots(column[:, 1], 6)) for column in pairs.transpose(1, 0, 2)]

    def __call__(self, single, pairs):
        out = [hats(column, knots) for column, knots in zip(single.T, self.single)]
        for column, (a, b) in zip(pairs.transpose(1, 0, 2), self.pairs):
            product = hats(column[:, 0], a)[:, :, None] * hats(column[:, 1], b)[:, None, :]
            out.append(product.reshape(len(single), -1))
        return numpy.hstack(out)


class Classifier:
    def __init__(self, loads):
        rows = [[looks(one, one.bundle), looks(other, other.bundle), looks(one, a), looks(other, b)]
                for of_load in loads for one, other in near(of_load) for a, b in exchanges(one, other)]
        single = numpy.array([[single for single, _ in row] for row in rows])
        pairs = numpy.array([[pairs for _, pairs in row] for row in rows])
        self.splines = Splines(single[:, :2].reshape(-1, single.shape[2]), pairs[:, :2].reshape(-1, pairs.shape[2], 2))
        of = lambda i: self.splines(single[:, i], pairs[:, i])
        x = of(0) + of(1) - of(2) - of(3)  # the truth less what was exchanged

        def loss(weights):
            score = x @ weights
            slope = -x.T @ (1 / (1 + numpy.exp(numpy.clip(score, -500, 500))))
            return numpy.logaddexp(0, -score).sum() + PENALTY / 2 * weights @ weights, slope + PENALTY * weights

        self.weights = minimize(loss, numpy.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
        self.known = {}

    def score(self, group, bundle):
        key = id(group), bundle
        if key not in self.known:
            single, pairs = looks(group, bundle)
            self.known[key] = float((self.splines(numpy.array([single]), numpy.array([pairs])) @ self.weights)[0])
        return self.known[key]


def likeliest(classifier, of_load):
    """From the truth on, whatever makes it likelier is exchanged; how many groups have another bundle in the end."""
    true = [group.bundle for group in of_load]
    changed = True
    while changed:
        changed = False
        for one, other in near(of_load):
            now = classifier.score(one, one.bundle) + classifier.score(other, other.bundle)
            best = max(exchanges(one, other), default=None, key=lambda pair: classifier.score(one, pair[0]) + classifier.score(other, pair[1]))
            if best and classifier.score(one, best[0]) + classifier.score(other, best[1]) > now + 1e-6:
                one.bundle, other.bundle = best
                changed = True
    wrong = sum(group.bundle != bundle for group, bundle in zip(of_load, true))
    for group, bundle in zip(of_load, true):
        group.bundle = bundle
    return wrong


def wrong_of_autotune(binary, data, load):
    """Requests with a call of the join that is not where it belongs."""
    application, wrong = swapped.Application(data, f"media_{load}"), set()
    _, truth = requests.load(data, f"media_{load}")
    for call, (parent, _) in swapped.reconstructed(binary, application.path).items():
        if application.call[call]["caller"] == requests.JOIN and parent != application.parent[call]:
            wrong.add(truth[call][1])
    return len(wrong)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=requests.SOURCE / "build/release/autotune")
    options.add_argument("--data", type=pathlib.Path, default=requests.SOURCE.parent / "shared/data/requests")
    options.add_argument("loads", nargs="*", type=int, default=list(requests.LOADS), metavar="LOAD")
    args = options.parse_args()
    known = {load: groups(args.data, load) for load in requests.LOADS}
    for load in args.loads:
        classifier = Classifier([of_load for other, of_load in known.items() if other != load])
        told, ours = likeliest(classifier, known[load]), wrong_of_autotune(args.binary, args.data, load)
        count = len(known[load])
        print(f"media, load {load}: bundles wrong of {count}: autotune {ours} ({100 * ours / count:.1f} %), "
              f"a classifier told the truth of the other loads and the groups of this one {told} ({100 * told / count:.1f} %)", flush=True)


if __name__ == "__main__":
    main()
