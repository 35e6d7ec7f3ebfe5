#!/usr/bin/env python3
"""The wrapper's caches: results of functions, and answers of services over real sockets."""
import email.utils
import http.client
import http.server
import json
import pathlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

from world import SOURCE, Clock  # first: it says where the wrapper is
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
    asked, headers_of, when_asked = [], {}, None

    def do_GET(self):
        Service.asked.append(self.path)
        body = b"%d" % len(Service.asked)
        if Service.when_asked is not None and Service.when_asked(self) == "cut":
            self.close_connection = True
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(404 if "/gone" in self.path else 200)
        for name, value in Service.headers_of.get(self.path.split("?")[0], []):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *_):
        pass


class Answers(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.clock = Clock()
        self.cache, uninstall = answers.install({"ttl_s": 60}, clock=self.clock)
        self.addCleanup(lambda: (uninstall(), self.server.shutdown(), self.server.server_close()))
        Service.asked, Service.headers_of, Service.when_asked = [], {}, None

    def connection(self, of=http.client.HTTPConnection, **more):
        connection = of("127.0.0.1", more.pop("port", self.server.server_port), timeout=10, **more)
        self.addCleanup(connection.close)
        return connection

    def by(self, connection, path="/", **headers):
        connection.request("GET", path, headers=headers)
        return connection.getresponse().read()

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
                           ("/6", ("Cache-Control", "max-age=0")), ("/7", ("Cache-Control", "no-cache")),
                           ("/8", ("Expires", "3600")), ("/9", ("Vary", "Accept, *")), ("/10", ("Cache-Control", "max-age=\xb2"))):
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
        connection = self.connection()
        self.assertEqual([self.by(connection, path) for path in ("/k", "/k", "/other", "/k")], [b"1", b"1", b"2", b"1"])

    def held(self, then=None):
        """Changes wait until the second has been set, the first says that one came."""
        came, goes_on = threading.Event(), threading.Event()

        def waits(handler):
            if handler.command == "PUT":
                came.set()
                goes_on.wait(10)
                return then

        Service.when_asked = waits
        self.addCleanup(goes_on.set)
        return came, goes_on

    def is_kept(self, path):
        before = len(Service.asked)
        self.get(path)
        return len(Service.asked) == before

    def test_what_a_change_passes_on_its_way_is_not_kept(self):
        (came, goes_on), changing = self.held(), self.connection()
        changing.request("PUT", "/x", b"new")
        came.wait(10)
        self.assertEqual([self.is_kept("/x"), self.is_kept("/x")], [False, True])
        goes_on.set()
        changing.getresponse().read()
        self.assertFalse(self.is_kept("/x"))

    def test_a_change_that_failed_may_have_been_one(self):
        (came, goes_on), changing = self.held("cut"), self.connection()
        changing.request("PUT", "/x", b"new")
        came.wait(10)
        self.assertFalse(self.is_kept("/x"))
        goes_on.set()
        with self.assertRaises(OSError):
            changing.getresponse()
        self.assertFalse(self.is_kept("/x"))

    def test_a_change_that_was_not_sent_to_its_end_may_have_been_one(self):
        (came, goes_on), test = self.held("cut"), self

        def body():
            yield b"n"
            came.wait(10)
            test.assertFalse(test.is_kept("/x"))
            raise RuntimeError

        with self.assertRaises(RuntimeError):
            self.connection().request("PUT", "/x", body(), {"Content-Length": "3"})
        goes_on.set()
        self.assertFalse(self.is_kept("/x"))

    def test_an_answer_that_comes_after_a_change_is_not_kept(self):
        asking, came = self.connection(), threading.Event()
        Service.when_asked = lambda _: came.set()
        asking.request("GET", "/x")
        came.wait(10)
        self.get("/x", data=b"new")
        self.assertEqual(asking.getresponse().read(), b"1")
        self.assertEqual(self.get("/x")[2], b"3")

    def test_an_answer_is_as_old_as_its_question(self):
        def takes(_):
            self.clock.now += 4

        Service.headers_of["/late"], Service.when_asked = [("Cache-Control", "max-age=5")], takes
        self.get("/late"), self.get("/late")
        self.assertEqual(len(Service.asked), 1)
        self.clock.now += 1
        self.get("/late")
        self.assertEqual(len(Service.asked), 2)

    def test_a_name_in_the_head_is_that_of_a_service_at_an_address(self):
        other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        threading.Thread(target=other.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(lambda: (other.shutdown(), other.server_close()))
        for host in ("127.0.0.1", "a", "b"):
            for port in (self.server.server_port, other.server_port):
                self.by(self.connection(port=port), Host=host)
        self.assertEqual(len(Service.asked), 6)
        self.assertEqual(self.by(self.connection(), Host="A"), b"3")
        self.by(self.connection(), Host="127.0.0.1:%d" % self.server.server_port)  # as it is without
        self.by(self.connection())
        self.assertEqual(len(Service.asked), 7)

    def test_connections_that_are_made_in_another_way_are_not_kept(self):
        class Local(http.client.HTTPConnection):
            at = ""

            def connect(self):
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.connect(self.at)

        class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        class Named(Service):
            def do_GET(self):
                body = self.server.server_address.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        paths = [str(pathlib.Path(folder, name)) for name in "ab"]
        for path in paths:
            server = UnixServer(path, Named)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            self.addCleanup(lambda server=server: (server.shutdown(), server.server_close()))
        for path in paths * 2:
            connection = self.connection(Local)
            connection.at = path
            self.assertEqual(self.by(connection).decode(), path)
        for path in paths * 2:
            connection = self.connection()
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(path)
            self.assertEqual(self.by(connection).decode(), path)
            self.assertEqual(self.by(connection).decode(), path)
        connection = self.connection()
        connection._create_connection = lambda *_: socket.create_connection(("127.0.0.1", self.server.server_port))
        self.by(connection), self.by(connection)
        self.assertEqual(len(Service.asked), 2)

    def test_what_is_told_to_the_bearer_of_a_certificate_is_not_kept(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, str(folder))
        cert, key = str(folder / "cert"), str(folder / "key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key, "-out", cert],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        of_server.load_cert_chain(cert, key)
        of_server.load_verify_locations(cert)
        of_server.verify_mode = ssl.CERT_OPTIONAL
        self.server.socket = of_server.wrap_socket(self.server.socket, server_side=True)

        def asked_twice(context):
            before = len(Service.asked)
            for _ in range(2):
                self.by(self.connection(http.client.HTTPSConnection, context=context))
            return len(Service.asked) - before

        self.assertEqual(asked_twice(ssl._create_unverified_context()), 1)
        self.assertEqual(asked_twice(ssl.create_default_context(cafile=cert)), 1)  # what was not verified is not for who verifies
        with self.assertRaises(ssl.SSLError):  # nor is what another authority vouched for
            asked_twice(ssl.create_default_context())
        bearing = ssl.create_default_context(cafile=cert)
        bearing.load_cert_chain(cert, key)
        self.assertEqual(asked_twice(bearing), 2)

        class Own(ssl.SSLContext):  # of which nobody knows what it holds
            pass

        own = Own(ssl.PROTOCOL_TLS_CLIENT)
        own.load_verify_locations(cert)
        self.assertEqual(asked_twice(own), 2)

    def test_certificates_are_noticed_that_the_function_loads_when_it_begins(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "app.py").write_text(
                "import ssl\ncontext = ssl.create_default_context()\ntry:\n    context.load_cert_chain('nowhere')\nexcept OSError:\n    pass\n"
                "def handler(event, _):\n    return context._autotune_is_known\n")
            settings = {"handler": "app.handler", "timeout_s": 3, "remedies": {"cache": {"of": "answers"}}}
            done = subprocess.run([sys.executable, "-c", "import autotune_remedy as a; print(a.handler({}, None))"], stdout=subprocess.PIPE, env={
                "PYTHONPATH": "%s:%s" % (folder, SOURCE / "runtimes" / "remedy"), "AUTOTUNE_REMEDY": json.dumps(settings),
                "PYTHONDONTWRITEBYTECODE": "1"})
            self.assertEqual(done.stdout, b"True\n")

    def test_what_answers_depend_on_is_counted(self):
        class Answer:
            status, reason, length = 200, "OK", 1

            def __init__(self, **headers):
                self.headers = headers

            def getheaders(self):
                return [("Content-Length", "1")] + list(self.headers.items())

            def read(self):
                return b"x"

        cache, asked = answers.Cache({"most_mb": 1 / 1024}, self.clock), {"accept-language": "de"}
        cache.keep(cache.asking("a"), asked, Answer(Other="Accept-Language"))
        plain = cache.kept.size
        cache.kept.clear()
        cache.keep(cache.asking("a"), asked, Answer(Vary="Accept-Language"))
        self.assertGreater(cache.kept.size, plain + bounded.OVERHEAD)
        self.assertIsNotNone(cache.find("a", asked))
        for i in range(100):
            cache.keep(cache.asking("b%d" % i), asked, Answer(Vary="Accept-Language"))
        cache.keep(cache.asking("c"), {}, Answer(Vary="x" * 1024))  # there is no room for what it depends on
        self.assertIsNone(cache.find("c", {}))
        self.assertLessEqual(cache.kept.size, 1024)

    def test_dates_are_those_of_http_and_another_is_long_past(self):
        date = email.utils.parsedate_to_datetime("Sun, 06 Nov 1994 08:49:37 GMT").timestamp()
        for text in ("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"):
            self.assertEqual(answers.date_of(text), date)
        for text in ("3600", "0", "", "2030-01-01", "2030", "Tue, 01 Jan 2030 00:00:00 +0200", "Tue, 01 Jan 2030 00:00:00",
                     "Tue, 01 Jan 2030 00:00:00 GMT, 0", "Tue, 01 Foo 2030 00:00:00 GMT", "Tue, 01 Jan 2030 00:00:00 GMT\n"):
            headers = {"expires": text, "date": "Mon, 31 Dec 2029 00:00:00 GMT"}
            self.assertEqual(answers.fresh_for(200, headers, {}, 60), 0, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
