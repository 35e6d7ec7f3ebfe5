#!/usr/bin/env python3
"""What profiles cost and whether their totals are true, beside perf and bpftrace in the same run.

As root: bench/profiling/modes.py [--binary build/release/autotune] [--seconds 60] [--rounds 3] [NAME…]

- off-cpu: time off the CPU of threads that sleep, hand a token to and fro, and want one CPU, against what the threads say of
  themselves (wall clock less /proc/PID/task/TID/schedstat); beside a bpftrace script in the way of offcputime.
- stacks: 30,000 different stacks of waits: how many are shown (libbpf-tools' offcputime keeps 10,240).
- cost: two busy cores, -O2 C++ without frame pointers on Debian's stripped libraries, at 999 Hz, from start to named stacks: own
  CPU and run time of the BPF programs beside `perf record --call-graph dwarf` and `perf script`; bytes. And at 99 Hz. Where perf
  runs out of its time (--patience) its row says "at least".

Prints one JSON line a row, medians of the rounds; exit status 3 when a bar is missed. What is not installed is left out.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from rows import left_out, row
from stripped import hide_debug_files

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = SOURCE / "tests/agent/symbols"
FRAMELESS = ["-O2", "-std=c++20", "-fomit-frame-pointer", "-fno-optimize-sibling-calls", "-rdynamic"]
BPFTRACE = '''
tracepoint:sched:sched_switch /comm == "waiting_program"/ { @left[tid] = nsecs; @at[tid] = ustack; }
tracepoint:sched:sched_switch /@left[args->next_pid]/ {
  @off[args->next_pid, @at[args->next_pid]] = sum(nsecs - @left[args->next_pid]); delete(@left[args->next_pid]); }
END { clear(@left); clear(@at); }
'''
STACKS = '''
import sys, time
sys.setrecursionlimit(10000)
def left(bits, n):
    if n: (left if bits & 1 else right)(bits >> 1, n - 1)
    else: time.sleep(1e-6)
def right(bits, n):
    if n: (left if bits & 1 else right)(bits >> 1, n - 1)
    else: time.sleep(1e-6)
time.sleep(1)
for bits in range(30000): left(bits, 15)
'''


def build(source, target, *options):
    compiler = "g++" if source.suffix == ".cpp" else "gcc"
    subprocess.run([compiler, *options, "-o", target, source, "-lpthread"], check=True)
    return target


def folded(path):
    rows = [line.rsplit(" ", 1) for line in path.read_text().splitlines()]
    return [(stack.split(";"), int(weight)) for stack, weight in rows]


def off_cpu_of_threads(text):
    """Each thread's own account: wall clock less what the scheduler says that it ran."""
    return sum(int(f[3]) - int(f[2]) - int(f[4]) for f in map(str.split, text.splitlines()))


