#!/usr/bin/env python3
"""The wrapper's choice of a place: measured on the test's own clock; connections are real."""
import socket
import sys
import unittest

from world import Clock, Context  # first: it says where the wrapper is
from autotune_remedy import again, relocate


class Relocate(unittest.TestCase):
    """Places that take so long, and fail as they are told to."""
    code = "abc"

    def moved(self, here=1.0, tries=3, **there):
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

        settings = {"places": [{"name": name, "region": name} for name in there], "tries": tries, "code": "abc"}
        return relocate.Relocate(function, settings, self.clock, invoke, {"AWS_REGION": "home"}, lambda: self.code)

    def call(self, moved, times=1):
        return [moved({"n": 1}, Context(self.clock, 60)) for _ in range(times)][-1]

    def test_the_quickest_gets_the_calls_and_the_others_are_not_forgotten(self):
        moved = self.moved(far=2.0, near=0.1)
        self.call(moved, 12)
        self.assertEqual(sorted(self.asked), ["far"] * 4 + ["here"] * 4 + ["near"] * 4)
        self.asked.clear()
        self.assertEqual(self.call(moved, 11), ["near", {"n": 1}])
        self.assertEqual(set(self.asked), {"near"})
        self.times.update(far=0.01, near=3.0)  # the world changes
        self.call(moved, 2000)
        self.assertEqual(self.asked[-1], "far")

    def test_a_place_that_has_to_begin_is_not_judged_by_that(self):
        moved = self.moved(near=0.1)
        for seconds in (5.0, 2.0, 0.1, 0.1):  # a sandbox begins there, then what it runs is warmed up
            self.times["near"] = seconds
            self.call(moved, 2)
        self.assertEqual(self.call(moved)[0], "near")

    def test_what_was_slow_at_first_is_soon_asked_again_and_not_so_often_later(self):
        moved = self.moved(near=2.0)
        self.call(moved, 8)
        self.asked.clear()
        self.call(moved, 10)
        self.assertEqual(self.asked.count("near"), 1)  # a look
        self.times["near"] = 0.9
        self.asked.clear()
        while "near" not in self.asked:
            self.call(moved)
        self.times["near"] = 5.0  # it was luck
        self.asked.clear()
        self.call(moved, 10)
        self.assertEqual(self.asked, ["near"] * 3 + ["here"] * 7)
        self.times["near"] = 0.1
        self.asked.clear()
        self.call(moved, 100)
        self.assertGreaterEqual(self.asked.count("near"), 30, self.asked)
        self.asked.clear()
        self.call(moved, 1000)
        self.assertEqual(self.asked.count("here"), 20)

    def test_other_code_than_the_copies_stays_here(self):
        self.code = "def"
        self.assertEqual(self.call(self.moved(near=0.1), 20)[0], "here")
        self.assertEqual(set(self.asked), {"here"})

    def test_where_here_is_quickest_it_stays(self):
        moved = self.moved(here=0.1, far=2.0)
        self.call(moved, 8)
        self.assertEqual(self.call(moved)[0], "here")

    def test_a_place_that_cannot_be_reached_costs_no_call(self):
        moved = self.moved(near=0.1)
        self.fails["near"] = again.Unreachable()
        self.assertEqual(self.call(moved, 20)[0], "here")
        self.assertEqual(self.asked.count("near"), 1)
        del self.fails["near"]
        self.clock.now += 60
        self.call(moved, 20)
        self.assertGreaterEqual(self.asked[-15:].count("near"), 14)  # one may be a look

    def test_one_that_begins_late_is_not_judged_by_that_either(self):
        moved = self.moved(tries=1, near=5.0)
        self.fails["near"] = again.Unreachable()
        self.call(moved, 3)
        del self.fails["near"]
        self.clock.now += 60
        self.call(moved)
        self.times["near"] = 0.1
        self.asked.clear()
        self.call(moved, 10)
        self.assertGreaterEqual(self.asked.count("near"), 8, self.asked)

    def test_what_may_have_been_done_is_not_done_again_and_an_error_is_the_answer(self):
        moved = self.moved(near=0.1)
        self.call(moved, 8)
        self.fails["near"] = again.Failed({"errorType": "KeyError", "errorMessage": "x"})
        with self.assertRaises(Exception) as raised:
            self.call(moved)
        self.assertEqual(type(raised.exception).__name__, "KeyError")
        self.fails["near"] = TimeoutError("no answer")
        before = self.asked.count("here")
        with self.assertRaises(TimeoutError):
            self.call(moved)
        self.clock.now += 60
        self.fails["near"] = OSError("asking Lambda for invocations: HTTP 502 the function was answered: HTTP 404")
        with self.assertRaises(OSError):
            self.call(moved, 50)
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
                self.assertEqual(moved.places[1].tried, 1)

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
