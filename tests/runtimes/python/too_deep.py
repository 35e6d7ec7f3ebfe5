"""Counts its own calls, since a tracer in Python would find no recursion left either. Prints them."""
import os
import sys

calls = 0


def deep(n):
    global calls
    calls += 1
    return 0 if n == 0 else 1 + deep(n - 1)


for limit in map(int, sys.argv[1:]):
    sys.setrecursionlimit(limit)
    for times in range(3):
        deep(limit // 2)
        try:
            deep(10 ** 9)
        except RecursionError:
            pass
os.write(1, b"%d" % calls)
os._exit(0)
