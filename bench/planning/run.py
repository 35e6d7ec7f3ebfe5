#!/usr/bin/env python3
"""Every planning benchmark of this folder, one after the other: tables as markdown on stdout.

bench/planning/run.py [NAME…]. NAME: only scripts whose name holds it. Exit status: 0 every bar is kept, 3 one is missed, 1 a
benchmark did not work; 77 none of these, but one was left out that needs root.
"""
import os
import pathlib
import subprocess
import sys

RANKS = (0, 77, 3, 1)  # exit statuses, the worst last
HERE = pathlib.Path(__file__).resolve().parent


def main():
    worst = 0
    for script in sorted(HERE.glob("*.py")):
        if script.name == "run.py" or not os.access(script, os.X_OK) or (sys.argv[1:] and not any(name in script.name for name in sys.argv[1:])):
            continue
        print(f"## {script.stem}\n", flush=True)
        status = subprocess.run([sys.executable, script]).returncode
        worst = max(worst, RANKS.index(status) if status in RANKS else RANKS.index(1))
        print(flush=True)
    return RANKS[worst]


if __name__ == "__main__":
    sys.exit(main())
