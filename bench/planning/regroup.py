#!/usr/bin/env python3
"""Is what `autotune fuse` predicts what fusing does? Three applications on the embedded host, watched by the agent; groups from
what it recorded; packages deployed; the same requests again; GB-s a request from the platform's own billing records.

sudo bench/planning/regroup.py [--requests 100] [APPLICATION…]. A table as markdown on stdout; exit status 0 every bar is kept,
3 one is missed, 1 something did not work. Uses the release build.
"""
import argparse
import base64
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests" / "e2e")]
import applications
import harness

BAR = 3.0  # points
WARM_UP = 12  # requests whose sandboxes start
APART = 3  # s, between them and those that are measured
NEVER = "version: 1\nrules:\n- {name: never, when: fn.invocations < 0, plan: [{notify: {}}]}\n"
REPORT = re.compile(r"REPORT RequestId: (\S+)\s.*?Billed Duration: (\d+) ms\tMemory Size: (\d+) MB")


class Application:
    """One of the applications, deployed on a host of its own below `folder`, watched by an agent until `stop_agent`."""

    def __init__(self, name, folder, stack):
        self.name, self.folder, self.root = name, pathlib.Path(folder), applications.root_of(name)
        self.functions = applications.APPLICATIONS[name]
        self.sources = self.folder / "sources"
        (self.folder / "none").mkdir()
        self.host = stack.enter_context(harness.running(harness.Host(self.folder / "none", self.folder / "host")))
        rules = self.folder / "rules.yaml"
        rules.write_text(NEVER)
        self.agent = harness.Agent(rules, self.host, self.folder / "agent", "--budget", "off", "--sample-hz", "0")
        stack.enter_context(harness.running(self.agent))
        self.agent.wait_ready()
        for function, (memory, steps) in self.functions.items():
            target = harness.write_function(self.sources, function, applications.code_of(steps, self.host.url), memory_mb=memory, timeout="180s")
            self.create(function, target, memory)

    def api(self, method, path, body, expected):
        answer = self.host.request(method, "/2015-03-31/functions" + path, json.dumps(body))
        if answer.status != expected:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body}")

    def create(self, name, folder, memory):
        code = base64.b64encode(zip_of(folder)).decode()
        self.api("POST", "", {"FunctionName": name, "Runtime": "python3.11", "Role": "arn:aws:iam::000000000000:role/r",
                              "Handler": "handler.handler", "MemorySize": memory, "Timeout": 180, "Code": {"ZipFile": code}}, 201)

    def deploy(self, function, package, handler, memory):
        self.api("PUT", f"/{function}/code", {"ZipFile": base64.b64encode(package.read_bytes()).decode()}, 200)
        self.api("PUT", f"/{function}/configuration", {"Handler": handler, "MemorySize": memory}, 200)

    def billed(self):
        """{request id: (function, ms, MB)} of all that the platform wrote down so far."""
        found = {}
        for log in sorted((self.folder / "host" / "logs").rglob("*")):
            if log.is_file():
                function = log.relative_to(self.folder / "host" / "logs").parts[0]
                for line in log.read_text(errors="replace").splitlines():
                    if match := REPORT.search(line):
                        found[match[1], function] = (function, int(match[2]), int(match[3]))
        return found

    def ask(self, number):
        answer = self.host.invoke(self.root, {"number": number}, qualifier=None, timeout=300)
        if not answer.ok:
            raise AssertionError(f"{self.root}: {answer.body}")
        return answer.json()

    def load(self, requests, groups=()):
        """The answers, and what the platform billed for these requests: [(function, ms, MB)]. Waits for what nobody waits for:
        how many invocations there must be is known."""
        expected = requests * sum(applications.billed_of(self.name, groups).values())
        before = self.billed().keys()
        answers = [self.ask(n) for n in range(requests)]
        fresh = []

        def all_there():
            fresh[:] = [bill for key, bill in self.billed().items() if key not in before]
            return len(fresh) >= expected

        harness.wait_for(f"{expected} billing records", all_there, seconds=150, step=0.2)
        time.sleep(0.3)  # one too many would come now
        all_there()
        return answers, list(fresh)

    def fuse(self, *more):
        done = harness.run("fuse", "--state", self.agent.state, "--functions", self.sources, "--package", self.folder / "groups", "--json", *more)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout), done.stderr

    def recorded(self):
        """How many invocations the agent has on record."""
        return sum(len(harness.history(self.agent.state, "--invocations", function)) for function in self.functions)

    def wait_recorded(self, count):
        harness.wait_for(f"{count} invocations on record", lambda: self.recorded() >= count, seconds=120, step=0.5)

    def deploy_groups(self, verdict):
        for group in verdict["groups"]:
            for function in group["functions"]:
                package = self.folder / "groups" / f"{function}.zip"
                if package.exists():
                    self.deploy(function, package, "autotune_group.handler", int(group["memory_mb"]))


