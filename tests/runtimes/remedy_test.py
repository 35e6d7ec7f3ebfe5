#!/usr/bin/env python3
"""The wrapper that works around functions, with clocks and successors of the test's own; HTTP over real sockets."""
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "runtimes" / "remedy"))
sys.dont_write_bytecode = True
from autotune_remedy import again, answers, bounded, handover, map_reduce, paths, relocate, results  # noqa: E402


SIGNED = ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-west-1/lambda/aws4_request, "
          "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
          "Signature=07b0d28e17b303f1442b1b1cd0fdfb5143d0b9e38dc6b392ab1facf7f4c92238")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Context:
    """The platform's: so much time is left of the whole."""
    aws_request_id = "id"

    def __init__(self, clock, seconds):
        self.clock, self.ends = clock, clock() + seconds

    def get_remaining_time_in_millis(self):
        return max(0, int((self.ends - self.clock()) * 1000))


class Paths(unittest.TestCase):
    def test_finds_and_replaces_without_touching_the_event(self):
        event = {"order": {"items": [1, 2]}, "list": [{"a": 1}]}
        self.assertEqual(paths.find(event, "event.order.items"), [1, 2])
        self.assertEqual(paths.find(event, "event.list.0.a"), 1)
        self.assertIs(paths.find(event, "event.list.7"), paths.MISSING)
        self.assertIs(paths.find(event, "event"), event)
        other = paths.replaced(event, "event.order.items", [3])
        self.assertEqual((other["order"]["items"], event["order"]["items"]), ([3], [1, 2]))


class Memory(unittest.TestCase):
    def test_forgets_the_least_used_and_the_old(self):
        clock = Clock()
        memory = bounded.Bounded(3 * (1 + 100 + bounded.OVERHEAD), clock)
        for key in (b"a", b"b", b"c"):
            memory.put(key, b"x" * 100, 10)
        self.assertIsNotNone(memory.get(b"a"))
        memory.put(b"d", b"x" * 100, 10)
        self.assertIsNone(memory.get(b"b"))
        self.assertIsNotNone(memory.get(b"a"))
        clock.now += 10
        self.assertIsNone(memory.get(b"a"))
        for key in (b"c", b"d"):
            memory.drop(key)
        self.assertEqual(memory.size, 0)
        memory.put(b"huge", b"x" * 10000, 10)
        self.assertEqual(memory.size, 0)