def off_cpu(args, folder):
    program = build(PROGRAMS / "waiting_program.c", folder / "waiting_program", "-O1", "-fno-omit-frame-pointer", "-rdynamic")
    ours, peers = [], []
    for round_ in range(args.rounds):
        out, go = folder / "off.folded", folder / f"go{round_}"
        profiler = subprocess.Popen([args.binary, "profile", "--mode", "off-cpu", "-o", out, "--", program, "5000", go],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(1)
        go.touch()
        text = profiler.communicate()[0]
        unseen = ("[a switch was not seen]", "[interrupts and other machines]")
        found = sum(w for frames, w in folded(out) if "run" in frames or frames[-1] in unseen)
        truth = off_cpu_of_threads(text)
        ours.append(abs(found - truth) / truth)
        if shutil.which("bpftrace"):
            peers.append(bpftrace_error(program, folder / f"peer{round_}", folder))
    return row("off-CPU total, error against the threads' own", 0.01, statistics.median(ours),
               statistics.median(peers) if peers else None, args.rounds, "share; peer: bpftrace 'sched_switch', keys as they come")


def bpftrace_error(program, go, folder):
    script = folder / "off.bt"
    script.write_text(BPFTRACE)
    process = subprocess.Popen([program, "5000", go], stdout=subprocess.PIPE, text=True)
    # tracefs in a mount namespace of its own: nothing is left behind.
    tracer = subprocess.Popen(["unshare", "-m", "sh", "-c", f"mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; "
                               f"exec bpftrace -f json {script}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={**os.environ, "BPFTRACE_MAP_KEYS_MAX": "100000"})
    time.sleep(4)
    go.touch()
    text = process.communicate()[0]
    tracer.send_signal(2)
    told = tracer.communicate()[0]
    threads = {line.split()[0] for line in text.splitlines()}
    found = 0
    for line in told.splitlines():
        values = json.loads(line).get("data", {}) if line.startswith("{") else {}
        for key, ns in (values.get("@off", {}) if isinstance(values, dict) else {}).items():
            found += ns if key.split(",")[0] in threads else 0
    truth = off_cpu_of_threads(text)
    return abs(found - truth) / truth


def stacks(args, folder):
    program, out = folder / "stacks.py", folder / "stacks.folded"
    program.write_text(STACKS)
    missing = []
    for _ in range(args.rounds):
        subprocess.run([args.binary, "profile", "--mode", "off-cpu", "-o", out, "--", "/usr/bin/python3", program], check=True,
                       stderr=subprocess.DEVNULL)
        shown = {tuple(f for f in frames if f in ("left", "right")) for frames, _ in folded(out)}
        missing.append(1 - len([s for s in shown if len(s) == 16]) / 30000)
    return row("30,000 stacks of waits that are not shown", 0.03, statistics.median(missing), None, args.rounds,
               "share; libbpf-tools' offcputime keeps 10,240 keys at most")


def cpu_seconds_of(run):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Busy:
    """Two processes that each burn so many seconds of CPU: as many samples for everybody, whatever else the machine does."""

    def __init__(self, program, seconds):
        self.processes = [subprocess.Popen([program, str(seconds)], stdout=subprocess.DEVNULL) for _ in range(2)]

    def pids(self):
        return [str(p.pid) for p in self.processes]

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


def ours(args, program, hz, folder):
    """(CPU seconds, bytes, samples)"""
    busy, out = Busy(program, args.seconds), folder / "cost.folded"
    try:
        pids = [word for pid in busy.pids() for word in ("-p", pid)]
        done = subprocess.run([args.binary, "profile", "--cost", "--hz", str(hz), *pids, "-o", out],
                              check=True, capture_output=True, text=True)
    finally:
        busy.end()
    own, bpf, size = re.search(r"cost: ([\d.]+) s of CPU and ([\d.]+) s in BPF programs, (\d+) bytes", done.stderr).groups()
    samples = int(re.search(r"(\d+) samples", done.stderr)[1])
    return float(own) + float(bpf), int(size), samples


def perf(args, program, hz, folder):
    busy, data, out = Busy(program, args.seconds), folder / "perf.data", folder / "perf.txt"
    whole = True

    def record():
        subprocess.run(["perf", "record", "-q", "-e", "cpu-clock:u", "-F", str(hz), "--call-graph", "dwarf", "-p", ",".join(busy.pids()),
                        "-o", data], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def script():
        nonlocal whole
        with open(out, "w") as file:
            process = subprocess.Popen(["perf", "script", "--no-inline", "-i", data], stdout=file, stderr=subprocess.DEVNULL)
            try:
                process.wait(args.patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                whole = False

    try:
        cpu = cpu_seconds_of(record)
    finally:
        busy.end()
    cpu += cpu_seconds_of(script)
    return cpu, data.stat().st_size, whole


def cost(args, folder):
    program = build(pathlib.Path(__file__).with_name("busy.cpp"), folder / "busy", *FRAMELESS)
    mine = [ours(args, program, 999, folder) for _ in range(args.rounds)]
    seldom = [ours(args, program, 99, folder) for _ in range(args.rounds)]
    cpu, size, samples = (statistics.median(values) for values in zip(*mine))
    about = f"{samples:.0f} samples of 2 x {args.seconds:g} s of CPU"
    kept = row("99 Hz on 2 busy cores, share of a core", 0.01, statistics.median(c for c, _, _ in seldom) / args.seconds, None,
               args.rounds, "own CPU and BPF run time, from start to named stacks")
    if not shutil.which("perf"):
        left_out("999 Hz on 2 busy cores, CPU seconds", f"its bar is perf's, which is not here (package linux-perf); ours: {cpu:.3g} s, {about}")
        left_out("999 Hz on 2 busy cores, bytes", f"its bar is perf's, which is not here; ours: {size:.3g}")
        return kept
    peers = [perf(args, program, 999, folder) for _ in range(args.rounds)]
    least = "" if all(whole for _, _, whole in peers) else ", at least: perf script was ended"
    peer, peer_size = statistics.median(p[0] for p in peers), statistics.median(p[1] for p in peers)
    kept &= row("999 Hz on 2 busy cores, CPU seconds", peer / 5, cpu, peer, args.rounds,
                f"own CPU and BPF run time, {about}; peer: perf record --call-graph dwarf and perf script{least}")
    return kept & row("999 Hz on 2 busy cores, bytes", peer_size / 100, size, peer_size, args.rounds,
                      "from the kernel, before naming; peer: perf.data")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    options.add_argument("--seconds", type=float, default=60, help="of CPU each of the two cores is kept busy for, in the cost rows")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--patience", type=float, default=900, help="for one perf script, in s")
    options.add_argument("names", nargs="*", metavar="NAME")
    args = options.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: eBPF, and perf's sake")
    hide_debug_files()
    args.binary = args.binary.resolve()
    wanted = [part for part in (off_cpu, stacks, cost) if not args.names or part.__name__.replace("_", "-") in args.names]
    if not wanted:
        sys.exit("there is off-cpu, stacks and cost")
    with tempfile.TemporaryDirectory() as folder:
        kept = [part(args, pathlib.Path(folder)) for part in wanted]
    return 0 if all(kept) else 3


if __name__ == "__main__":
    sys.exit(main())
