#!/usr/bin/env python3
"""Peddycord's algorithm: what it finds of three measured applications, and how fast it is.

bench/topology/topology.py [--binary build/release/autotune] [--data ../shared/data/requests] [--flows 2000000]

The table: precision and recall of edges per application and load; flows as the callee's start to end, each service on an
address of its own, all on one address, and all on one address with ambiguous flows dropped. Then the speed over generated
flows and over generated packets, eight a connection: CPU time of the whole command, reading included, one core. Exit status 3
when a bar is missed.
"""
import argparse
import csv
import gzip
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/e2e"))
import resource_usage

LOADS = (25, 50, 75, 100)
WAYS = {"an address a service": [], "one address, shared": ["--one-address"], "one address, exclusive": ["--one-address", "--exclusive"]}
BAR_FLOWS_A_SECOND = 1_000_000


def truth(path):
    with gzip.open(path, "rt") as file:
        return {(row["caller"], row["callee"]) for row in csv.DictReader(file) if row["caller"]}


def found(binary, path, ranking, alpha, more):
    done = subprocess.run([binary, "topology", "--calls", path, "--method", "nsdminer", "--ranking", ranking, "--alpha", str(alpha),
                           "--json", *more], check=True, capture_output=True, text=True)
    return {tuple(edge[end].removeprefix("one-address:") for end in ("from", "to")) for edge in json.loads(done.stdout)["edges"]}


def score(args):
    whole = True
    for ranking, alpha in (("logarithm", 80), ("ratio", 50)):
        for way, more in WAYS.items():
            print(f"\n{ranking}, alpha {alpha}, {way}: precision / recall at load " + ", ".join(map(str, LOADS)))
            for app in ("hotel", "media", "node"):
                cells = []
                for load in LOADS:
                    path = args.data / f"{app}_{load}.calls.csv.gz"
                    true, mined = truth(path), found(args.binary, path, ranking, alpha, more)
                    precision = len(true & mined) / len(mined) if mined else 1.0
                    recall = len(true & mined) / len(true)
                    cells.append(f"{precision:.2f} / {recall:.2f}")
                    if ranking == "logarithm" and not more:
                        whole &= precision == recall == 1.0
                print(f"  {app:6} " + "   ".join(cells))
    return whole


def generate(path, count):
    """200 services, each calling four of the others within a request."""
    source = random.Random(2)
    needs = [[source.randrange(200) for _ in range(4)] for _ in range(200)]
    at = written = 0
    with open(path, "w") as file:
        file.write("start,end,proto,src,dst,dst_port\n")
        while written < count:
            at += source.randint(1, 2000)
            service, length = source.randrange(200), source.randint(2000, 50000)
            file.write(f"{at / 1e6:.6f},{(at + length) / 1e6:.6f},tcp,10.1.0.{source.randrange(250)},10.0.0.{service},80\n")
            for need in needs[service]:
                start = at + source.randint(1, length // 2)
                file.write(f"{start / 1e6:.6f},{(start + source.randint(1, length // 2)) / 1e6:.6f},tcp,10.0.0.{service},10.0.0.{need},80\n")
            written += 5
    return written


def generate_packets(path, count):
    """TCP between 200 clients and 200 services, eight packets a connection."""
    source, at, written = random.Random(2), 10**12, 0
    address = lambda net, host: bytes([10, net, 0, host])

    def packet(file, one, other, ports, flags):
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 7, 0, 64, 6, 0, one, other)
        data = bytes(12) + struct.pack(">H", 0x0800) + ip + struct.pack(">HHIIBBHHH", *ports, 0, 0, 0x50, flags, 0, 0, 0)
        file.write(struct.pack("<IIII", at // 1_000_000, at % 1_000_000, len(data), len(data)) + data)

    with open(path, "wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 96, 1))
        while written < count:
            client, service, port = address(1, source.randrange(200)), address(0, source.randrange(200)), 20_000 + written // 8 % 40_000
            for flags, asks in ((2, True), (18, False), (16, True), (24, True), (24, False), (17, True), (17, False), (16, True)):
                at += source.randint(1, 20)
                if asks:
                    packet(file, client, service, (port, 80), flags)
                else:
                    packet(file, service, client, (80, port), flags)
            written += 8
    return written


def cpu_of(*command):
    """Seconds of CPU and MiB at most."""
    status, took, most = resource_usage.run(command, stderr=subprocess.DEVNULL)
    assert status == 0, command
    return took, most


def speed(args):
    with tempfile.TemporaryDirectory() as folder:
        flows, packets, out = (pathlib.Path(folder) / name for name in ("flows.csv", "run.pcap", "out.json"))
        count = generate(flows, args.flows)
        took, most = cpu_of(args.binary, "topology", "--flows", flows, "-o", out)
        rate = count / took
        print(f"\n{count:,} flows: {took:.2f} s of CPU, {rate / 1e6:.2f} million flows/s (bar {BAR_FLOWS_A_SECOND / 1e6:g}), "
              f"{most:.0f} MiB at most")
        count = generate_packets(packets, args.flows)
        took, most = cpu_of(args.binary, "topology", "--pcap", packets, "-o", out)
        print(f"{count:,} packets: {took:.2f} s of CPU, {count / took / 1e6:.2f} million packets/s, {most:.0f} MiB at most")
    return rate >= BAR_FLOWS_A_SECOND


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", type=pathlib.Path, default=SOURCE / "build/release/autotune")
    options.add_argument("--data", type=pathlib.Path, default=SOURCE / "../shared/data/requests")
    options.add_argument("--flows", type=int, default=2_000_000)
    args = options.parse_args()
    return 0 if all([score(args), speed(args)]) else 3


if __name__ == "__main__":
    sys.exit(main())