class Results(unittest.TestCase):
    def cached(self, function, **settings):
        self.calls, self.clock = 0, Clock()
        settings.setdefault("check_first", 0)

        def counted(event, context):
            self.calls += 1
            return function(event)

        return results.Results(counted, settings, self.clock)

    def test_the_same_input_is_answered_from_memory_until_it_is_old(self):
        cache = self.cached(lambda e: {"n": e["n"], "list": [1]}, ttl_s=5)
        first = cache({"n": 1, "m": 2}, None)
        first["list"].append("the caller's own")
        self.assertEqual(cache({"m": 2, "n": 1}, None), {"n": 1, "list": [1]})
        self.assertEqual(self.calls, 1)
        cache({"n": 2, "m": 2}, None)
        self.clock.now += 5
        cache({"n": 1, "m": 2}, None)
        self.assertEqual(self.calls, 3)

    def test_a_key_of_its_own_and_a_refresh(self):
        cache = self.cached(lambda e: self.calls, key="event.sku", refresh="event.fresh", check_every=0)
        self.assertEqual([cache({"sku": 1, "who": w}, None) for w in "abc"], [1, 1, 1])
        self.assertEqual(cache({"sku": 1, "fresh": True}, None), 2)
        self.assertEqual(cache({"sku": 1}, None), 2)
        self.assertEqual([cache({"other": 1}, None) for _ in "ab"], [3, 4])  # nobody can tell what it depends on

    def test_errors_and_what_is_no_json_are_not_kept(self):
        def fails(_):
            raise ValueError("no")

        cache = self.cached(fails)
        for _ in range(2):
            with self.assertRaises(ValueError):
                cache({}, None)
        self.assertEqual(self.calls, 2)
        for answer in ({"statusCode": 503}, object()):
            cache = self.cached(lambda e, answer=answer: answer)
            cache({}, None), cache({}, None)
            self.assertEqual(self.calls, 2)

    def test_a_function_that_is_not_what_was_declared_is_found_out(self):
        cache = self.cached(lambda e: self.calls, check_every=10)
        said = [cache({}, None) for _ in range(15)]
        self.assertEqual(said, [1] * 10 + [2, 3, 4, 5, 6])
        self.assertFalse(cache.on)
        at_once = self.cached(lambda e: self.calls, check_first=5)
        self.assertEqual([at_once({}, None) for _ in range(5)], [1, 2, 3, 4, 5])
        right = self.cached(lambda e: "same", check_first=5)
        self.assertEqual({right({}, None) for _ in range(50)}, {"same"})
        self.assertEqual(self.calls, 6)

    def test_parts_of_other_work_are_not_kept(self):
        cache = self.cached(lambda e: self.calls)
        self.assertEqual([cache({handover.KEY: {}}, None) for _ in "ab"], [1, 2])


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked, headers_of = [], {}

    def do_GET(self):
        Service.asked.append(self.path)
        body = b"%d" % len(Service.asked)
        self.send_response(404 if "/gone" in self.path else 200)
        for name, value in Service.headers_of.get(self.path.split("?")[0], []):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


