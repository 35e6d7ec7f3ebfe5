"""A memory for bytes with a time to live, that forgets what was not used for longest when it is full. For any thread."""
import collections
import threading

OVERHEAD = 200  # bytes of an entry beside its key and value, about


class Bounded:
    def __init__(self, most_bytes, clock):
        self.most, self.clock, self.size = most_bytes, clock, 0
        self.entries = collections.OrderedDict()
        self.lock = threading.Lock()

    def get(self, key):
        """The value, or None: there is none that is fresh."""
        with self.lock:
            entry = self.entries.get(key)
            if entry is None:
                return None
            if self.clock() >= entry[0]:
                self._drop(key)
                return None
            self.entries.move_to_end(key)
            return entry[1]

    def put(self, key, value, seconds):
        with self.lock:
            self._drop(key)
            cost = len(key) + len(value) + OVERHEAD
            if seconds <= 0 or cost > self.most:
                return
            self.entries[key] = (self.clock() + seconds, value)
            self.size += cost
            while self.size > self.most:
                self._drop(next(iter(self.entries)))

    def drop(self, key):
        with self.lock:
            self._drop(key)

    def clear(self):
        with self.lock:
            self.entries.clear()
            self.size = 0

    def _drop(self, key):
        entry = self.entries.pop(key, None)
        if entry is not None:
            self.size -= len(key) + len(entry[1]) + OVERHEAD
