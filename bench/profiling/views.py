#!/usr/bin/env python3
"""Profiles as pictures, and as other programs read them: how fast, and whether they say the same.

bench/profiling/views.py [--binary build/release/autotune] [--rounds 5] [--picture docs/images/speedscope.png]

- 1,000,000 different folded stacks to SVG and to HTML, the whole command, median of the rounds; beside flamegraph.pl where one
  is on PATH. Once sorted, as stackcollapse scripts write them, once shuffled.
- The pprof that comes with Debian's golang-1.19-go reads our file: the total and each function's own weight are those of the stacks.
- speedscope (npm, versions in speedscope/package-lock.json) opens our file in headless Chromium and shows its name.

Prints one JSON line a row; exit status 3 when a bar is missed. What is not installed is said and left out.
"""
import argparse
import collections
import functools
import glob
import http.server
import json
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path.insert(0, str(SOURCE / "tests/e2e"))
import browser  # noqa: E402
from rows import left_out, row  # noqa: E402

STACKS = 1_000_000
BAR_S = 2.0
PROGRAM = """
import json, zlib, time
def decode(text): return json.loads(text)
def pack(data): return zlib.compress(json.dumps(data).encode(), 6)
def handler(text): return pack(decode(text))
text, end = json.dumps([{"id": i, "name": "item %d" % i} for i in range(2000)]), time.monotonic() + 3
while time.monotonic() < end: handler(text)
"""


def generate(path, count):
    """`count` different stacks of 1 to 30 calls, their names as C++ has them; returns the sum of the weights."""
    source = random.Random(1)
    names = [f"ns{i % 97}::Class{i % 331}::method_{i}" for i in range(5000)]
    seen, path_now, total = set(), [], 0
    while len(seen) < count:
        path_now = path_now[:source.randint(0, len(path_now))]
        path_now += [names[int(source.paretovariate(0.7)) % len(names)] for _ in range(source.randint(1, 20))]
        path_now = path_now[:30]
        seen.add(";".join(path_now))
    lines = []
    for stack in sorted(seen):
        weight = source.randint(1, 100)
        total += weight
        lines.append(f"{stack} {weight}\n")
    path.write_text("".join(lines))
    source.shuffle(lines)
    path.with_suffix(".shuffled").write_text("".join(lines))
    return total


def seconds(command, **options):
    start = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, **options)
    return time.monotonic() - start


def time_pictures(args, folder):
    """Whether every bar is kept."""
    total = generate(folder / "stacks.folded", STACKS)
    perl = shutil.which("flamegraph.pl")
    kept = True
    for order, source in (("sorted", folder / "stacks.folded"), ("shuffled", folder / "stacks.shuffled")):
        for end in ("svg", "html"):
            out = folder / f"out.{end}"
            ours = [seconds([args.binary, "profile", "--from", source, "-o", out]) for _ in range(args.rounds)]
            peer = None
            if perl and end == "svg":
                with open(folder / "peer.svg", "w") as file:
                    peer = seconds([perl, source], stdout=file, stderr=subprocess.DEVNULL)
            picture = out.read_text()
            found = int(re.search(r'data-l="0" data-w="(\d+)"', picture)[1]) if end == "svg" else \
                sum(json.loads(re.search(r'id="data">(.*?)</script>', picture, re.S)[1])["self"])
            if found != total:
                sys.exit(f"the {end} is of {found}, the stacks are of {total}")
            kept &= row(f"{STACKS:,} folded stacks, {order}, to {end}", BAR_S, statistics.median(ours), peer, args.rounds,
                        f"s, {source.stat().st_size / 1e6:.0f} MB of text")
    return kept


def own_weights(path):
    own = collections.Counter()
    for line in path.read_text().splitlines():
        stack, weight = line.rsplit(" ", 1)
        own[stack.rsplit(";", 1)[-1]] += int(weight)
    return own


def read_with_pprof(args, folder):
    tools = glob.glob("/usr/lib/go-1.19/pkg/tool/*/pprof")
    name = "functions whose weight pprof reads otherwise, or the total"
    if not tools:
        return left_out(name, "pprof is not here (package golang-1.19-go)")
    generate(folder / "few.folded", 2000)
    subprocess.run([args.binary, "profile", "--from", folder / "few.folded", "--unit", "ns", "-o", folder / "few.pb.gz"], check=True)
    top = subprocess.run([tools[0], "-top", "-nodecount=1000000", "-nodefraction=0", "-edgefraction=0", "-unit=ns", folder / "few.pb.gz"],
                         check=True, capture_output=True, text=True, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"}).stdout
    ours, theirs = own_weights(folder / "few.folded"), collections.Counter()
    total = int(re.search(r"of (\d+)ns total", top)[1])
    for line in top.splitlines():
        if found := re.match(r"\s*(\d+)(?:ns)?\s+[\d.]+%\s+[\d.]+%\s+\d+(?:ns)?\s+[\d.]+%\s+(.*)$", line):
            if int(found[1]):
                theirs[found[2]] = int(found[1])
    differ = sum(theirs[function] != ours[function] for function in ours | theirs) + (total != sum(ours.values()))
    return row(name, 0, differ, says=f"of {len(ours)}; total {total}, we wrote {sum(ours.values())}")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def open_in_speedscope(args, folder):
    name = "files of ours that speedscope did not open, of 1"
    if not (browser.chromium() and shutil.which("npm")):
        return left_out(name, "needs chromium and npm")
    for file in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "speedscope" / file, folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    site = folder / "node_modules/speedscope/dist/release"
    (folder / "app.py").write_text(PROGRAM)
    title = "app.py, on-CPU"
    subprocess.run([args.binary, "profile", "--hz", "499", "--title", title, "-o", site / "ours.speedscope.json", "--",
                    "/usr/bin/python3", folder / "app.py"], check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    page = f"{address}index.html#profileURL={address}ours.speedscope.json"
    try:
        shown = browser.dom(page)
        if args.picture:
            browser.screenshot(page, args.picture, "1220,500")
    finally:
        server.shutdown()
    return row(name, 0, int(f"<title>{title} - speedscope</title>" not in shown), says=f"{args.picture} shows it" if args.picture else "")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--picture", type=pathlib.Path, help="where the screenshot of speedscope goes")
    args = options.parse_args()
    args.binary = args.binary.resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        kept = [part(args, folder) for part in (read_with_pprof, open_in_speedscope, time_pictures)]
        return 0 if all(kept) else 3


if __name__ == "__main__":
    sys.exit(main())
