"""A list that is too long for one invocation is split, each part goes to an invocation of the same function, and the
answers are put together.

A part that dies of memory is halved, down to single elements, so the size of parts need not be guessed well; what it had
done until then is done again. At most `concurrency` parts at a time. Any other failure is the whole's.
"""
import time

import autotune_remedy
from autotune_remedy import again, paths

KEY = again.MARK + "part"


def concat(answers):
    if not all(isinstance(a, list) for a in answers):
        raise TypeError("reduce: concat needs answers that are lists")
    return [item for answer in answers for item in answer]


def merge(answers):
    whole = {}
    for answer in answers:
        whole.update(answer)
    return whole


REDUCERS = {"concat": concat, "sum": sum, "merge": merge}


class MapReduce:
    def __init__(self, function, settings, clock=time.monotonic, invoke=None):
        self.function, self.clock, self.invoke = function, clock, invoke
        self.over, self.part = settings["over"], max(1, settings.get("part", 100))
        self.concurrency = max(1, settings.get("concurrency", 8))
        name = settings.get("reduce", "concat")
        self.reduce = REDUCERS.get(name) or autotune_remedy.load(name)

    def __call__(self, event, context):
        if isinstance(event, dict) and KEY in event:
            return self.function(event[KEY], context)
        items = paths.find(event, self.over)
        if not isinstance(items, list) or len(items) <= self.part:
            return self.function(event, context)
        import concurrent.futures  # most lists are short

        ask = self.invoke or again.Throttled(self.clock() + context.get_remaining_time_in_millis() / 1000, clock=self.clock)
        parts = [items[at:at + self.part] for at in range(0, len(items), self.part)]
        with concurrent.futures.ThreadPoolExecutor(min(self.concurrency, len(parts))) as pool:
            waiting = [pool.submit(self.answers, ask, event, part) for part in parts]
            try:
                answers = [answer for future in waiting for answer in future.result()]
            except again.Failed as failed:
                raise failed.as_own() from None
            finally:
                for future in waiting:
                    future.cancel()
        return self.reduce(answers)

    def answers(self, ask, event, part):
        """Of the part, or of its halves."""
        try:
            return [ask({KEY: paths.replaced(event, self.over, part)})]
        except again.Failed as failed:
            if not failed.out_of_memory() or len(part) < 2:
                raise
        half = len(part) // 2
        return self.answers(ask, event, part[:half]) + self.answers(ask, event, part[half:])
