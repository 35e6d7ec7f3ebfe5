"""Rows of the profiling benchmarks' table: one JSON line each on standard output, the same for people on stderr."""
import json
import sys


def row(name, bar, ours, peer=None, rounds=1, says="", unit=""):
    """Whether `ours` keeps the bar: is at most that."""
    kept = ours <= bar
    print(json.dumps({"name": name, "bar": bar, "ours": ours, "peer": peer, "ratio": ours / peer if peer else None, "unit": unit.strip(),
                      "median_of": rounds, "says": says}), flush=True)
    print(f"{'ok  ' if kept else 'MISS'} {name}: {ours:.4g}{unit} (bar {bar:.4g}, peer {'–' if peer is None else f'{peer:.4g}'})"
          f"{'; ' + says if says else ''}", file=sys.stderr, flush=True)
    return kept


def left_out(name, why):
    """A row that this machine cannot have."""
    print(json.dumps({"name": name, "bar": None, "ours": None, "left_out": why}), flush=True)
    print(f"     {name}: left out, {why}", file=sys.stderr, flush=True)
    return True
