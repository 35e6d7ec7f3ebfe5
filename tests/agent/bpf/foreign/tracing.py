"""Programs under the BPF source (io_sums), and under strace as well. Environment: AUTOTUNE_BINARY_DIR."""
import json
import os
import pathlib
import signal
import subprocess
import sys

from strace_counts import OPS

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "support"))

BINARY_DIR = pathlib.Path(os.environ.get("AUTOTUNE_BINARY_DIR", "build/release"))
IO_SUMS = BINARY_DIR / "tests/agent/bpf/io_sums"


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
