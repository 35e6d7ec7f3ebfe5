#!/usr/bin/env python3
"""The wrapper's worm, with a clock and successors of the test's own."""
import json
import unittest

from world import Clock, Context  # first: it says where the wrapper is
from autotune_remedy import again, handover


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


if __name__ == "__main__":
    unittest.main(verbosity=2)
