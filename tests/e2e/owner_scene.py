"""A scene for `autotune topology` by owners: six functions and two servers on one address, keep-alive, and what was really called.

Functions on the embedded host call two HTTP servers and, through the host's Invoke API, each other; each keeps its
connections from invocation to invocation. Each call carries an id in its path or payload that only the score reads: what
was found is compared with what the functions and servers wrote down themselves.
"""
import collections
import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import subprocess
import sys
import threading

import harness

# Who calls whom. Servers: "front" asks "back" for one request in two.
CALLS = {
    "checkout": ["cart", "pay", "front"],
    "cart": ["front", "back"],
    "pay": ["ledger", "back"],
    "ledger": ["back"],
    "search": ["index", "front"],
    "index": ["back", "back"],
}
ROOTS = ["checkout", "search"]
SERVERS = ["front", "back"]

HANDLER = '''
import http.client, json, os, socket, time, uuid
ADDRESSES = json.loads(%(addresses)r)
CALLS = json.loads(%(calls)r)
LOG = open(%(log)r + "/" + os.environ["AWS_LAMBDA_FUNCTION_NAME"] + "-" + uuid.uuid4().hex, "w", buffering=1)
kept = {}

def connection(name):
    if name not in kept:
        kept[name] = http.client.HTTPConnection("127.0.0.1", ADDRESSES[name], timeout=30)
    return kept[name]

def handler(event, context):
    me = context.function_name
    for callee in CALLS[me]:
        call = uuid.uuid4().hex
        is_server = callee in ("front", "back")
        one = connection(callee if is_server else "host")
        if is_server:
            one.request("GET", "/%%s/%%s" %% (callee, call))
        else:
            one.request("POST", "/2015-03-31/functions/%%s/invocations?Qualifier=live" %% callee, body=json.dumps({"call": call}))
        answer = one.getresponse()
        body = answer.read()
        assert answer.status == 200 and "X-Amz-Function-Error" not in answer.headers, body
        LOG.write(json.dumps({"call": call, "from": me, "to": callee, "by": context.aws_request_id}) + "\\n")
    LOG.write(json.dumps({"served": event.get("call"), "function": me, "by": context.aws_request_id}) + "\\n")
    return {"ok": True}
'''

SERVER = r'''
import http.client, http.server, json, socketserver, sys, threading, uuid
name, back, log = sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "w", buffering=1)
kept, lock, count = threading.local(), threading.Lock(), [0]

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a head and its body go out together
    def log_message(self, *args): pass
    def do_GET(self):
        with lock:
            count[0] += 1
            asks = back != 0 and count[0] % 2 == 0
        if asks:
            if not hasattr(kept, "back"):
                kept.back = http.client.HTTPConnection("127.0.0.1", back, timeout=30)
            call = uuid.uuid4().hex
            kept.back.request("GET", "/back/" + call)
            kept.back.getresponse().read()
            with lock: log.write(json.dumps({"call": call, "from": name, "to": "back", "by": self.path}) + "\n")
        body = b"ok"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
server = Server(("127.0.0.1", 0), Handler)
print("listening on", server.server_address[1], flush=True)
server.serve_forever()
'''


