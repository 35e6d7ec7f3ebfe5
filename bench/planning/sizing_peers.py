"""How others choose a memory size, written anew from what their papers and documentation say of the method.

A table is {size: calls}, a call (ms, peak, status); sizes at which a call failed are left out by all, which is more than some of them
do. run() gives the size and what its calls cost, in MB·ms.
"""
import math
import random
import statistics


def values(objective, ms):
    """{size: what is minimised} of times at all sizes."""
    goal, _, parameter = objective.partition(":")
    parameter = float(parameter or 0)
    cost = {m: m * t for m, t in ms.items()}
    if goal == "cost":
        return cost
    if goal == "balanced":
        most_cost, most_ms = max(cost.values()), max(ms.values())
        return {m: parameter * cost[m] / most_cost + (1 - parameter) * ms[m] / most_ms for m in ms}
    limit = (1 + parameter / 100) * min(cost.values()) * (1 + 1e-9)
    return {m: ms[m] if cost[m] <= limit else math.inf for m in ms}


def least(of):
    return min(of, key=of.get)


class Fixed:
    """No call at all."""

    def __init__(self, name, choose):
        self.name, self.choose = name, choose

    def run(self, table, objective, seed):
        return self.choose(list(table)), 0


class PowerTuning:
    """The state machine of lambda-power-tuning: N calls at every size, a fifth of the times left out at either end, the mean of the rest."""

    def __init__(self, calls):
        self.name, self.calls = f"power tuning, {calls}", calls

    def run(self, table, objective, seed):
        ms, spent = {}, 0
        for mb, calls in table.items():
            some = calls[:self.calls]
            spent += mb * sum(call[0] for call in some)
            if any(call[2] != "ok" for call in some):
                continue
            times = sorted(call[0] for call in some)
            cut = int(0.2 * len(times))
            ms[mb] = statistics.mean(times[cut:len(times) - cut])
        return least(values(objective, ms)), spent


class Parrotfish:
    """Parametric regression: calls at three sizes, a fit of a₀ + a₁·e^(−m/a₂), then at the size where what is minimised, times
    1 + what is known there already, is least; until enough is known there."""
    name = "Parrotfish"
    START, MOST, SPREAD = 4, 12, 0.05  # calls at a size: at first, at most, and the coefficient of variation that is enough
    SIGMA_MB, KNOWN, SIZES = 200, 3, 20

    def run(self, table, objective, seed):
        sizes = list(table)
        ms, sampled, spent = {}, [], 0

        def sample(mb):
            nonlocal spent
            times = []
            for call in table[mb][:self.MOST]:
                spent += mb * call[0]
                if call[2] != "ok":
                    sizes.remove(mb)
                    return
                times.append(call[0])
                if len(times) >= self.START and statistics.pstdev(times) <= self.SPREAD * statistics.mean(times):
                    break
            ms[mb] = statistics.mean(times)
            sampled.append(mb)

        for mb in (sizes[0], sizes[math.ceil(len(sizes) / 3)], sizes[-1]):
            sample(mb)
        while not sampled:
            sample(sizes[-1])
        while len(sampled) < self.SIZES:
            known = {m: sum(math.exp(-((m - s) / self.SIGMA_MB) ** 2 / 2) for s in sampled) for m in sizes}
            wanted = values(objective, self.fitted(ms, sizes))
            at = least({m: wanted[m] * (1 + known[m]) for m in sizes})
            if known[at] > self.KNOWN:
                break
            sample(at)
        return least(values(objective, self.fitted(ms, sizes))), spent

    @staticmethod
    def fitted(ms, sizes):
        """Least squares: a₂ from a grid, the others in closed form."""
        points, best = list(ms.items()), None
        for step in range(24):
            scale = 40 * 1.3 ** step
            f = [math.exp(-m / scale) for m, _ in points]
            n, sf, st = len(points), sum(f), sum(t for _, t in points)
            sff, sft = sum(x * x for x in f), sum(x * t for x, (_, t) in zip(f, points))
            det = n * sff - sf * sf
            a1 = (n * sft - sf * st) / det if det > 1e-12 * sff else 0
            a0 = (st - a1 * sf) / n
            off = sum((a0 + a1 * x - t) ** 2 for x, (_, t) in zip(f, points))
            if best is None or off < best[0]:
                best = off, a0, a1, scale
        _, a0, a1, scale = best
        floor = 1e-3 * min(ms.values())
        return {m: max(floor, a0 + a1 * math.exp(-m / scale)) for m in sizes}


