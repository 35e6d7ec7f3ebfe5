#!/usr/bin/env python3
"""What the agent itself costs: idle; at 1,000 invocations a second with the budget lifted, and with the default one.

As root, with the build tree in AUTOTUNE_BINARY_DIR: bench/tracing/agent_benchmark.py [--rounds 7]. One JSON line a row
on stdout, a sentence on stderr. The invocations are those of one executor in a cgroup of its own and a server beside
it that gives out work at that rate; the agent's figures are its process's and its BPF programs', by its own metrics
and by /proc.
"""
import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "e2e"))
import harness  # noqa: E402

RULES = "version: 1\nrules:\n- {name: never, when: fn.invocations < 0, plan: [{notify: {}}]}\n"
PAYLOAD = b'{"a":1}'


def receive_head(peer, rest=b""):
    while b"\r\n\r\n" not in rest:
        more = peer.recv(65536)
        if not more:
            return b"", b""
        rest += more
    head, _, rest = rest.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                   if line.startswith(b"content-length:")), 0)
    while len(rest) < length:
        rest += peer.recv(65536)
    return head, rest[length:]


def serve(listener, rate, stop):
    """The Runtime API: gives out an invocation when its time has come."""
    peer, _ = listener.accept()
    due, number = time.monotonic(), 0
    rest = b""
    while not stop.is_set():
        head, rest = receive_head(peer, rest)
        if not head:
            return
        if head.startswith(b"GET"):
            due = max(due + 1 / rate, time.monotonic() - 0.1)
            time.sleep(max(0, due - time.monotonic()))
            number += 1
            peer.sendall(b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8f5e4a9c-0d5c-4a64-9b5b-%012d\r\n"
                         b"Lambda-Runtime-Deadline-Ms: %d\r\nContent-Length: %d\r\n\r\n%s"
                         % (number, (time.time() + 3) * 1000, len(PAYLOAD), PAYLOAD))
        else:
            peer.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")


def execute(port):
    """The function: reads a file and answers."""
    peer = socket.create_connection(("127.0.0.1", port))
    rest = b""
    while True:
        peer.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n")
        head, rest = receive_head(peer, rest)
        if not head:
            return
        name = head.split(b"Request-Id: ")[1].split(b"\r\n")[0]
        with open("/etc/hostname", "rb") as file:
            body = file.read()
        peer.sendall(b"POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: api\r\nContent-Length: %d"
                     b"\r\n\r\n%s" % (name, len(body), body))
        head, rest = receive_head(peer, rest)


@contextlib.contextmanager
def executor(rate):
    cgroup = next(p for p in (pathlib.Path("/sys/fs/cgroup/unified"), pathlib.Path("/sys/fs/cgroup"))
                  if (p / "cgroup.procs").exists()) / f"autotune-bench-{os.getpid()}"
    cgroup.mkdir()
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    server = threading.Thread(target=serve, args=(listener, rate, stop), daemon=True)
    server.start()
    port = listener.getsockname()[1]
    process = subprocess.Popen(
        ["sh", "-c", 'echo $$ > "$0"/cgroup.procs; exec "$@"', cgroup, sys.executable, __file__, "--execute", str(port)],
        env={**os.environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "AWS_LAMBDA_FUNCTION_NAME": "bench",
             "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"})
    try:
        yield
    finally:
        stop.set()
        process.kill()
        process.wait()
        server.join(1)
        harness.wait_for("the cgroup to be empty", lambda: not (cgroup / "cgroup.procs").read_text())
        cgroup.rmdir()


def cpu_seconds(pid):
    """To the nanosecond: a clock tick is a fifth of what an idle agent uses in a row."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def cores(agent, seconds):
    """Process and BPF programs together, over that time."""
    def spent():
        return cpu_seconds(agent.process.pid) + agent.metrics()["autotune_bpf_seconds_total"]
    before, start = spent(), time.monotonic()
    time.sleep(seconds)
    return (spent() - before) / (time.monotonic() - start)


def row(name, bar, ours, rounds, says):
    print(json.dumps({"name": name, "bar": bar, "ours": ours, "peer": None, "ratio": None, "median_of": rounds}),
          flush=True)
    kept = ours <= bar
    print(f"{'ok  ' if kept else 'MISS'} {name}: {ours:.4g} {says} (bar {bar})", file=sys.stderr)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--execute", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.execute:
        return execute(options.execute)
    harness.need_root()
    idle, memory, lifted, kept, shed = [], [], [], [], set()
    with harness.workspace() as folder, contextlib.ExitStack() as stack:
        (folder / "rules.yaml").write_text(RULES)
        (folder / "functions").mkdir()
        host = stack.enter_context(harness.running(harness.Host(folder / "functions", folder / "host")))

        def agent(name, *arguments):
            return harness.running(harness.Agent(folder / "rules.yaml", host, folder / name, *arguments))

        with agent("idle") as a:
            time.sleep(3)
            for _ in range(options.rounds):
                idle.append(100 * cores(a, 3))
                memory.append(a.metrics()["autotune_agent_resident_memory_bytes"] / 2**20)
        with agent("lifted", "--budget", "off") as a, executor(1000):
            time.sleep(3)
            before = sum(v for k, v in a.metrics().items() if k.startswith("autotune_invocations_total"))
            start = time.monotonic()
            for _ in range(options.rounds):
                lifted.append(100 * cores(a, 2))
            rate = (sum(v for k, v in a.metrics().items() if k.startswith("autotune_invocations_total")) - before)
            rate /= time.monotonic() - start
        with agent("default") as a, executor(1000):
            time.sleep(75)  # the budget finds what it can do without, one thing after the other; nothing starts meanwhile
            for _ in range(options.rounds):
                kept.append(100 * cores(a, 2))
            shed = {k for k, v in a.metrics().items() if k.startswith("autotune_agent_shed") and v == 1}
            said = [line for line in a.lines if "given up" in line]
    median = statistics.median
    ok = row("agent.idle", 0.2, median(idle), options.rounds, "% of a core, idle")
    ok &= row("agent.idle_memory", 60, median(memory), options.rounds, "MiB resident, idle")
    ok &= row("agent.budget_lifted", 10, median(lifted), options.rounds,
              f"% of a core at {rate:.0f} invocations/s, budget lifted")
    ok &= row("agent.default_budget", 1, median(kept), options.rounds,
              f"% of a core at 1000 invocations/s, default budget; given up: {sorted(shed)}; said: {said}")
    return 0 if ok else 3


if __name__ == "__main__":
    sys.exit(main())