class Scene:
    """Running host and servers; `truth()` when all requests are answered."""

    def __init__(self, folder, stack, suffix=""):
        """`suffix`: of the functions' names, for a run that others on this machine may have functions of the same names beside."""
        self.suffix = suffix
        self.folder = pathlib.Path(folder)
        self.log = self.folder / "log"
        self.log.mkdir()
        program = self.folder / "server.py"
        program.write_text(SERVER)
        self.servers = {}
        for name in reversed(SERVERS):
            back = self.servers["back"] if name == "front" else 0
            daemon = stack.enter_context(_server(program, name, back, self.log / name))
            self.servers[name] = int(daemon._match.group(1))
        functions = self.folder / "functions"
        # The host's port is known when it listens; functions read it when they are first called.
        self.host = stack.enter_context(harness.running(harness.Host(self._write(functions), self.folder / "state")))
        (self.folder / "host.json").write_text(json.dumps(self.host.port))

    def _write(self, functions):
        code = HANDLER % {"addresses": json.dumps(self.servers), "calls": json.dumps({self.function(f): [self.function(c) for c in callees] for f, callees in CALLS.items()}), "log": str(self.log)}
        code = code.replace("kept = {}", f"ADDRESSES['host'] = json.load(open({str(self.folder / 'host.json')!r}))\nkept = {{}}")
        for name in CALLS:
            harness.write_function(functions, self.function(name), code, memory_mb=512, timeout="60s")
        return functions

    def send(self, count, at_once=4):
        """`count` requests to the functions that others stand behind, `at_once` at a time, each client on one connection."""
        kept = threading.local()

        def one(i):
            if not hasattr(kept, "host"):
                kept.host = http.client.HTTPConnection("127.0.0.1", self.host.port, timeout=60)
            function = self.function(ROOTS[i % len(ROOTS)])
            kept.host.request("POST", f"/2015-03-31/functions/{function}/invocations?Qualifier=live", body="{}")
            answer = kept.host.getresponse()
            body = answer.read()
            if answer.status != 200 or "X-Amz-Function-Error" in answer.headers:
                raise AssertionError(f"{function}: {answer.status} {body[:300]}")

        with concurrent.futures.ThreadPoolExecutor(at_once) as clients:
            list(clients.map(one, range(count)))

    def truth(self):
        """{call id: (from, to, by)}, {call id: request id of the invocation that it asked for}, and what was served: ids of
        invocations, paths of requests."""
        calls, served, works = {}, {}, []
        for path in self.log.iterdir():
            for line in path.read_text().splitlines():
                row = json.loads(line)
                if "served" in row:
                    works.append(row["by"])
                    if row["served"]:
                        served[row["served"]] = row["by"]
                else:
                    calls[row["call"]] = (row["from"].removesuffix(self.suffix), row["to"].removesuffix(self.suffix), row["by"])
                    if row["to"] in SERVERS:
                        works.append(f"/{row['to']}/{row['call']}")
        return calls, served, works

    def name_of(self, node):
        """Of a server's node ("python3:40123") or a function's its name in the scene; what is none of ours has none of its names."""
        for name, port in self.servers.items():
            if node.endswith(f":{port}"):
                return name
        if self.suffix and node.endswith(self.suffix):
            return node.removesuffix(self.suffix)
        return f"{node}, of others" if self.suffix and node in {*CALLS, *SERVERS} else node

    def function(self, name):
        """As the host knows it; servers have no other name."""
        return name if name in SERVERS else name + self.suffix


@contextlib.contextmanager
def _server(program, name, back, log):
    daemon = harness.Daemon(["/usr/bin/python3", program, name, str(back), log], r"listening on (\d+)")
    try:
        yield daemon
    finally:
        daemon.kill()
        daemon.process.stdout.close()


def score(scene, graph):
    """What `graph` (autotune topology --format json) has right, of what was really called."""
    calls, served, served_works = scene.truth()
    names = set(CALLS) | set(SERVERS)
    true_edges = {(a, b) for a, b, _ in calls.values()}
    found_edges = {(scene.name_of(e["from"]), scene.name_of(e["to"])) for e in graph["edges"]
                   if scene.name_of(e["from"]) in names}
    works = graph["works"]
    # Calls to servers carry their id in the path; those to functions are known by the invocation that they asked for.
    by_invocation = {request: call for call, request in served.items()}
    right, wrong, found = set(), [], {}
    for call in graph["calls"]:
        child = works[call["child"]] if call["child"] is not None else None
        known = call["path"].rsplit("/", 1)[-1]
        known = known if known in calls else by_invocation.get(child["id"]) if child else None
        if known is None:
            continue
        caller, callee, by = calls[known]
        parent = works[call["parent"]] if call["parent"] is not None else None
        # A server's request is known by its path, an invocation by its id.
        told = parent and (parent["what"].removeprefix("GET ") if caller in SERVERS else parent["id"])
        found[known] = call
        if told == by and scene.name_of(call["from"]) == caller and scene.name_of(call["to"]) == callee:
            right.add(known)
        else:
            wrong.append((known, calls[known], told, call["by"]))
    told_works = collections.Counter(work["what"].removeprefix("GET ") or work["id"] for work in works if not work["open"])
    count = {}
    for a, b, _ in calls.values():
        count[a, b] = count.get((a, b), 0) + 1
    told_count = {(scene.name_of(e["from"]), scene.name_of(e["to"])): e["calls"] for e in graph["edges"]}
    return {
        "edges": len(true_edges),
        "precision": len(true_edges & found_edges) / max(len(found_edges), 1),
        "surplus": sorted(f"{a} -> {b}" for a, b in found_edges - true_edges),
        "not_found": sorted(f"{a} -> {b}" for a, b in true_edges - found_edges),
        "recall": len(true_edges & found_edges) / max(len(true_edges), 1),
        "calls": len(calls),
        "right": len(right),
        "wrong": wrong[:5],
        "missing": [calls[c] for c in list(calls.keys() - found.keys())[:5]],
        "counts_differ": {f"{a} -> {b}": (n, told_count.get((a, b))) for (a, b), n in count.items() if told_count.get((a, b)) != n},
        "works": len(served_works),
        "works_not_once": {work: told_works[work] for work in served_works if told_works[work] != 1},
        "not_kept": graph["calls_not_kept"] + graph["works_not_kept"],
        "ambiguous": graph["ambiguous"],
        "lost": graph["lost"],
    }
