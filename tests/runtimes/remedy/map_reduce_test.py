#!/usr/bin/env python3
"""The wrapper's parts of a list, with invocations of the test's own."""
import json
import pathlib
import sys
import tempfile
import threading
import unittest

from world import Clock, Context  # first: it says where the wrapper is
from autotune_remedy import again, map_reduce


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


if __name__ == "__main__":
    unittest.main(verbosity=2)
