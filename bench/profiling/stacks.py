#!/usr/bin/env python3
"""Whether sampled stacks are true: down to their start, the same as perf's, Python's functions and lines by their shares; the memory it takes.

bench/profiling/stacks.py [--binary build/release/autotune] [native|python|memory …]        as root

- native: a C++ program of -O2 without frame pointers, with Debian's libraries and no debug files (hidden in a mount namespace),
  watched by `autotune profile` and by `perf record --call-graph dwarf` at once, the same process.
- python: programs that measure their functions' CPU time themselves; the system's CPython, and those of 3.8 to 3.13 that
  AUTOTUNE_PYTHONS names ("/path/a:/path/b").
- memory: the agent's own memory and that of its maps in the kernel, its unwinding tables aside, while it watches C++, Python and what
  else is here; and the tables' bytes.

Prints one JSON line a row; exit status 3 when a bar is missed. A peer or an interpreter that is not installed is said and left out.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/e2e"))
import harness  # noqa: E402
from rows import left_out, row  # noqa: E402
from stripped import hide_debug_files  # noqa: E402

HZ = 997
STARTS = ("_start", "clone3", "__clone3", "clone", "__clone")

PYTHON = """
import sys, time
spent = {}
def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for i in range(200): i * i
def account(name, begin):
    spent[name] = spent.get(name, 0.0) + time.thread_time() - begin
def one(): begin = time.thread_time(); burn(0.050); account("one", begin)
def two(): begin = time.thread_time(); burn(0.030); account("two", begin)
def three(): begin = time.thread_time(); sorted(range(1), key=lambda x: burn(0.020)); account("three", begin)
def spin(turns):
    for i in range(turns):
        i * i
def lines(): begin = time.thread_time(); spin(900000); account("lines", begin)
def main():
    for _ in range(25): one(); two(); three(); lines()
main()
import json
print(json.dumps(spent))
"""
SPIN = PYTHON.splitlines().index("def spin(turns):") + 1  # its line; the loop is the two after it


def folded(path):
    rows = [line.rsplit(" ", 1) for line in path.read_text().splitlines()]
    return [(stack.split(";"), int(weight)) for stack, weight in rows]


# --- native ------------------------------------------------------------------------------------------

def plain(name):
    """A function's name without parameters and versions; the two write them differently."""
    name = name.split("@")[0]
    while (cut := re.sub(r"\([^()]*\)(?: const)?|\[abi:[^\]]*\]|<[^<>]*>", "", name)) != name:
        name = cut
    return name.split(" ")[-1].removeprefix("__vdso_")


def aliases(program):
    """Of names that stand for one address the first by the alphabet: each tool has its own favourite."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    one = {}
    for file in [program, *re.findall(r"(/\S+) \(0x", linked)]:
        for dynamic in ([], ["-D"]):
            listed = subprocess.run(["nm", "-C", "--defined-only", *dynamic, file], capture_output=True, text=True).stdout
            at = collections.defaultdict(set)
            for line in listed.splitlines():
                address, kind, name = line.split(" ", 2)
                if kind in "tTwWiuV":
                    at[address].add(plain(name))
            for names in at.values():
                for name in names:
                    one.setdefault(name, min(names))
    return one


def perf_stacks(folder):
    """Of perf's samples that reach the start: by stack, root first, how many. And how many do not, by their innermost frame."""
    done = subprocess.run(["perf", "--buildid-dir", folder / "builds", "script", "--no-inline", "--max-stack", "1024", "-F", "ip,sym,dso",
                           "-i", folder / "perf.data"], capture_output=True, text=True, check=True)
    stacks, cut = collections.Counter(), collections.Counter()
    for block in done.stdout.split("\n\n"):
        frames = []
        for line in filter(str.strip, block.splitlines()):
            match = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", line)
            name, module = match[1], os.path.basename(match[2])
            frames.append(plain(name) if name != "[unknown]" else module)
        if not frames:
            continue
        if frames[-1] in STARTS:
            stacks[tuple(reversed(frames))] += 1
        else:
            cut[frames[0]] += 1
    return stacks, cut


