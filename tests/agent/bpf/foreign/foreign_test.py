#!/usr/bin/python3
"""nginx, redis, PostgreSQL, curl, git and CPython's standard library at work: what the BPF source tells of their
calls, files and connections equals what strace saw of the same run, /proc/PID/io and `ss -ti`, thread by thread.

Environment: AUTOTUNE_BINARY_DIR. Loopback only; all files are below one temporary folder.
"""
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

from strace_counts import seen_by_strace, told
from tracing import Run  # which knows where the next one is
from loopback import free_port, listens, skip, wait_for

POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")


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