def zip_of(folder):
    import io
    import zipfile
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for file in sorted(folder.iterdir()):
            out.writestr(file.name, file.read_bytes())
    return archive.getvalue()


def gb_s(bills, requests):
    return sum(ms * mb for _, ms, mb in bills) / 1000 / 1024 / requests


def measure(name, requests):
    """One row: (functions, groups, GB-s before and after a request, predicted and measured change in percent, its interval)."""
    with contextlib.ExitStack() as stack:
        app = Application(name, stack.enter_context(harness.workspace()), stack)
        app.load(WARM_UP)
        time.sleep(APART)
        began = time.monotonic()
        answers, before = app.load(requests)
        took = time.monotonic() - began
        app.wait_recorded((requests + WARM_UP) * sum(applications.billed_of(name).values()))
        # Of the very requests that are measured: before them, work that is left behind waits for others' sandboxes to start.
        verdict, _ = app.fuse("--last", f"{took + APART / 2:.0f}s")
        if verdict["traces"] != requests:
            raise AssertionError(f"{name}: {verdict['traces']} requests on record, not {requests}")
        groups = [g["functions"] for g in verdict["groups"] if len(g["functions"]) > 1]
        app.deploy_groups(verdict)
        app.load(WARM_UP, groups)
        fused_answers, after = app.load(requests, groups)
        if answers != fused_answers:
            raise AssertionError(f"{name}: the groups answer otherwise than their functions")
    was, is_now = gb_s(before, requests), gb_s(after, requests)
    told = verdict["gb_s_per_request"]
    return {"functions": len(app.functions), "groups": groups, "before": was, "told_before": told["before"], "after": is_now,
            "predicted": told["change_pct"], "interval": told["interval_pct"], "measured": 100 * (is_now - was) / was}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("applications", nargs="*", default=list(applications.APPLICATIONS))
    arguments = parser.parse_args()
    harness.need_root()
    print("| application | functions | groups | GB-s a request, before → after | predicted | measured | difference, points | |\n"
          "| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    kept = True
    for name in arguments.applications:
        row = measure(name, arguments.requests)
        difference = row["predicted"] - row["measured"]
        kept &= abs(difference) <= BAR
        low, high = row["interval"]
        print(f"| {name} | {row['functions']} | {'; '.join(', '.join(g) for g in row['groups'])} | {row['before']:.4f} → {row['after']:.4f} | "
              f"{row['predicted']:+.1f} % ({low:+.1f} to {high:+.1f}) | {row['measured']:+.1f} % | {difference:+.1f} | "
              f"{'kept' if abs(difference) <= BAR else 'MISSED'} |", flush=True)
    print(f"\n{arguments.requests} requests each time, one after the other, after {WARM_UP} that start sandboxes; the bar is {BAR:g} points.")
    return 0 if kept else 3


if __name__ == "__main__":
    sys.exit(main())