class Answers(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.clock = Clock()
        self.cache, uninstall = answers.install({"ttl_s": 60}, clock=self.clock)
        self.addCleanup(lambda: (uninstall(), self.server.shutdown(), self.server.server_close()))
        Service.asked, Service.headers_of = [], {}

    def get(self, path, data=None, **headers):
        url = "http://127.0.0.1:%d%s" % (self.server.server_port, path)
        request = urllib.request.Request(url, data=data, headers={k.replace("_", "-"): v for k, v in headers.items()})
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers["X-Word"], response.read()

    def asked_twice(self, path, *said, **headers):
        """How often the service is asked when a function asks twice."""
        Service.headers_of[path.split("?")[0]] = said
        before = len(Service.asked)
        first, second = self.get(path, **headers), self.get(path, **headers)
        asked = len(Service.asked) - before
        if asked == 1:
            self.assertEqual(first, second)
        return asked

    def test_an_answer_is_given_again_whole_and_as_long_as_the_service_says(self):
        self.assertEqual(self.asked_twice("/a", ("Cache-Control", "max-age=5"), ("X-Word", "w")), 1)
        self.assertEqual(self.get("/a")[1], "w")
        self.clock.now += 5
        self.get("/a")
        self.assertEqual(len(Service.asked), 2)
        self.assertEqual(self.asked_twice("/silent"), 1)  # the rule's ttl
        self.assertEqual(self.asked_twice("/aged", ("Cache-Control", "max-age=5"), ("Age", "5")), 2)

    def test_what_must_not_be_kept_is_not(self):
        for path, said in (("/1", ("Cache-Control", "no-store")), ("/2", ("Cache-Control", "private, max-age=9")),
                           ("/3", ("Vary", "*")), ("/4", ("Set-Cookie", "a=b")), ("/5", ("Expires", "0")),
                           ("/6", ("Cache-Control", "max-age=0")), ("/7", ("Cache-Control", "no-cache"))):
            with self.subTest(said):
                self.assertEqual(self.asked_twice(path, said), 2)
        for path, headers in (("/r", {"Range": "bytes=0-1"}), ("/n", {"Cache_Control": "no-cache"}), ("/w", {"Authorization": "x"}),
                              ("/c", {"Cookie": "a=b"})):
            with self.subTest(headers):
                self.assertEqual(self.asked_twice(path, **headers), 2)
        self.assertEqual(self.asked_twice("/p", ("Cache-Control", "public, max-age=9"), Authorization="x"), 1)

    def test_the_language_asked_for_makes_another_answer_where_the_service_says_so(self):
        Service.headers_of["/v"] = [("Vary", "Accept-Language")]
        german, english = self.get("/v", Accept_Language="de"), self.get("/v", Accept_Language="en")
        self.assertNotEqual(german[2], english[2])
        self.assertEqual(self.get("/v", Accept_Language="de"), german)

    def test_errors_are_not_kept_and_a_change_forgets(self):
        for _ in range(2):
            with self.assertRaises(urllib.error.HTTPError):
                self.get("/gone")
        self.assertEqual(len(Service.asked), 2)
        self.get("/x"), self.get("/x", data=b"new"), self.get("/x")
        self.assertEqual(len(Service.asked), 5)

    def test_a_kept_connection_goes_on(self):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        bodies = []
        for path in ("/k", "/k", "/other", "/k"):
            connection.request("GET", path)
            bodies.append(connection.getresponse().read())
        connection.close()
        self.assertEqual(bodies, [b"1", b"1", b"2", b"1"])


def counts(clock, seconds=1.0):
    """Adds up 1 to n, a second each."""
    def handler(event, context):
        state = getattr(context, "state", None) or {"next": 1, "sum": 0}
        for i in range(state["next"], event["n"] + 1):
            clock.now += seconds
            state = {"next": i + 1, "sum": state["sum"] + i}
            if hasattr(context, "handover"):
                context.handover(state)
        return {"sum": state["sum"]}
    return handler


class Handover(unittest.TestCase):
    def worm(self, function, clock, limit, **settings):
        self.hops = []

        def successor(event, wait=True):
            self.hops.append(event[handover.KEY]["hop"])
            made = json.loads(json.dumps(event))
            return worm(made, Context(clock, limit))

        worm = handover.Handover(function, settings, 3, clock, successor)
        return worm

    def test_the_caller_sees_one_answer(self):
        clock = Clock()
        worm = self.worm(counts(clock), clock, 33)
        self.assertEqual(worm({"n": 10}, Context(clock, 33)), {"sum": 55})
        self.assertEqual(self.hops, [1, 2, 3])  # three steps fit into each piece of 3 s
        self.assertEqual(worm({"n": 2}, Context(clock, 33)), {"sum": 3})
        self.assertEqual(len(self.hops), 3)

    def test_a_generator_does_the_same(self):
        clock = Clock()

        def handler(event, context):
            i, total = context.state or (0, 0)
            while i < event["n"]:
                clock.now += 1
                i, total = i + 1, total + i + 1
                yield [i, total]
            return total

        self.assertEqual(self.worm(handler, clock, 33)({"n": 10}, Context(clock, 33)), 55)
        self.assertEqual(self.hops, [1, 2, 3])

    def test_it_ends(self):
        clock = Clock()
        with self.assertRaisesRegex(handover.Exhausted, "after 3 pieces, which is all"):
            self.worm(counts(clock), clock, 1000, hops=2)({"n": 100}, Context(clock, 1000))
        with self.assertRaisesRegex(handover.Exhausted, "when the time was up"):
            self.worm(counts(clock), clock, 7)({"n": 100}, Context(clock, 7))

    def test_a_successors_error_is_the_functions(self):
        clock = Clock()
        worm = self.worm(counts(clock), clock, 33)

        def successor(event, wait=True):
            raise again.Failed({"errorType": "KeyError", "errorMessage": "'x'"})

        worm.successor = successor
        with self.assertRaises(Exception) as raised:
            worm({"n": 10}, Context(clock, 33))
        self.assertEqual((type(raised.exception).__name__, str(raised.exception)), ("KeyError", "'x'"))

    def test_nobody_waits_for_events(self):
        clock = Clock()
        left = []
        worm = handover.Handover(counts(clock), {"answer": "event", "hops": 5}, 3, clock,
                                 lambda event, wait=True: left.append((event, wait)))
        event, answer = {"n": 10}, None
        while True:
            answer = worm(event, Context(clock, 3))
            if not left:
                break
            event, wait = left.pop()
            self.assertFalse(wait)
        self.assertEqual(answer, {"sum": 55})
        with self.assertRaises(handover.Exhausted):
            worm({handover.KEY: {"event": {"n": 99}, "state": {"next": 1, "sum": 0}, "hop": 5}}, Context(clock, 3))

    def test_its_own_handlers_do_not_stop_it(self):
        clock = Clock()

        def handler(event, context):
            try:
                return counts(clock)(event, context)
            except Exception:
                return "swallowed"

        self.assertEqual(self.worm(handler, clock, 33)({"n": 10}, Context(clock, 33)), {"sum": 55})

    def test_the_function_sees_what_is_left_of_its_piece(self):
        clock, seen = Clock(), []
        worm = self.worm(lambda e, c: seen.append((c.get_remaining_time_in_millis(), c.aws_request_id)), clock, 33)
        worm({}, Context(clock, 33))
        self.assertEqual(seen, [(3000, "id")])


class MapReduce(unittest.TestCase):
    def reduced(self, function, holds, **settings):
        """A function of which each invocation dies that gets more than it holds."""
        self.sizes, lock = [], threading.Lock()

        def invoke(event, wait=True):
            part = json.loads(json.dumps(event))
            with lock:
                self.sizes.append(len(part[map_reduce.KEY]["order"]["items"]))
            if self.sizes[-1] > holds and len(part[map_reduce.KEY]["order"]["items"]) > holds:
                raise again.Failed({"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"})
            return mapped(part, Context(Clock(), 60))

        mapped = map_reduce.MapReduce(lambda e, c: function(e), dict(over="event.order.items", **settings), Clock(), invoke)
        return mapped

    def event(self, n):
        return {"order": {"items": list(range(n)), "id": 7}}

    def test_parts_are_put_together_in_order(self):
        mapped = self.reduced(lambda e: [[e["order"]["id"], i] for i in e["order"]["items"]], holds=10, part=3, concurrency=4)
        self.assertEqual(mapped(self.event(10), Context(Clock(), 60)), [[7, i] for i in range(10)])
        self.assertEqual(sorted(self.sizes), [1, 3, 3, 3])

    def test_short_lists_and_other_events_go_straight_to_the_function(self):
        mapped = self.reduced(lambda e: e, holds=10, part=3)
        for event in (self.event(3), {"order": 1}, {}, [1, 2, 3, 4, 5], "text", None):
            self.assertEqual(mapped(event, Context(Clock(), 60)), event)
        self.assertEqual(self.sizes, [])

    def test_what_dies_of_memory_is_halved(self):
        mapped = self.reduced(lambda e: sum(e["order"]["items"]), holds=2, part=8, reduce="sum")
        self.assertEqual(mapped(self.event(16), Context(Clock(), 60)), sum(range(16)))
        self.assertEqual(max(s for s in self.sizes), 8)
        alone = self.reduced(lambda e: 0, holds=0, part=2, reduce="sum")
        with self.assertRaisesRegex(Exception, "signal: killed"):
            alone(self.event(4), Context(Clock(), 60))

    def test_other_ways_to_reduce(self):
        merged = self.reduced(lambda e: {str(i): i for i in e["order"]["items"]}, holds=9, part=2, reduce="merge")
        self.assertEqual(merged(self.event(3), Context(Clock(), 60)), {"0": 0, "1": 1, "2": 2})
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "shop_of_the_test.py").write_text("def largest(answers):\n    return max(answers)\n")
            sys.path.insert(0, folder)
            try:
                own = self.reduced(lambda e: max(e["order"]["items"]), holds=9, part=2, reduce="shop_of_the_test.largest")
            finally:
                sys.path.remove(folder)
        self.assertEqual(own(self.event(9), Context(Clock(), 60)), 8)
        with self.assertRaisesRegex(TypeError, "lists"):
            self.reduced(lambda e: 1, holds=9, part=2)(self.event(3), Context(Clock(), 60))