class Cose:
    """Bayesian optimisation: a Gaussian process through the logarithms of single calls' times, over the logarithm of the size; the next call
    where the expected improvement of the objective is most, until it is below 5 %. Four even sizes first. Improvements by sampling."""
    name = "COSE"
    STARTS, MOST, ENOUGH, SAMPLES = 4, 20, 0.05, 32
    OCTAVES, SPREAD, NOISE = 1.0, 0.5, 0.08  # how far sizes are alike, how far times differ, and calls of one size, as logarithms

    def run(self, table, objective, seed):
        draw = random.Random(seed)
        sizes = list(table)
        calls, spent = {}, 0  # of each size, the logarithms of times
        for mb in [sizes[round(i * (len(sizes) - 1) / (self.STARTS - 1))] for i in range(self.STARTS)]:
            spent += self.call(table, mb, calls, sizes)
        while not calls:
            spent += self.call(table, sizes[-1], calls, sizes)
        while sum(map(len, calls.values())) < self.MOST:
            if not calls:  # what was measured failed later
                spent += self.call(table, sizes[-1], calls, sizes)
                continue
            belief = self.belief(calls, sizes)
            middle = values(objective, {m: math.exp(mean) for m, (mean, _) in belief.items()})
            best = min(middle[m] for m in calls)
            if math.isinf(best):
                best = min(middle.values())
            gains = dict.fromkeys(sizes, 0)
            for _ in range(self.SAMPLES):
                one = values(objective, {m: math.exp(draw.gauss(mean, sd)) for m, (mean, sd) in belief.items()})
                for m in sizes:
                    gains[m] += max(0, 1 - one[m] / best) / self.SAMPLES
            at = max(gains, key=gains.get)
            if gains[at] < self.ENOUGH:
                break
            spent += self.call(table, at, calls, sizes)
        belief = values(objective, {m: math.exp(mean) for m, (mean, _) in self.belief(calls, sizes).items()})
        return least({m: belief[m] for m in calls}), spent

    @staticmethod
    def call(table, mb, calls, sizes):
        some = table[mb][len(calls.get(mb, ())) % len(table[mb])]
        if some[2] == "ok":
            calls.setdefault(mb, []).append(math.log(some[0]))
        elif mb in sizes:
            sizes.remove(mb)
            calls.pop(mb, None)
        return mb * some[0]

    def belief(self, calls, sizes):
        """{size: (mean, standard deviation)} of the logarithm of a time."""
        points = [(math.log2(mb), statistics.mean(times), self.NOISE ** 2 / len(times)) for mb, times in calls.items()]
        alike = lambda a, b: self.SPREAD ** 2 * math.exp(-((a - b) / self.OCTAVES) ** 2 / 2)
        base = statistics.mean(t for _, t, _ in points)
        n = len(points)
        low = [[0.0] * n for _ in range(n)]  # Cholesky's
        for i in range(n):
            for j in range(i + 1):
                left = alike(points[i][0], points[j][0]) + (points[i][2] if i == j else 0) - sum(low[i][k] * low[j][k] for k in range(j))
                low[i][j] = math.sqrt(left) if i == j else left / low[j][j]

        def solved(right):
            out = []
            for i in range(n):
                out.append((right[i] - sum(low[i][k] * out[k] for k in range(i))) / low[i][i])
            return out

        times = solved([t - base for _, t, _ in points])
        found = {}
        for mb in sizes:
            here = solved([alike(math.log2(mb), x) for x, _, _ in points])
            variance = self.SPREAD ** 2 - sum(h * h for h in here)
            found[mb] = base + sum(h * t for h, t in zip(here, times)), math.sqrt(max(variance, 1e-12))
        return found


ALL = (PowerTuning(10), PowerTuning(5), Parrotfish(), Cose(), Fixed("always the smallest", min),
       Fixed("always 1769 MB", lambda sizes: min(sizes, key=lambda mb: abs(mb - 1769))))
