#!/usr/bin/env python3
"""What the agent records of an invocation against independent measures of the same: the function's own
clock, the bytes that a server on the other side counted, and the memory cgroup's watermark."""
import json
import pathlib
import socketserver
import threading
import time
import unittest

import harness

CODE = '''
import json, mmap, os, socket, time

def handler(event, context):
    begun = time.monotonic()
    if "server" in event:
        with socket.create_connection(tuple(event["server"])) as peer:
            peer.sendall(b"x" * event["send"])
            peer.shutdown(socket.SHUT_WR)
            got = 0
            while True:
                data = peer.recv(65536)
                if not data:
                    break
                got += len(data)
    if "file" in event:
        with open(event["file"], "wb", buffering=0) as f:
            for _ in range(event["writes"]):
                f.write(b"y" * event["size"])
            os.fsync(f.fileno())
        with open(event["file"], "rb", buffering=0) as f:
            while f.read(4096):
                pass
        os.unlink(event["file"])
    if "allocate_mb" in event:
        block = mmap.mmap(-1, event["allocate_mb"] << 20)
        for offset in range(0, len(block), 4096):
            block[offset] = 1
        block.close()
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "spin" in event:
        until = time.thread_time() + event["spin"]
        while time.thread_time() < until:
            pass
    return {"seconds": time.monotonic() - begun, "id": context.aws_request_id, "pid": os.getpid()}
'''


class Echo(socketserver.ThreadingTCPServer):
    """Counts what it is sent and answers with `answer` bytes once the client has finished."""
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), None)
        self.received, self.answer = [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        count = 0
        while data := request.recv(65536):
            count += len(data)
        request.sendall(b"z" * self.answer)
        self.received.append(count)


def memory_folder(pid):
    """Where the memory cgroup of a process is, v1 or v2."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return pathlib.Path("/sys/fs/cgroup/memory" + path), "memory.max_usage_in_bytes"
        if number == "0":
            unified = (pathlib.Path("/sys/fs/cgroup" + path), "memory.peak")
    return unified


class Records(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need_root()
        cls.stack = __import__("contextlib").ExitStack()
        folder = cls.stack.enter_context(harness.workspace())
        cls.folder = folder
        harness.write_function(folder / "functions", "probe", CODE, memory_mb=1769, timeout="20s")
        rules = folder / "rules.yaml"
        rules.write_text("version: 1\nrules:\n- {name: never, when: fn.invocations < 0, plan: [{notify: {}}]}\n")
        cls.host = cls.stack.enter_context(harness.running(harness.Host(folder / "functions", folder / "host")))
        cls.agent = cls.stack.enter_context(harness.running(harness.Agent(rules, cls.host, folder / "agent", "--budget", "off", everywhere=True)))
        cls.agent.wait_ready()
        cls.host.invoke("probe", {})

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def invoke(self, **event):
        answer = self.host.invoke("probe", event)
        self.assertTrue(answer.ok, answer.body)
        told = answer.json()
        return told, self.record(told["id"])

    def record(self, identity):
        def find():
            return next((r for r in harness.history(self.agent.state, "--invocations", "probe") if r["id"] == identity), None)
        return harness.wait_for(f"a record of {identity}", find, step=0.1)

    def assert_within(self, measured, expected, absolute, relative, what):
        allowed = max(absolute, relative * expected)
        self.assertLessEqual(abs(measured - expected), allowed, f"{what}: recorded {measured}, really {expected}")

    def test_duration_is_the_functions_own(self):
        for event in ({"sleep": 0.005}, {"sleep": 0.25}, {"spin": 0.05}, {"sleep": 1.0}):
            with self.subTest(**event):
                # What the function cannot see, from its end to its answer, is the record's too: on a busy machine some of it may be long.
                beyond = []
                while len(beyond) < 5 and min(beyond, default=1) > 0:
                    told, record = self.invoke(**event)
                    own = told["seconds"] * 1000
                    self.assertEqual(record["status"], "ok")
                    self.assertGreaterEqual(record["duration_ms"], own - 0.001)
                    beyond.append(record["duration_ms"] - own - max(2, 0.02 * own))
                self.assertLessEqual(min(beyond), 0, beyond)

    def test_socket_bytes_are_exact(self):
        server = Echo()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        for sent, answered in ((1, 1), (100_000, 7), (3, 1_234_567), (2_000_003, 2_000_001)):
            with self.subTest(sent=sent, answered=answered):
                server.answer = answered
                _, record = self.invoke(server=list(server.server_address), send=sent)
                peer = next(p for p in record["peers"] if p["peer"] == "127.0.0.1:%d" % server.server_address[1])
                self.assertEqual(server.received[-1], sent)
                self.assertEqual(peer["bytes_sent"], sent)
                self.assertEqual(peer["bytes_received"], answered)
                self.assertEqual(peer["failures"], 0)

    def test_runtime_traffic_is_not_the_functions(self):
        _, record = self.invoke(sleep=0.001)
        self.assertEqual(record["peers"], [])

    def test_file_bytes_are_exact(self):
        path = str(self.folder / "data.bin")
        _, record = self.invoke(file=path, writes=37, size=5003)
        file = next(f for f in record["files"] if f["path"] == path)
        self.assertEqual(file["bytes_written"], 37 * 5003)
        self.assertEqual(file["bytes_read"], 37 * 5003)
        self.assertEqual(file["syncs"], 1)
        self.assertEqual(file["opens"], 2)

    def test_peak_memory_is_the_watermark(self):
        for megabytes in (200, 20, 90):
            with self.subTest(megabytes=megabytes):
                told, record = self.invoke(allocate_mb=megabytes)
                folder, name = memory_folder(told["pid"])
                watermark = int((folder / name).read_text())
                self.assertGreater(watermark, megabytes << 20)
                self.assert_within(record["memory_peak"], watermark, 1 << 20, 0.02, "peak in bytes")
                self.assertFalse(record["memory_peak_is_bound"])

    def test_cpu_time_is_the_functions_own(self):
        _, record = self.invoke(spin=0.3)
        self.assert_within(record["cpu_ms"], 300, 5, 0.03, "CPU in ms")
        _, record = self.invoke(sleep=0.3)
        self.assertLess(record["cpu_ms"], 20)


class Ready(unittest.TestCase):
    def test_an_agent_that_is_ready_hears_the_next_call_of_who_waits_already(self):
        harness.need_root()
        with harness.workspace() as folder:
            harness.write_function(folder / "functions", "probe", "def handler(event, context):\n    return context.aws_request_id\n")
            rules = folder / "rules.yaml"
            rules.write_text("version: 1\nrules:\n- {name: never, when: fn.invocations < 0, plan: [{notify: {}}]}\n")
            with harness.running(harness.Host(folder / "functions", folder / "host")) as host:
                host.invoke("probe", {})  # its sandbox waits for more
                with harness.running(harness.Agent(rules, host, folder / "agent", "--budget", "off", everywhere=True)) as agent:
                    harness.wait_for("ready", lambda: agent.get("/-/ready")[0] == 200, step=0)
                    first = host.invoke("probe", {}).json()
                    second = host.invoke("probe", {}).json()
                    seen = harness.wait_for("the second call", lambda: [
                        i["id"] for i in harness.history(agent.state, "--invocations", "probe") if i["id"] == second] and [
                        i["id"] for i in harness.history(agent.state, "--invocations", "probe")], step=0.1)
                    self.assertEqual(sorted(seen), sorted([first, second]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
