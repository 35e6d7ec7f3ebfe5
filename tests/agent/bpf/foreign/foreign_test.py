#!/usr/bin/python3
"""nginx, redis, PostgreSQL, curl, git and CPython's standard library at work: what the BPF source tells of their
calls, files and connections equals what strace saw of the same run, /proc/PID/io and `ss -ti`, thread by thread.

Environment: AUTOTUNE_BINARY_DIR. Loopback only; all files are below one temporary folder.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "support"))
from loopback import free_port, listens, skip, wait_for  # noqa: E402

BINARY_DIR = pathlib.Path(os.environ.get("AUTOTUNE_BINARY_DIR", "build/release"))
IO_SUMS = BINARY_DIR / "tests/agent/bpf/io_sums"
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")


class Tracer:
    """io_sums on one process and all that it starts."""

    def __init__(self, pid):
        self.process = subprocess.Popen([IO_SUMS, str(pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", "the source did not start"

    def sums(self):
        self.process.stdin.write("?")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Run:
    """A command under the tracer, and under strace as well; both see it from its first instruction on."""

    def __init__(self, test, command, strace=True, **options):
        self.logs = test.folder / "strace"
        self.logs.mkdir()
        self.logs.chmod(0o777)
        prefix = ["strace", "-ff", "-yy", "-s", "0", "-e", "trace=" + ",".join(OPS), "-o", self.logs / "s"]
        # A shell that stops until the tracer is there, then becomes the command.
        self.process = subprocess.Popen(["sh", "-c", "kill -STOP $$; exec \"$@\"", "sh", *(prefix if strace else []),
                                         *command], stdin=subprocess.DEVNULL, **options)
        os.waitpid(self.process.pid, os.WUNTRACED)
        self.tracer = Tracer(self.process.pid)
        os.kill(self.process.pid, signal.SIGCONT)
        self.strace = strace
        test.addCleanup(self.stop)

    @property
    def pid(self):
        """Of the command."""
        return next(iter(children(self.process.pid)), None) if self.strace else self.process.pid

    def stop(self):
        """Of what a failed test has left."""
        if self.process.poll() is not None:
            return
        for pid in (*children(self.process.pid), self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.tracer.close()

    def end(self, how=None):
        if how is not None:
            os.kill(self.pid, how)
        status = self.process.wait(timeout=60)
        sums = self.tracer.sums()
        self.tracer.close()
        return status, sums


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# What strace calls it → what we do; "read" and "write" are receive and send on sockets.
OPS = {"read": "read", "pread64": "read", "readv": "read", "preadv": "read", "preadv2": "read", "recvfrom": "read",
       "recvmsg": "read", "write": "write", "pwrite64": "write", "writev": "write", "pwritev": "write",
       "pwritev2": "write", "sendto": "write", "sendmsg": "write", "sendfile": "move", "splice": "move",
       "copy_file_range": "move", "connect": "connect", "accept": "accept", "accept4": "accept", "open": "open",
       "openat": "open", "creat": "open", "close": "close", "fsync": "sync", "fdatasync": "sync",
       "sync_file_range": "sync", "sync": "sync", "syncfs": "sync", "msync": "sync", "mmap": "map",
       "getdents64": "list", "mkdir": "mkdir", "mkdirat": "mkdir", "unlink": "remove", "unlinkat": "remove",
       "rmdir": "remove", "rename": "rename", "renameat": "rename", "renameat2": "rename", "link": "link",
       "linkat": "link", "symlink": "link", "symlinkat": "link", "truncate": "resize", "ftruncate": "resize",
       "fallocate": "resize", "execve": "exec"}
CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+|\?)(<.*>)?(?: (E\w+))?")
DESCRIPTOR = re.compile(r"(?:AT_FDCWD|-?\d+)<")
BYTES = {"read", "receive", "write", "send", "list", "map"}


def kind(text):
    """Of an argument like `5<TCP:[127.0.0.1:80->…]>`: socket, other (epoll, event …), or file."""
    inside = text.partition("<")[2]
    if re.match(r"(TCP|UDP|UNIX|NETLINK|socket|RAW)\b", inside):
        return "socket"
    return "other" if inside.startswith("anon_inode:") or not inside else "file"


def arguments(text):
    """Split at the commas that are in no brackets."""
    parts, depth, at = [], 0, 0
    quoted = False
    for i, c in enumerate(text):
        if c == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif c in "<[{(" :
            depth += 1
        elif c in ">]})" and not (c == ">" and text[i - 1] == "-"):
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[at:i].strip())
            at = i + 1
    return parts + [text[at:].strip()]


class Counted(dict):
    """Op → [calls, bytes], of calls that succeeded."""

    def add(self, op, result):
        entry = self.setdefault(op, [0, 0])
        entry[0] += 1
        entry[1] += result if op in BYTES else 0


def at_end(what, op):
    """The op on a descriptor of that kind; None when it is not told."""
    if what == "other":
        return None
    return {"read": "receive", "write": "send"}[op] if what == "socket" else op


def seen_by_strace(logs):
    """Tid → Counted."""
    seen = {}
    for log in logs.iterdir():
        counted = seen.setdefault(int(log.suffix[1:]), Counted())
        for line in log.read_text(errors="replace").splitlines():
            call = CALL.match(line)
            if not call or call[3] == "?":
                continue
            name, given, result = call[1], arguments(call[2]), int(call[3], 0)
            op = OPS[name]
            if op == "exec" or "MSG_PEEK" in line or "MSG_ERRQUEUE" in line:
                continue
            if op == "connect" and call[5] == "EINPROGRESS":
                result = 0  # told when it is done; on the loopback that is at once
            if result < 0:
                continue
            if op in ("read", "write"):
                op = at_end(kind(given[0]), op)
            elif op == "move":
                out, source = (given[0], given[1]) if name == "sendfile" else (given[2], given[0])
                for end, each in ((out, "write"), (source, "read")):
                    if at_end(kind(end), each):
                        counted.add(at_end(kind(end), each), result)
                continue
            elif op == "close" and (kind(given[0]) != "file" or "pipe:[" in given[0]):
                continue
            elif op == "map":
                if not DESCRIPTOR.match(given[4]) or "MAP_ANONYMOUS" in given[3]:
                    continue
                result = int(given[1], 0)
            if op:
                counted.add(op, result)
    return seen


def told(sums, skip_program=None):
    """The same of what the source told. `skip_program`: (pid, program) that strace did not see."""
    found = {}
    for entry in sums["threads"]:
        if (entry["pid"], entry["program"]) == skip_program or not entry["calls"]:
            continue
        both = found.setdefault(entry["tid"], Counted()).setdefault(entry["op"], [0, 0])
        both[0] += entry["calls"]
        both[1] += entry["bytes"] if entry["op"] in BYTES else 0
    return found


class Foreign(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            skip("needs root (eBPF)")
        for program in ("strace", "nginx", "redis-server", "redis-benchmark", "curl", "git", "ss"):
            if shutil.which(program) is None:
                skip(f"{program} is not installed")
        if not (POSTGRES / "initdb").exists():
            skip("postgresql-15 is not installed")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="autotune-foreign-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def expect_equal(self, run, sums, root):
        """Thread by thread: what strace counted, and what the source told."""
        self.assertEqual(sums["lost"], 0)
        strace = {tid: dict(c) for tid, c in seen_by_strace(run.logs).items() if c}
        ours = {tid: dict(c) for tid, c in told(sums, skip_program=(root, 0)).items() if tid != run.process.pid}
        self.assertEqual({t: ours.get(t) for t in strace}, strace)
        self.assertEqual(set(ours) - set(strace), set())
        calls = sum(entry[0] for c in strace.values() for entry in c.values())
        print(f"{self.id().rpartition('.')[2]}: {len(strace)} threads, {calls} calls, equal", flush=True)
        return calls

    def run_to_its_end(self, command, least, **options):
        run = Run(self, command, **options)
        wait_for("the command starts", lambda: any(run.logs.iterdir()))
        status, sums = run.end()
        self.assertEqual(status, 0)
        root = min(int(log.suffix[1:]) for log in run.logs.iterdir())
        self.assertGreater(self.expect_equal(run, sums, root), least)

    def test_git(self):
        (self.folder / "work").mkdir()
        for i in range(40):
            (self.folder / "work" / f"f{i}").write_text("text " * i * 50)
        script = ("export HOME=$PWD; git config --global user.name a; git config --global user.email a@b;"
                  "git init -q . && git add . && git commit -qm one && git mv f1 g1 && git commit -qam two &&"
                  "git gc -q && git log --stat | cat > /dev/null && git clone -q . ../clone")
        self.run_to_its_end(["sh", "-c", script], 1000, cwd=self.folder / "work")

    def test_the_standard_library_of_cpython(self):
        script = ("import concurrent.futures, json, pathlib, shutil, socket, sqlite3, subprocess, tempfile, zipfile\n"
                  "d = pathlib.Path(tempfile.mkdtemp(dir='.'))\n"
                  "db = sqlite3.connect(d / 'db'); db.execute('create table t(x)')\n"
                  "db.executemany('insert into t values(?)', [(i,) for i in range(5000)]); db.commit(); db.close()\n"
                  "(d / 'a.json').write_text(json.dumps(list(range(9999))))\n"
                  "with zipfile.ZipFile(d / 'z.zip', 'w') as z: z.write(d / 'a.json')\n"
                  "shutil.copytree(d, 'copy')\n"
                  "assert subprocess.run(['cat', d / 'a.json'], capture_output=True).returncode == 0\n"
                  "a, b = socket.socketpair()\n"
                  "with concurrent.futures.ThreadPoolExecutor(4) as pool:\n"
                  "  list(pool.map(lambda i: (d / f'x{i}').write_bytes(bytes(i)), range(100)))\n"
                  "  pool.submit(b.sendall, bytes(300000)); b2 = sum(len(a.recv(4096)) for _ in range(20))\n"
                  "  a.close()\n"
                  "shutil.rmtree(d)\n")
        self.run_to_its_end([sys.executable, "-c", script], 1000, cwd=self.folder)

    def test_nginx_serving_files_to_curl(self):
        (self.folder / "www").mkdir()
        for size in (1, 1000, 100_000, 3_000_000):
            (self.folder / "www" / str(size)).write_bytes(b"x" * size)
        port = free_port()
        conf = self.folder / "nginx.conf"
        conf.write_text(f"daemon off; worker_processes 1; user root; pid {self.folder}/pid;\n"
                        f"error_log {self.folder}/error.log; events {{}}\n"
                        f"http {{ access_log {self.folder}/access.log; sendfile on; keepalive_timeout 60;\n"
                        f"server {{ root {self.folder}/www; listen 127.0.0.1:{port};\n"
                        f"listen unix:{self.folder}/sock; }} }}\n")
        run = Run(self, ["nginx", "-c", conf, "-e", self.folder / "error.log"])
        wait_for("nginx listens", lambda: listens(port))
        urls = [f"http://127.0.0.1:{port}/{name}" for name in ("1", "1000", "100000", "3000000", "absent")] * 4
        fetched = subprocess.run(["curl", "-s", "--no-progress-meter", *urls, "-o", "/dev/null"], check=True,
                                 capture_output=True)
        self.assertGreater(len(fetched.stdout), 3_000_000)
        subprocess.run(["curl", "-s", "--unix-socket", self.folder / "sock", "http://x/1000"], check=True,
                       capture_output=True)
        root = run.pid
        status, sums = run.end(signal.SIGQUIT)
        self.assertEqual(status, 0)
        self.expect_equal(run, sums, root)
        sent = sum(c["sent"] for c in sums["connections"] if c["local"] == f"127.0.0.1:{port}")
        self.assertGreater(sent, 4 * 3_101_001)

    def test_curl(self):
        port = free_port()
        (self.folder / "big").write_bytes(bytes(2_000_000))
        server = subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
                                  cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (server.kill(), server.wait()))
        wait_for("the server listens", lambda: listens(port))
        self.run_to_its_end(["curl", "-s", f"http://127.0.0.1:{port}/big", "-o", self.folder / "got"], 50)

    def test_redis(self):
        port = free_port()
        run = Run(self, ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes",
                                "--dir", self.folder, "--logfile", self.folder / "log"])
        wait_for("redis listens", lambda: listens(port))
        subprocess.run(["redis-benchmark", "-p", str(port), "-n", "1000", "-c", "5", "-t", "set,get,lpush", "-q"],
                       check=True, capture_output=True)
        subprocess.run(["redis-cli", "-p", str(port), "bgsave"], check=True, capture_output=True)
        root = run.pid
        status, sums = run.end(signal.SIGTERM)
        self.assertEqual(status, 0)
        self.assertGreater(self.expect_equal(run, sums, root), 5000)

    def test_postgresql_as_a_user_of_its_own(self):
        shutil.chown(self.folder, "postgres", "postgres")
        data = self.folder / "data"
        subprocess.run([POSTGRES / "initdb", "-D", data, "-A", "trust", "--no-sync"], user="postgres", group="postgres",
                       check=True, capture_output=True, cwd=self.folder)
        port = free_port()
        run = Run(self, [POSTGRES / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", self.folder],
                  user="postgres", group="postgres", cwd=self.folder, stderr=subprocess.DEVNULL)
        wait_for("postgres listens", lambda: listens(port))
        where = ["-h", str(self.folder), "-p", str(port), "-U", "postgres"]
        wait_for("postgres answers", lambda: subprocess.run([POSTGRES / "pg_isready", *where],
                                                            capture_output=True).returncode == 0)
        for command in (["-i", "-s", "1", "-q"], ["-c", "2", "-t", "20"]):
            subprocess.run([POSTGRES / "pgbench", *where, *command, "postgres"], check=True, capture_output=True)
        root = run.pid
        status, sums = run.end(signal.SIGINT)
        self.assertEqual(status, 0)
        self.assertGreater(self.expect_equal(run, sums, root), 3000)

    def test_the_kernels_own_counts_of_redis(self):
        port = free_port()
        run = Run(self, ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                                "--dir", self.folder, "--logfile", self.folder / "log"], strace=False)
        wait_for("redis listens", lambda: listens(port))
        with socket.create_connection(("127.0.0.1", port)) as client:
            local = client.getsockname()[1]
            exchange(client, b"PING\r\n")
            before, counts = run.tracer.sums(), kernel_counts(run.pid)
            for i in range(500):
                exchange(client, b"SET k%d %s\r\n" % (i, b"x" * (i + 1)))
            wait_for("redis is idle", lambda: pathlib.Path(f"/proc/{run.pid}/stat").read_text().split()[2] == "S")
            after, later = run.tracer.sums(), kernel_counts(run.pid)
            tcp = subprocess.run(["ss", "-tinHO", f"sport = :{port} and dport = :{local}"], check=True,
                                 capture_output=True, text=True).stdout
        run.end(signal.SIGTERM)
        moved = {op: total(after, run.pid, op) - total(before, run.pid, op)
                 for op in ("read", "receive", "write", "send")}
        self.assertEqual(moved["read"] + moved["receive"], later["rchar"] - counts["rchar"])
        self.assertEqual(moved["write"] + moved["send"], later["wchar"] - counts["wchar"])
        connection = next(c for c in after["connections"] if c["peer"] == f"127.0.0.1:{local}")
        kernel = {key: int(value) for key, value in re.findall(r"(bytes_\w+):(\d+)", tcp)}
        self.assertEqual(connection["sent"], kernel["bytes_sent"] - kernel.get("bytes_retrans", 0))
        self.assertEqual(connection["received"], kernel["bytes_received"])


def total(sums, pid, op):
    return sum(t["bytes"] for t in sums["threads"] if t["pid"] == pid and t["op"] == op)


def kernel_counts(pid):
    lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    return {name: int(value) for name, value in (line.split(": ") for line in lines)}


def exchange(client, request):
    client.sendall(request)
    assert client.recv(4096).startswith(b"+")


if __name__ == "__main__":
    unittest.main(verbosity=2)
