"""Keeps the function's answers and gives them again for the same input.

Only for functions that were declared safe: same input, same output, and nothing else that matters. That is checked: the
first five answers from memory and then each hundredth are worked out all the same, and the first that differs ends the
keeping in this process, with a line in the log. Errors are never kept, nor what is no JSON, nor answers with a statusCode of 400 or more.
"""
import hashlib
import json
import time

import autotune_remedy
from autotune_remedy import paths
from autotune_remedy.bounded import Bounded


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def is_failure(answer):
    status = answer.get("statusCode") if isinstance(answer, dict) else None
    return isinstance(status, int) and status >= 400


class Results:
    def __init__(self, function, settings, clock=time.monotonic):
        self.function, self.seconds = function, settings.get("ttl_s", 60)
        self.where, self.refresh = settings.get("key"), settings.get("refresh")
        self.kept = Bounded(int(settings.get("most_mb", 16) * 1024 * 1024), clock)
        self.check_first, self.check_every = settings.get("check_first", 5), settings.get("check_every", 100)
        self.hits, self.on = 0, True

    def key(self, event):
        """What the answer depends on; None: nobody can tell, so nothing is kept."""
        if isinstance(event, dict) and any(name.startswith("autotune:") for name in event):
            return None  # a part of another invocation's work
        subject = event if self.where is None else paths.find(event, self.where)
        return None if subject is paths.MISSING else hashlib.sha256(canonical(subject)).digest()

    def __call__(self, event, context):
        key = self.key(event) if self.on else None
        if key is None:
            return self.function(event, context)
        if self.refresh is not None and paths.find(event, self.refresh) not in (paths.MISSING, None, False, ""):
            self.kept.drop(key)
        kept = self.kept.get(key)
        if kept is not None:
            self.hits += 1
            if self.hits > self.check_first and (self.check_every == 0 or self.hits % self.check_every != 0):
                return json.loads(kept)
        answer = self.function(event, context)
        self.keep(key, answer, kept)
        return answer

    def keep(self, key, answer, before):
        try:
            text = canonical(answer)
        except (TypeError, ValueError):
            return  # the runtime says so better
        if is_failure(answer):
            self.kept.drop(key)
        elif before is not None and before != text:
            self.on = False
            self.kept.clear()
            autotune_remedy.tell("cache", off="the same input gave another output")
        else:
            self.kept.put(key, text, self.seconds)