def both_stacks(args, folder, program, perf):
    """One run under both: our folded stacks, and perf's whole and cut ones."""
    (folder / "pid").unlink(missing_ok=True)
    # Not cpu-clock:u, which passes over the time in system calls: both say which of the program's own frames all its CPU time was for.
    record = [perf, "--buildid-dir", folder / "builds", "record", "-q", "-e", "cpu-clock", "--user-callchains", "-F", str(HZ),
              "--call-graph", "dwarf,32768", "-o", folder / "perf.data", "--"] if perf else []
    target = subprocess.Popen([*record, "sh", "-c", f"echo $$ > {folder}/pid; read go; exec {program} 1500"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pid = harness.wait_for("the program's id", lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
    watcher = subprocess.Popen([args.autotune, "profile", "--hz", str(HZ), "-p", pid, "-o", folder / "ours.folded"], stderr=subprocess.DEVNULL)
    time.sleep(2)
    target.communicate(b"go\n")
    watcher.wait()
    # Of the shell nothing: it waited for us.
    ours = [(stack, weight) for stack, weight in folded(folder / "ours.folded") if "main" in stack or stack[0] in (*STARTS, "[truncated]")]
    return ours, *(perf_stacks(folder) if perf else ({}, {}))


def native(args, folder):
    program = folder / "program"
    subprocess.run(["g++", "-O2", "-fomit-frame-pointer", "-fno-optimize-sibling-calls", "-o", program,
                    SOURCE / "tests/agent/symbols/frameless_program.cpp"], check=True)
    perf = shutil.which("perf")
    for _ in range(8 if perf else 1):
        ours, theirs, cut = both_stacks(args, folder, program, perf)
        if sum(theirs.values()) > sum(cut.values()):
            break
        print("     perf's unwinding ended in libc in every sample, as it does in every other run; once more", file=sys.stderr)
    total = sum(weight for _, weight in ours)
    whole = collections.Counter()
    for stack, weight in ours:
        if stack[0] in STARTS:
            whole[tuple(plain(f) for f in stack)] += weight
    kept = row("samples that do not reach _start, of -O2 C++ without frame pointers", 1, 100 * (1 - sum(whole.values()) / total), unit=" %")
    if not perf:
        left_out("stacks of at least 0.2 % that only one of ours and perf's has", "perf is not installed (package linux-perf)")
        return kept
    if not theirs:
        sys.exit("perf had no whole stack in eight runs")
    print(f"     perf: {sum(theirs.values())} whole, {sum(cut.values())} cut, innermost {dict(cut.most_common(3))}", file=sys.stderr)
    one = aliases(program)

    def shares(counts):
        by_stack = collections.Counter()
        for stack, weight in counts.items():
            by_stack[tuple(one.get(f, f) for f in stack)] += 100 * weight / sum(counts.values())
        return by_stack
    mine, perfs = shares(whole), shares(theirs)
    missing = {s: p for s, p in perfs.items() if s not in mine and p >= 0.2} | {s: p for s, p in mine.items() if s not in perfs and p >= 0.2}
    for stack, percent in sorted(missing.items(), key=lambda item: -item[1])[:5]:
        print(f"     only {'perf' if stack in perfs else 'ours'} ({percent:.2f} %): {';'.join(stack[:3])};…;{';'.join(stack[-4:])}", file=sys.stderr)
    kept &= row("stacks of at least 0.2 % that only one of ours and perf's has", 0, len(missing))
    # Of the stacks that both have, without those that perf has only in part: what is deeper than its 32 KiB it cuts.
    whole_for_both = {s for s in mine if s in perfs and s[-1] not in cut}
    sums = [sum(of[s] for s in whole_for_both) for of in (mine, perfs)]
    apart = max(abs(100 * mine[s] / sums[0] - 100 * perfs[s] / sums[1]) for s in whole_for_both)
    kept &= row("largest difference of one stack's share, ours and perf's", 2, apart, unit=" points")
    return kept


# --- python ------------------------------------------------------------------------------------------

def pythons():
    """By version, those that answer to theirs: the system's, and those that AUTOTUNE_PYTHONS names."""
    found = {}
    for path in ["/usr/bin/python3", *filter(None, os.environ.get("AUTOTUNE_PYTHONS", "").split(":"))]:
        asked = subprocess.run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True)
        found.setdefault(asked.stdout.strip(), []).append(path)
    return found


def one_python(args, folder, name, python):
    program = folder / "shares.py"
    program.write_text(PYTHON)
    out = folder / "out.speedscope.json"
    done = subprocess.run([args.autotune, "profile", "--hz", str(HZ), "-o", folder / "out.folded", "-o", out, "--", python, program],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{python}: {done.stderr}")
    spent = json.loads(done.stdout.splitlines()[-1])
    stacks = folded(folder / "out.folded")
    in_main = sum(w for s, w in stacks if "main" in s)
    worst = max(abs(100 * sum(w for s, w in stacks if function in s) / in_main - 100 * seconds / sum(spent.values()))
                for function, seconds in spent.items())
    kept = row(f"CPython {name}: a function's share, sampled and measured, apart", 2, worst, unit=" points")
    # Where spin itself is on top, its line must be one of the loop's two.
    file = json.loads(out.read_text())
    frames, wrong, all_of_it = file["shared"]["frames"], 0, 0
    for profile in file["profiles"]:
        for stack, weight in zip(profile["samples"], profile["weights"]):
            top = frames[stack[-1]]
            if top["name"] != "spin":
                continue
            all_of_it += weight
            wrong += 0 if top.get("line") in (SPIN + 1, SPIN + 2) else weight
    if not all_of_it:
        sys.exit(f"{python}: spin was never on top")
    return kept & row(f"CPython {name}: leaf lines that are not the loop's", 0.5, 100 * wrong / all_of_it, unit=" %")


def python(args, folder):
    kept, found = True, pythons()
    for minor in range(8, 14):
        name = f"3.{minor}"
        if name not in found:
            left_out(f"CPython {name}: a function's share, sampled and measured, apart", "no such interpreter in AUTOTUNE_PYTHONS")
        for place in found.get(name, []):
            kept &= one_python(args, folder, f"{name} ({pathlib.Path(place).parent})" if len(found[name]) > 1 else name, place)
    return kept


# --- memory ------------------------------------------------------------------------------------------

def bytes_of(pid):
    """The process's own memory, and its maps' in the kernel. Unwinding rows are in maps that only the kernel still refers to."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    own = sum(int(re.search(rf"{field}:\s+(\d+)", status)[1]) * 1024 for field in ("RssAnon", "RssShmem"))
    maps = 0
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            told = info.read_text()
            # Keys and values of the pages of unwinding rows (bpf/sampler_wire.h): they are part of the tables.
            is_table = re.search(r"key_size:\s+8\nvalue_size:\s+12\n", told)
            if (match := re.search(r"map_type.*?memlock:\s+(\d+)", told, re.S)) and not is_table:
                maps += int(match[1])
        except OSError:
            pass
    return own, maps


def tables_program(args, folder):
    """profiling_tables_benchmark, from the libraries that the binary itself was linked from; None: they are not there."""
    libraries = [args.autotune.parent / f"{room}/libautotune_{name}.a" for room, name in (("agent/unwind", "agent_unwind"), ("os", "os"), ("core", "core"))]
    if not all(map(pathlib.Path.exists, libraries)):
        return None
    program = folder / "tables"
    subprocess.run(["g++", "-std=c++20", "-O2", f"-I{SOURCE}", "-o", program, SOURCE / "bench/profiling/tables_benchmark.cpp", *libraries, "-lelf"],
                   check=True)
    return program


def memory(args, folder):
    program = folder / "program"
    subprocess.run(["g++", "-O2", "-g", "-o", program, SOURCE / "tests/agent/symbols/frameless_program.cpp"], check=True)
    script = folder / "work.py"
    script.write_text("import json, re, ctypes, http.client, sqlite3\nwhile True: json.dumps(json.loads('[1, {\"a\": 2}]' * 1)); re.match('(a|b)*c', 'ab' * 9)\n")
    commands = [[program, "20000"], ["/usr/bin/python3", script]]
    if node := shutil.which("node"):
        commands.append([node, "--perf-basic-prof", "-e", "for (;;) JSON.parse(JSON.stringify({a: [1, 2, 3]}))"])
    targets = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder) for command in commands]
    try:
        watcher = subprocess.Popen([args.autotune, "profile", "--hz", "99", "--duration", "12", "-o", folder / "out.folded", "-p",
                                    *(str(t.pid) for t in targets)], stderr=subprocess.DEVNULL)
        most = (0, 0)
        while watcher.poll() is None:
            try:
                most = max(most, bytes_of(watcher.pid), key=sum)
            except (OSError, TypeError):
                break
            time.sleep(0.2)
        watcher.wait()
    finally:
        for target in targets:
            target.kill()
            target.wait()
            pathlib.Path(f"/tmp/perf-{target.pid}.map").unlink(missing_ok=True)
    print(f"     of it {most[0] / 1e6:.1f} MB its own, {most[1] / 1e6:.1f} MB maps in the kernel", file=sys.stderr)
    kept = row("memory beyond the unwinding tables, MB", 60, sum(most) / 1e6)
    program = args.tables or tables_program(args, folder)
    if program is None:
        return left_out("unwinding tables, bytes a MB of text", "the libraries are not beside the binary") and kept
    done = subprocess.run([program], stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    if done.returncode not in (0, 3):
        sys.exit(f"{program} did not work")
    return kept and done.returncode == 0


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    options.add_argument("--tables", type=pathlib.Path, help="profiling_tables_benchmark; else it is built from the binary's own libraries")
    options.add_argument("parts", nargs="*", metavar="PART", help="native, python, memory; all")
    args = options.parse_args()
    args.autotune = args.binary.resolve()
    if os.geteuid() != 0:
        sys.exit("needs root: eBPF")
    hide_debug_files()
    parts = {"native": native, "python": python, "memory": memory}
    kept = True
    for name in args.parts or parts:
        with tempfile.TemporaryDirectory() as folder:
            kept &= parts[name](args, pathlib.Path(folder))
    return 0 if kept else 3


if __name__ == "__main__":
    sys.exit(main())
