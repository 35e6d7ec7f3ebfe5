#!/usr/bin/env python3
"""`autotune topology` as people run it: the services of three measured applications, every format, bad tables."""
import contextlib
import csv
import gzip
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import browser
import harness
import resource_usage

REQUESTS = pathlib.Path(os.environ.get("AUTOTUNE_SHARED", harness.SOURCE / ".." / "shared")) / "data" / "requests"
FLOWS = "start,end,proto,src,dst,dst_port\n" + "".join(
    f"{i},{i + 0.9},tcp,client,web,80\n{i + 0.1},{i + 0.2},tcp,web,<db>,5432\n" for i in range(60))

CALLS = "id,caller,callee,callee_start_us,callee_end_us\na,,web,0,100\nb,web,db,10,20\n"


def topology(*arguments, stdin=None):
    return subprocess.run([str(harness.AUTOTUNE), "topology", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          input=stdin)


def edges(done):
    return {(e["from"], e["to"]) for e in json.loads(done.stdout)["edges"]}


def called(path):
    with gzip.open(path, "rt") as file:
        return {(row["caller"], row["callee"]) for row in csv.DictReader(file) if row["caller"]}


class Topology(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def table(self, text, name="flows.csv"):
        path = self.folder / name
        path.write_text(text)
        return path

    def test_every_edge_and_no_other_of_three_applications_at_four_loads(self):
        files = sorted(REQUESTS.glob("*.calls.csv.gz"))
        self.assertEqual(len(files), 12, f"{REQUESTS} must hold the measured requests")
        for path in files:
            with self.subTest(path=path.name):
                done = topology("--calls", path, "--method", "nsdminer", "--ranking", "logarithm", "--alpha", "80", "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                truth, found = called(path), edges(done)
                self.assertEqual(found, truth)  # precision 1.0, recall 1.0

    def test_on_one_address_it_finds_less_and_more(self):
        # What the paper says of itself: flows alone cannot tell services of one address apart.
        path = REQUESTS / "media_100.calls.csv.gz"
        done = topology("--calls", path, "--method", "nsdminer", "--one-address", "--json")
        found = {(a.removeprefix("one-address:"), b.removeprefix("one-address:")) for a, b in edges(done)}
        self.assertNotEqual(found, called(path))

    def test_flows_of_packets_and_of_sockets_are_those_that_were_made(self):
        """Real connections between servers on addresses of their own, seen by tcpdump and by ss."""
        harness.need_root()
        network = f"127.77.{os.getpid() % 250}"
        store, web, tool = (f"{network}.{n}" for n in (1, 2, 3))
        capture, lists, calls = self.folder / "run.pcap", self.folder / "sockets.txt", 25

        def begun():
            return lists.read_bytes().count(b"State")

        def more(count):
            """Until so many lists of sockets were begun: so one less was made whole meanwhile."""
            before = begun()
            harness.wait_for("lists of sockets", lambda: begun() >= before + count, 20, 0.005)

        def answer(connection, ask):
            with connection:
                connection.recv(100)
                if ask:
                    more(1)
                    ask()
                    more(1)
                else:
                    more(2)
                connection.sendall(b"done")

        def serve(address, ask=None):
            listener = self.enterContext(socket.create_server((address, 0)))

            def accept():
                with contextlib.suppress(OSError):
                    while True:
                        threading.Thread(target=answer, args=(listener.accept()[0], ask), daemon=True).start()
            threading.Thread(target=accept, daemon=True).start()
            self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
            return listener.getsockname()

        def ask(source, service):
            with socket.create_connection(service, source_address=(source, 0)) as connection:
                connection.sendall(b"get")
                self.assertEqual(connection.recv(100), b"done")

        behind = serve(store)
        front = serve(web, lambda: ask(web, behind))
        dump = subprocess.Popen(["tcpdump", "-Z", "root", "--immediate-mode", "-i", "lo", "-U", "-s", "96", "-w", capture,
                                 "tcp", "and", "net", f"{network}.0/24"], stderr=subprocess.PIPE, text=True)
        try:
            self.assertIn("listening on lo", dump.stderr.readline())
            with open(lists, "w") as out:
                sockets = subprocess.Popen(["sh", "-c", f"while kill -0 $PPID && date +%s.%N; do ss -tan src {network}.0/24; done"],
                                           stdout=out, start_new_session=True)
            try:
                for _ in range(calls):
                    ask(tool, front)
            finally:
                os.killpg(sockets.pid, signal.SIGKILL)
                sockets.wait()
            harness.wait_for("all answers", lambda: capture.read_bytes().count(b"done") == 2 * calls, 10, 0.05)
        finally:
            dump.terminate()
            told = dump.communicate(timeout=10)[1]
        self.assertIn("0 packets dropped by kernel", told)
        edge = f"{web}:{front[1]}/tcp", f"{store}:{behind[1]}/tcp"
        done = topology("--pcap", capture, "--least-flows", "20")
        self.assertEqual(done.stdout, f"{edge[0]} → {edge[1]}  100.0, {calls}.0 flows\n", done.stderr)
        self.assertIn(f"{2 * calls} flows, {calls} of them within others, 0 within several in ", done.stderr)
        self.assertNotIn("beginning was not captured", done.stderr)
        with open(capture, "rb") as packets:
            piped = subprocess.run([harness.AUTOTUNE, "topology", "--pcap", "-", "--least-flows", "20"], stdin=packets, capture_output=True, text=True)
        self.assertEqual(piped.stdout, done.stdout)
        self.assertEqual({edge}, edges(topology("--ss", lists, "--least-flows", "20", "--json")))

    def test_formats(self):
        path = self.table(FLOWS)
        done = topology("--flows", path)
        self.assertEqual(done.stdout, "web:80/tcp → <db>:5432/tcp  100.0, 60.0 flows\n")
        self.assertIn("120 flows, 60 of them within others, 0 within several", done.stderr)
        data = json.loads(topology("--flows", path, "--format", "json").stdout)
        self.assertEqual(data["edges"], [{"from": "web:80/tcp", "to": "<db>:5432/tcp", "weight": 60.0, "confidence": 100.0,
                                          "inferred": False, "cluster": None}])
        self.assertIn('n1 -> n0 [label="100.0, 60.0 flows"]', topology("--flows", path, "--format", "dot").stdout)
        self.assertIn('n0["#lt;db#gt;:5432/tcp"]', topology("--flows", path, "--format", "mermaid").stdout)
        for end, begins in (("json", "{"), ("dot", "digraph"), ("mmd", "flowchart"), ("html", "<!doctype html>"), ("txt", "web")):
            out = self.folder / f"o.{end}"
            self.assertEqual(topology("--flows", path, "-o", out).returncode, 0)
            self.assertTrue(out.read_text().startswith(begins), end)

    def test_a_table_through_a_pipe_and_packed(self):
        packed = self.folder / "flows.csv.gz"
        packed.write_bytes(gzip.compress(FLOWS.encode()))
        expected = topology("--flows", self.table(FLOWS)).stdout
        self.assertEqual(topology("--flows", packed).stdout, expected)
        self.assertEqual(topology("--flows", "-", stdin=FLOWS).stdout, expected)

    def test_requests_without_ids_are_put_together(self):
        path = REQUESTS / "node_25.calls.csv.gz"
        with gzip.open(str(path).replace("calls", "truth"), "rt") as file:
            truth = {row["id"]: row["parent"] or None for row in csv.DictReader(file)}
        done = topology("--calls", path, "--method", "requests", "--format", "jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({line["id"]: line["parent"] for line in lines}, truth)  # all of this one
        self.assertTrue(all(0 <= line["confidence"] <= 1 for line in lines))
        self.assertIn("6000 calls, 1000 requests from outside, 5000 calls given to others", done.stderr)
        graph = json.loads(topology("--calls", path, "--json").stdout)
        self.assertEqual({(e["from"], e["to"]): e["weight"] for e in graph["edges"]}, {edge: 1000.0 for edge in called(path)})
        out = self.folder / "o.jsonl"
        self.assertEqual(topology("--calls", path, "-o", out).returncode, 0)
        self.assertEqual(out.read_text(), done.stdout)

    def test_calls_that_cannot_be_are_told_by_line_and_counted(self):
        path = self.table("id,caller,callee,operation,caller_start_us,caller_end_us,callee_start_us,callee_end_us\n"
                          'a,,web,get,,,0,100\nb"1,web,db,"q",10,20,12,18\nb,web,db,q,30,20,12,18\na,,web,get,,,200,300\n'
                          "lone,shop,db,q,,,50,60\n", "calls.csv")
        done = topology("--calls", path, "--format", "jsonl")
        self.assertEqual(done.returncode, 0)
        self.assertEqual({line["id"]: line["parent"] for line in map(json.loads, done.stdout.splitlines())},
                         {"a": None, 'b"1': "a", "lone": None})
        self.assertIn(f"{path}:4: the caller's end is before its start; skipped\n{path}:5: the id \"a\" was there before; skipped\n",
                      done.stderr)
        self.assertIn("1 during nothing that could have made them; 2 lines skipped", done.stderr)

    def test_lines_replace_a_file_whole_or_not_at_all(self):
        out = self.folder / "o.jsonl"
        out.write_text("of yesterday\n")
        table = ("id,caller,callee,callee_start_us,callee_end_us\n" + "".join(f"c{i},,web,{i},{i + 5}\n" for i in range(100_000))).encode()
        cut = self.folder / "cut.csv.gz"
        cut.write_bytes(gzip.compress(table)[:-20_000])
        done = topology("--calls", cut, "-o", out)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cut.csv.gz", done.stderr)
        self.assertEqual(out.read_text(), "of yesterday\n")
        whole = self.table(table.decode(), "whole.csv")
        self.assertEqual(topology("--calls", whole, "-o", out).returncode, 0)
        self.assertEqual(len(out.read_text().splitlines()), 100_000)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["cut.csv.gz", "o.jsonl", "whole.csv"])

    def test_the_critical_path_by_hand(self):
        # web asks auth, then cart and price at once; cart asks the store. Two of these; one of mail, which goes on afterwards.
        rows, head = [], "id,caller,callee,operation,caller_start_us,caller_end_us,callee_start_us,callee_end_us\n"
        for i, at in enumerate((0, 100_000)):
            rows += [f"r{i},,web,get,,,{at},{at + 1000}", f"a{i},web,auth,check,{at + 100},{at + 300},{at + 150},{at + 250}",
                     f"c{i},web,cart,sum,{at + 400},{at + 900},{at + 450},{at + 850}", f"s{i},cart,store,get,{at + 500},{at + 800},{at + 600},{at + 700}",
                     f"p{i},web,price,sum,{at + 400},{at + 895},{at + 400},{at + 895}"]
        rows.append("m,web,mail,send,100910,100920,100915,101500")
        path = self.table(head + "\n".join(rows) + "\n", "calls.csv")
        done = topology("--calls", path, "--critical-path", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        data = json.loads(done.stdout)
        web, mail = data["groups"]
        self.assertEqual((web["what"], web["requests"], web["total_ns"], web["detached"]), ("web:get", 2, 2_000_000, False))
        figures = {s["name"]: (s["own_ns"], s["between_ns"], s["saves_ns"]) for s in web["services"]}
        # Of the first request: web 100+100+100, of the second the call of mail lies in its last 100: 10 that mail took.
        # A cart or a store (100 of its own each) that is 10 faster saves 5: then price is the last.
        self.assertEqual(figures, {"web": (590_000, 0, 59_000), "auth": (200_000, 200_000, 20_000), "cart": (200_000, 200_000, 10_000),
                                   "store": (200_000, 400_000, 10_000), "mail": (10_000, 0, 1_000)})
        self.assertEqual((mail["what"], mail["detached"], mail["requests"]), ("mail:send", True, 1))
        self.assertEqual([(s["service"], s["between"], s["at_ns"], s["ns"]) for s in next(r for r in data["slowest"] if r["id"] == "r0")["path"]],
                         [("web", False, 0, 100_000), ("auth", True, 100_000, 50_000), ("auth", False, 150_000, 100_000),
                          ("auth", True, 250_000, 50_000), ("web", False, 300_000, 100_000), ("cart", True, 400_000, 50_000),
                          ("cart", False, 450_000, 50_000), ("store", True, 500_000, 100_000), ("store", False, 600_000, 100_000),
                          ("store", True, 700_000, 100_000), ("cart", False, 800_000, 50_000), ("cart", True, 850_000, 50_000),
                          ("web", False, 900_000, 100_000)])
        told = topology("--calls", path, "--critical-path").stdout
        self.assertIn("web:get: 2 requests, p50 1 ms", told)
        self.assertIn("web → mail: 1 of 1 call went on without being waited for, 575 µs longer in the mean", told)

    def test_critical_paths_of_measured_requests_add_up(self):
        for name in ("hotel_100", "media_100"):
            data = json.loads(topology("--calls", REQUESTS / f"{name}.calls.csv.gz", "--critical-path", "--json").stdout)
            for group in data["groups"]:
                self.assertEqual(sum(s["own_ns"] + s["between_ns"] for s in group["services"]), group["total_ns"])
                for s in group["services"]:
                    self.assertLessEqual(s["saves_ns"], s["own_ns"] / 10)
            for request in data["slowest"]:
                self.assertEqual(sum(step["ns"] for step in request["path"]), request["ns"])
            self.assertEqual((data["groups"][0]["requests"], len(data["slowest"])), (1000, 100))

    def test_the_page_lights_what_belongs_together(self):
        if not browser.chromium():
            if os.environ.get("CI"):
                self.fail("in CI there must be a browser: package chromium")
            self.skipTest("needs chromium")
        page = self.folder / "o.html"
        topology("--calls", REQUESTS / "hotel_25.calls.csv.gz", "--method", "nsdminer", "-o", page)
        lit, places, dark = browser.ask(page, """
            const node = name => Array.from(document.querySelectorAll('g.node')).find(g => g.dataset.name === name);
            const lit = () => Array.from(document.querySelectorAll('.node.lit')).map(g => g.dataset.name).sort();
            node('search').dispatchEvent(new MouseEvent('mouseenter')); const seen = lit();
            node('search').dispatchEvent(new MouseEvent('mouseleave'));
            const x = name => +node(name).querySelector('rect').getAttribute('x');
            return [seen, ['frontend', 'search', 'geo'].map(x), lit()];""")
        self.assertEqual(lit, ["frontend", "geo", "rate", "search"])
        self.assertEqual(places, sorted(set(places)))  # callers left of what they call
        self.assertEqual(dark, [])

    def test_a_workflow_in_every_format(self):
        orders = harness.SOURCE / "examples" / "workflows" / "orders.asl.json"
        given = ["--given", "Paid?>Pack=0.75", "--given", "Paid?>Refuse=0.125", "--given", "Pack=12"]
        data = json.loads(topology("--workflow", orders, *given, "--json").stdout)["workflows"][0]
        self.assertEqual(data["calls"], [{"to": "check", "times": 1.0}, {"to": "fetch", "times": 10.5}, {"to": "mail", "times": 0.875}])
        self.assertEqual({s["name"]: s["visits"] for s in json.loads(topology("--workflow", orders, "--json").stdout)["workflows"][0]["steps"]}["Pack"], None)
        self.assertIn("orders → fetch  × 10.5\n", topology("--workflow", orders, *given).stdout)
        for end, words in (("dot", 'subgraph cluster_1 {\n    label="Pack";'), ("mmd", 'subgraph g1["Pack"]'), ("html", "<!doctype html>")):
            out = self.folder / f"w.{end}"
            self.assertEqual(topology("--workflow", orders, "-o", out).returncode, 0)
            self.assertIn(words, out.read_text())
        if browser.chromium():
            names, lit = browser.ask(self.folder / "w.html", """
                const nodes = Array.from(document.querySelectorAll('g.node'));
                nodes.find(g => g.dataset.name === 'Mail').dispatchEvent(new MouseEvent('mouseenter'));
                return [nodes.length, Array.from(document.querySelectorAll('.node.lit')).map(g => g.dataset.name).sort()];""")
            self.assertEqual((names, lit), (10, ["Check", "Mail", "Pack", "Paid?", "Tell", "Wait for payment"]))
        bad = self.table('{"StartAt": "A",\n "States": {"A": {"Type": "Task", "Resource": "f", "Next": "B"}}}', "bad.asl.json")
        done = topology("--workflow", bad)
        self.assertEqual((done.returncode, done.stderr), (2, f"{bad}:2:60: in 'Next': there is no state 'B'; did you mean 'A'?\n"))

    def test_mistakes_are_one_clear_line(self):
        bad = self.table("when,who\n1,2\n", "bad.csv")
        for arguments, status, words in [(["--method", "nsdminer"], 2, "--flows"), (["--flows", bad], 2, "bad.csv:1: the first line must name"),
                                         (["--flows", self.folder / "none"], 1, "No such file"), (["--pcap", self.folder / "none"], 1, "No such file"),
                                         (["--pcap", bad], 2, "bad.csv: no packet capture"), (["--ss", bad], 2, "bad.csv:1: each list begins with its time"),
                                         (["--ss", bad, "--pcap", bad], 2, "excludes"), (["--pcap", bad, "--critical-path"], 2, "--critical-path is of requests"),
                                         (["--calls", self.folder / "none"], 1, "No such file"),
                                         (["--calls", self.table("", "empty.csv")], 2, "empty.csv:1: there is no first line"),
                                         (["--calls", self.table("id,id,caller,callee,callee_start_us,callee_end_us\n", "twice.csv")], 2,
                                          'twice.csv:1: there are two columns "id"'),
                                         (["--calls", self.table(CALLS, "calls.csv"), "--format", "jsonl", "-o", self.folder / "none/o"], 1, "none/o"),
                                         (["--calls", bad], 2, "bad.csv:1: the first line must name"),
                                         (["--flows", bad, "--method", "requests"], 2, "--calls"),
                                         (["--calls", bad, "--method", "nsdminer", "--format", "jsonl"], 2, "requests"), (["--flows", bad, "--format", "png"], 2, "png"),
                                         (["--flows", bad, "-o", "x.png"], 2, ".mmd"),
                                         (["--flows", bad, "--critical-path"], 2, "--critical-path is of requests"),
                                         (["--calls", bad, "--critical-path", "--format", "dot"], 2, "--critical-path is text or json"),
                                         (["--state", self.folder / "none"], 1, "topology_edges.json is not there"),
                                         (["--state", self.folder / "none", "--format", "html"], 1, "topology.html is not there"),
                                         (["--state", self.table("{", "topology_edges.json").parent], 2, "topology_edges.json: "),
                                         (["--state", self.folder, "--calls", bad], 2, "--state is what the running agent"),
                                         (["--state", self.folder, "--workflow", bad], 2, "--state is what the running agent"),
                                         (["--state", self.folder, "--for", "1s"], 2, "--state is what the running agent"),
                                         (["--state", self.folder, "--critical-path"], 2, "--critical-path needs single ones"),
                                         (["--state", self.folder, "--format", "jsonl"], 2, "--method requests"),
                                         (["--flows", bad, "--method", "guess"], 2, "guess")]:
            with self.subTest(arguments=arguments):
                done = topology(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def ten_gigabytes(self, name, before=b"", after=b""):
        """A file that says so much and takes no room: zeros in the middle."""
        path = self.folder / name
        with open(path, "wb") as file:
            file.write(before)
            file.truncate(10 << 30)
            file.seek(10 << 30)
            file.write(after)
        return path

    def measured(self, *arguments):
        """Status, what it said, and the most memory that it had, in MiB."""
        with open(self.folder / "said", "w+") as said:
            status, _, most = resource_usage.run([harness.AUTOTUNE, "topology", *arguments], stdout=said, stderr=said)
            said.seek(0)
            return status, said.read(), most

    def test_what_the_test_itself_takes_is_not_measured(self):
        held = b"\1" * (300 << 20)
        _, _, most = self.measured("--help")
        self.assertLess(most, len(held) >> 21)

    def test_a_table_of_ten_gigabytes_takes_no_more_memory_than_a_small_one(self):
        # One line of it is nearly all: it is told, skipped and counted, and what follows is read.
        for option, table in (("--flows", FLOWS), ("--calls", CALLS)):
            row = table.splitlines()[1]
            whole = self.ten_gigabytes("huge.csv", table.encode(), b"\n" + row.replace("a,", "z,", 1).encode() + b"\n")
            line = table.count("\n") + 1
            _, _, small = self.measured(option, self.table(table, "small.csv"))
            status, said, most = self.measured(option, whole)
            self.assertEqual(status, 0, said[-2000:])
            self.assertRegex(said, rf"huge\.csv:{line}: .*; skipped\n")
            self.assertIn("; 1 lines skipped", said)
            self.assertLess(most, small + 64, said[-2000:])

    def test_what_must_be_whole_is_refused_when_it_is_ten_gigabytes(self):
        huge = self.ten_gigabytes("topology_edges.json")
        for arguments in (["--state", self.folder], ["--workflow", huge]):
            status, said, most = self.measured(*arguments)
            self.assertIn(status, (1, 2), said)
            self.assertRegex(said, r"is larger than \d+ MiB")
            self.assertEqual(len(said.strip().splitlines()), 1, said)
            self.assertLess(most, 1024)

    def test_clocks_that_run_backwards_and_unknown_callers_are_told(self):
        # Out of order by more than is held back; an end before its start; a caller that served nothing.
        late = self.table(FLOWS + "0.5,0.6,tcp,web,<db>,5432\n", "late.csv")
        done = topology("--flows", late, "--hold-back", "1")
        self.assertEqual(done.returncode, 0)
        self.assertIn("; 1 came more than --hold-back late and were given no parent", done.stderr)
        calls = self.table("id,caller,callee,callee_start_us,callee_end_us\nr,,web,100,200\nx,web,db,190,150\ny,nobody,db,120,130\nr,,web,300,400\n", "c.csv")
        done = topology("--calls", calls, "--format", "jsonl")
        self.assertEqual([json.loads(line) for line in done.stdout.splitlines()],
                         [{"id": "r", "parent": None, "confidence": 1.0}, {"id": "y", "parent": None, "confidence": 0.0}])
        self.assertIn(f"{calls}:3: the end is before the start; skipped\n{calls}:5: the id \"r\" was there before; skipped\n", done.stderr)
        self.assertIn("1 during nothing that could have made them; 2 lines skipped", done.stderr)

    def test_rows_that_cannot_be_are_told_by_line_and_counted(self):
        path = self.table(FLOWS + "9,1,tcp,a,b,80\nno,1,tcp,a,b,80\n")
        done = topology("--flows", path)
        self.assertEqual(done.returncode, 0)
        self.assertIn(f"{path}:122: the end is before the start; skipped\n{path}:123: no time: \"no\"; skipped\n", done.stderr)
        self.assertIn("2 lines skipped", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
