#!/usr/bin/env python3
"""The wrapper's memory in functions that have threads: what one thread does in the midst of what another does."""
import threading
import unittest

import world  # noqa: F401  first: it says where the wrapper is
from autotune_remedy import bounded


class Meanwhile:
    """A clock that is asked in the midst of things: another thread does something then, as far as it can."""

    def __init__(self):
        self.work = None

    def __call__(self):
        if self.work is not None:
            work, self.work = self.work, None
            self.thread = threading.Thread(target=work)
            self.thread.start()
            self.thread.join(0.2)
        return 100.0


class BoundedTest(unittest.TestCase):
    def test_what_is_dropped_while_it_is_found(self):
        clock = Meanwhile()
        memory = bounded.Bounded(10_000, clock)
        memory.put(b"k", b"value", 60)
        clock.work = lambda: memory.drop(b"k")
        self.assertIn(memory.get(b"k"), (b"value", None))
        clock.thread.join()
        self.assertIsNone(memory.get(b"k"))

    def test_what_two_put_is_counted_once(self):
        clock = Meanwhile()
        memory = bounded.Bounded(10_000, clock)
        clock.work = lambda: memory.put(b"k", b"other", 60)
        memory.put(b"k", b"value", 60)
        clock.thread.join()
        memory.drop(b"k")
        self.assertEqual(memory.size, 0)


if __name__ == "__main__":
    unittest.main()
