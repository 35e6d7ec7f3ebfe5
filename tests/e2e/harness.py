"""Starts the embedded host and the agent for end-to-end tests, talks to both, and cleans up after itself.

Standard library only. Environment: AUTOTUNE_BINARY_DIR (build tree with ./autotune), AUTOTUNE_SOURCE_DIR.
Everything listens on loopback, on ports the kernel chooses; all state is below one temporary folder.
"""
import atexit
import base64
import contextlib
import functools
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unittest

SOURCE = pathlib.Path(os.environ.get("AUTOTUNE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BINARY_DIR = pathlib.Path(os.environ.get("AUTOTUNE_BINARY_DIR", SOURCE / "build" / "release"))
AUTOTUNE = BINARY_DIR / "autotune"
EXAMPLES = SOURCE / "examples" / "functions"
CGROUP = f"autotune/e2e-{os.getpid()}"  # of this story's hosts: what else runs on the machine is none of its agents' business
os.environ["AUTOTUNE_E2E_CGROUP"] = CGROUP


def skip(reason):
    """Ends the test program as skipped; in CI, where everything is there, as failed."""
    if os.environ.get("CI"):
        sys.exit(f"must not be skipped in CI: {reason}")
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def need_root():
    if os.geteuid() != 0:
        skip("needs root (cgroups, eBPF)")


PATIENCE_S = 120.0  # with a machine that is busy with other things; waited for only by what fails


def wait_for(what, condition, seconds=PATIENCE_S, step=0.02):
    """The first true value of condition(); fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(step)


def run(*arguments, wrapper=(), env=None):
    """A command of autotune, to its end; `wrapper` is a command that executes it."""
    return subprocess.run([str(a) for a in (*wrapper, AUTOTUNE, *arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=180, env={**os.environ, **(env or {})})


def cgroup_mounts():
    with open("/proc/mounts") as mounts:
        return [pathlib.Path(fields[1]) for fields in map(str.split, mounts) if fields[2] in ("cgroup", "cgroup2")]


@atexit.register
def remove_cgroups():
    """Hosts remove what they made; a killed one's is empty by then."""
    for mount in cgroup_mounts():
        for folder in sorted((mount / CGROUP).glob("**/"), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()


class Daemon:
    """A child process whose stderr is read line by line and kept."""

    def __init__(self, argv, ready, env=None):
        self.lines = []
        self.killed = False
        self._ready = re.compile(ready)
        self._match = None
        self._seen = threading.Event()
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", env={**os.environ, **(env or {})}, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._seen.wait(PATIENCE_S) or self._match is None:
            self.kill()
            raise AssertionError(f"{argv} did not become ready:\n" + self.output())

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if self._match is None and (found := self._ready.search(line)):
                self._match = found
                self._seen.set()
        self._seen.set()

    def output(self):
        return "\n".join(self.lines)

    def alive(self):
        return self.process.poll() is None

    def stop(self, seconds=60, how=signal.SIGTERM):
        """SIGTERM, or as Ctrl-C with SIGINT; returns the exit status."""
        if self.alive():
            self.process.send_signal(how)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"did not stop within {seconds} s of {how.name}:\n{self.output()}")
        self._reader.join(5)
        if not self._reader.is_alive():  # else a grandchild holds the other end
            self.process.stdout.close()
        return self.process.returncode

    def kill(self):
        self.killed = True
        if self.alive():
            self.process.kill()
        self.process.wait()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def function_error(self):
        return self.headers.get("X-Amz-Function-Error")

    @property
    def version(self):
        return self.headers.get("X-Amz-Executed-Version")

    @property
    def request_id(self):
        return self.headers.get("X-Amzn-RequestId") or self.headers.get("x-amzn-RequestId")

    @property
    def log(self):
        return base64.b64decode(self.headers.get("X-Amz-Log-Result", "")).decode(errors="replace")

    def json(self):
        return json.loads(self.body)

    @property
    def ok(self):
        return self.status == 200 and self.function_error is None


class Host(Daemon):
    """`autotune host`."""

    def __init__(self, functions, state, *options, port=0):
        super().__init__([AUTOTUNE, "host", "--functions", functions, "--listen", f"127.0.0.1:{port}", "--state", state,
                          "--cgroup", CGROUP, *options], r"http://127\.0\.0\.1:(\d+)")
        self.port = int(self._match.group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def invoke(self, function, payload, qualifier="live", log=False, timeout=60):
        path = f"/2015-03-31/functions/{function}/invocations"
        if qualifier:
            path += f"?Qualifier={qualifier}"
        headers = {"X-Amz-Log-Type": "Tail"} if log else {}
        body = payload if isinstance(payload, (bytes, str)) else json.dumps(payload)
        return self.request("POST", path, body, headers, timeout)

    def alias(self, function, name="live"):
        return self.request("GET", f"/2015-03-31/functions/{function}/aliases/{name}").json()

    def configuration(self, function):
        return self.request("GET", f"/2015-03-31/functions/{function}/configuration").json()

    def versions(self, function):
        answer = self.request("GET", f"/2015-03-31/functions/{function}/versions").json()
        return [v["Version"] for v in answer["Versions"]]


class Agent(Daemon):
    """`autotune --rules FILE`, steering the functions of `host`; `wrapper` is a command that executes it. It looks at this story's hosts
    only, or at all executors of the machine (`everywhere`): then no other story may run."""

    def __init__(self, rules, host, state, *options, mode="apply", env=None, wrapper=(), everywhere=False):
        self.state = state
        if not everywhere:
            options = ("--cgroup", CGROUP, *options)
        super().__init__([*wrapper, AUTOTUNE, "--rules", rules, "--mode", mode, "--state", state, "--web.listen-address",
                          "127.0.0.1:0", *options], r"serving http://127\.0\.0\.1:(\d+)",
                         {"AWS_ENDPOINT_URL_LAMBDA": host.url, "AWS_ACCESS_KEY_ID": "test",
                          "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", **(env or {})})
        self.port = int(self._match.group(1))

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_ready(self):
        return wait_for("agent ready", lambda: self.get("/-/ready")[0] == 200)

    def metrics(self):
        """{'name{labels}': value}"""
        values = {}
        for line in self.get("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values


def history(state, *options):
    """Rows of `autotune history --json`."""
    done = run("history", "--state", state, "--json", *options)
    if done.returncode != 0:
        raise AssertionError(f"history failed: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def workspace():
    """A temporary folder that is gone afterwards; kept and named when the test fails and KEEP is set."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="autotune-e2e-"))
    try:
        yield folder
    finally:
        if os.environ.get("KEEP"):
            print("kept", folder, file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(daemon):
    """Stops the daemon at the end, which must then end well: a sanitizer tells what it found by the exit status.
    Prints what the daemon said when the body fails."""
    try:
        yield daemon
    except BaseException:
        print(f"--- output of {daemon.__class__.__name__}\n{daemon.output()}\n---", file=sys.stderr)
        with contextlib.suppress(AssertionError):
            daemon.stop()
        raise
    status = daemon.stop()
    if status != 0 and not daemon.killed:
        raise AssertionError(f"{daemon.__class__.__name__} ended with status {status}:\n{daemon.output()}")


# For the code of functions: memory in one call, not by a fault a page, which at their share of a core may take longer than they have.
FILL = '''
import mmap

def fill(mb):
    mmap.mmap(-1, mb << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()
'''


def write_function(folder, name, code, memory_mb=128, timeout="3s", runtime="python3.11", handler="handler.handler",
                   aliases="{live: 1}"):
    """A function folder with the given handler.py."""
    target = pathlib.Path(folder) / name
    target.mkdir(parents=True)
    (target / "function.yaml").write_text(
        f"runtime: {runtime}\nhandler: {handler}\nmemory_mb: {memory_mb}\ntimeout: {timeout}\naliases: {aliases}\n")
    (target / "handler.py").write_text(code)
    return target


@contextlib.contextmanager
def service(answer, **headers):
    """An HTTP server of this process, by its URL: GET of a path is answered with the bytes answer(path) and these headers."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = answer(self.path)
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def played_again(story):
    """A canary errs now and then, by its alpha, and more so where a busy machine makes its first calls slow: a Story whose end one
    decides is played once more, from its beginning, where it failed."""
    @functools.wraps(story)
    def played(self):
        try:
            return story(self)
        except AssertionError:
            traceback.print_exc()
            print("once more:", flush=True)
        self.doCleanups()
        self.setUp()
        return story(self)
    return played


class Story(unittest.TestCase):
    """One that needs root, with a folder of its own (`self.folder`) and what is to be ended at the end (`self.stack`)."""

    @classmethod
    def setUpClass(cls):
        need_root()

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = self.stack.enter_context(workspace())
