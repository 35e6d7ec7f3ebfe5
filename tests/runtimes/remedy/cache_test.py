#!/usr/bin/env python3
"""The wrapper's caches: results of functions, and answers of services over real sockets."""
import http.server
import threading
import unittest
import urllib.error
import urllib.request

from world import Clock  # first: it says where the wrapper is
from autotune_remedy import answers, bounded, handover, results


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
        for headers in ({}, {"Authorization": "x"}, {"Cookie": "a=b"}):
            self.get("/who", **headers)
        self.assertEqual(Service.asked.count("/who"), 3)  # what is told to anybody is not told to somebody
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
        self.get("/x", data=b"new", Authorization="x"), self.get("/x")
        self.assertEqual(len(Service.asked), 7)

    def test_a_kept_connection_goes_on(self):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        bodies = []
        for path in ("/k", "/k", "/other", "/k"):
            connection.request("GET", path)
            bodies.append(connection.getresponse().read())
        connection.close()
        self.assertEqual(bodies, [b"1", b"1", b"2", b"1"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