class Relocate(unittest.TestCase):
    """Places that take so long, and fail as they are told to."""
    code = "abc"

    def moved(self, here=1.0, **there):
        self.clock, self.times, self.fails, self.asked = Clock(), there, {}, []

        def invoke(event, seconds, wait, env, connect_s):
            place = env["AWS_REGION"]
            self.asked.append(place)
            self.clock.now += self.times[place]
            if place in self.fails:
                raise self.fails[place]
            return [place, event]

        def function(event, context):
            self.asked.append("here")
            self.clock.now += here
            return ["here", event]

        settings = {"places": [{"name": name, "region": name} for name in there], "tries": 3, "code": "abc"}
        return relocate.Relocate(function, settings, self.clock, invoke, {"AWS_REGION": "home"}, lambda: self.code)

    def call(self, moved, times=1):
        return [moved({"n": 1}, Context(self.clock, 60)) for _ in range(times)][-1]

    def test_the_quickest_gets_the_calls_and_the_others_are_not_forgotten(self):
        moved = self.moved(far=2.0, near=0.1)
        self.call(moved, 9)
        self.assertEqual(sorted(self.asked), ["far"] * 3 + ["here"] * 3 + ["near"] * 3)
        self.asked.clear()
        self.assertEqual(self.call(moved, 40), ["near", {"n": 1}])
        self.assertEqual(set(self.asked), {"near"})
        self.times.update(far=0.01, near=3.0)  # the world changes
        self.call(moved, 2000)
        self.assertEqual(self.asked[-1], "far")

    def test_other_code_than_the_copies_stays_here(self):
        self.code = "def"
        self.assertEqual(self.call(self.moved(near=0.1), 20)[0], "here")
        self.assertEqual(set(self.asked), {"here"})

    def test_where_here_is_quickest_it_stays(self):
        moved = self.moved(here=0.1, far=2.0)
        self.call(moved, 6)
        self.assertEqual(self.call(moved)[0], "here")

    def test_a_place_that_cannot_be_reached_costs_no_call(self):
        moved = self.moved(near=0.1)
        self.fails["near"] = again.Unreachable()
        self.assertEqual(self.call(moved, 20)[0], "here")
        self.assertEqual(self.asked.count("near"), 1)
        del self.fails["near"]
        self.clock.now += 60
        self.call(moved, 20)
        self.assertEqual(self.asked[-1], "near")

    def test_what_may_have_been_done_is_not_done_again_and_an_error_is_the_answer(self):
        moved = self.moved(near=0.1)
        self.call(moved, 6)
        self.fails["near"] = again.Failed({"errorType": "KeyError", "errorMessage": "x"})
        with self.assertRaises(Exception) as raised:
            self.call(moved)
        self.assertEqual(type(raised.exception).__name__, "KeyError")
        self.fails["near"] = TimeoutError("no answer")
        before = self.asked.count("here")
        with self.assertRaises(TimeoutError):
            self.call(moved)
        self.assertEqual(self.asked.count("here"), before)


class FullPlace:
    """An address where nobody answers: the queue of connections is full, so the kernel drops the next ones' SYN."""

    def __enter__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(16):
            self.waiting.append(socket.socket())
            self.waiting[-1].setblocking(False)
            self.waiting[-1].connect_ex(("127.0.0.1", self.port))
        return self

    def __exit__(self, *_):
        for one in [self.listener, *self.waiting]:
            one.close()


class Connecting(unittest.TestCase):
    def relocated(self, url):
        clock = Clock()
        settings = {"places": [{"name": "near", "region": "near", "endpoint": url}], "tries": 1, "code": "abc"}
        moved = relocate.Relocate(lambda e, c: "here", settings, clock, env={"AWS_LAMBDA_FUNCTION_NAME": "shop"},
                                  own_code=lambda: "abc")
        return moved, [moved({}, Context(clock, 4)) for _ in range(3)]

    def test_a_place_that_does_not_answer_costs_no_call(self):
        for scheme in ("http", "https"):
            with self.subTest(scheme), FullPlace() as place:
                moved, answers_ = self.relocated("%s://127.0.0.1:%d" % (scheme, place.port))
                self.assertEqual(answers_, ["here"] * 3)
                self.assertEqual(moved.places[1].asked, 1)

    def test_one_that_takes_connections_and_says_nothing_may_have_done_it(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(5)
            with self.assertRaises(TimeoutError if sys.version_info >= (3, 10) else socket.timeout):
                self.relocated("http://127.0.0.1:%d" % listener.getsockname()[1])
            listener.accept()[0].close()

    def test_one_that_speaks_no_tls_was_not_asked(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(5)
            _, answers_ = self.relocated("https://127.0.0.1:%d" % listener.getsockname()[1])
            self.assertEqual(answers_, ["here"] * 3)

    def test_a_name_that_nobody_knows_was_not_asked(self):
        self.assertEqual(self.relocated("http://nobody.invalid:80")[1], ["here"] * 3)


class Again(unittest.TestCase):
    def test_the_signature_is_that_of_an_independent_signer(self):
        # Worked out with botocore's SigV4Auth for the same request.
        env = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
               "AWS_SESSION_TOKEN": "token", "AWS_REGION": "eu-west-1"}
        headers = again.signed("lambda.eu-west-1.amazonaws.com", "/2015-03-31/functions/shop/invocations", "Qualifier=%24LATEST",
                               b'{"a":1}', env, 1700000000)
        self.assertEqual(headers["authorization"], SIGNED)

    def test_no_capacity_is_waited_for(self):
        clock, asked = Clock(), []

        def call(event, left, wait):
            asked.append(left)
            if len(asked) < 3:
                raise OSError("HTTP 429 slow down")
            return "done"

        ask = again.Throttled(clock() + 10, call, clock, lambda s: setattr(clock, "now", clock.now + s))
        self.assertEqual(ask({}), "done")
        self.assertEqual([round(10 - left, 3) for left in asked], [0, 0.1, 0.3])
        with self.assertRaises(OSError):
            again.Throttled(clock(), lambda *a: (_ for _ in ()).throw(OSError("HTTP 429")), clock)({})

    def test_too_much_is_told_before_it_is_sent(self):
        env = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1"}
        with self.assertRaisesRegex(ValueError, "too many to be handed"):
            again.invoke({"a": "x" * 300000}, 1, wait=False, env=env)


class Wrapper(unittest.TestCase):
    def test_is_taken_for_the_function_by_every_python_there_is(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "app.py").write_text(
                "import os\ndef handler(event, context):\n    return [event, os.environ['_HANDLER']]\n")
            settings = {"handler": "app.handler", "timeout_s": 3, "remedies": {
                "cache": {"of": "results", "ttl_s": 1}, "handover": {"hops": 2}, "map_reduce": {"over": "event.items"}}}
            code = ("import autotune_remedy as a, json, types\n"
                    "c = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 3000)\n"
                    "print(json.dumps([a.handler({'n': 1}, c), a.handler({'n': 1}, c)]))")
            for python in [sys.executable, *os.environ.get("AUTOTUNE_PYTHONS", "").split()]:
                done = subprocess.run([python, "-c", code], capture_output=True, text=True, env={
                    "PYTHONPATH": "%s:%s" % (folder, SOURCE / "runtimes" / "remedy"), "AUTOTUNE_REMEDY": json.dumps(settings),
                    "PYTHONDONTWRITEBYTECODE": "1"})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(json.loads(done.stdout), [[{"n": 1}, "app.handler"]] * 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
