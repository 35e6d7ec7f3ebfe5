"""A worm: before its time is up an invocation hands its state to a successor, which goes on; the caller sees one answer.

The function says where it could go on from, in one of two ways:

    def handler(event, context):
        state = getattr(context, "state", None) or {"next": 0, "sum": 0}
        for i in range(state["next"], event["n"]):
            ...
            if hasattr(context, "handover"):
                context.handover({"next": i + 1, "sum": total})     # does not return when the time is nearly up

or it is a generator that yields its states and returns its answer. States are JSON. What was done after the last state
is done again, so steps must bear that.

Who answers: with "answer": "wait" the first invocation does. It works for its own limit, then asks successors, one after
the other, and stays until the answer is there, so the function's time limit was raised to all the hops together and the
limit that it had before holds for each piece. With "answer": "event" nobody waits: each invocation leaves its state to
the next as an event and ends; the last one's answer is the answer.
"""
import time
import types

from autotune_remedy import again

KEY = again.MARK + "handover"


class Over(BaseException):
    """Unwinds the function; no Exception, so that its own handlers let it pass."""

    def __init__(self, state):
        super().__init__()
        self.state = state


class Exhausted(Exception):
    """The work was not done within the hops that were allowed, or within the platform's longest time."""


class Context:
    """The platform's, with the time that is left of this piece, and its state."""

    def __init__(self, context, ends, margin, state, clock):
        self._context, self._ends, self._margin, self._clock = context, ends, margin, clock
        self.state = state

    def __getattr__(self, name):
        return getattr(self._context, name)

    def get_remaining_time_in_millis(self):
        return max(int((self._ends - self._clock()) * 1000), 0)

    def handover(self, state):
        self.state = state
        if self._clock() >= self._ends - self._margin:
            raise Over(state)


def run(work, context):
    """What a generator returns; what it yields are its states."""
    while True:
        try:
            state = next(work)
        except StopIteration as end:
            return end.value
        context.handover(state)


class Handover:
    def __init__(self, function, settings, timeout_s, clock=time.monotonic, successor=None):
        self.function, self.clock, self.successor = function, clock, successor
        self.piece_s, self.hops = float(timeout_s), settings.get("hops", 10)
        self.margin = settings.get("margin_s") or min(1.0, 0.2 * self.piece_s)
        self.wait = settings.get("answer", "wait") == "wait"

    def __call__(self, event, context):
        begin = self.clock()
        ends = begin + context.get_remaining_time_in_millis() / 1000
        mark = event.get(KEY) if isinstance(event, dict) else None
        if mark is not None:
            event, state, hop = mark["event"], mark["state"], mark["hop"]
        else:
            state, hop = None, 0
        done, result = self.piece(event, context, min(ends, begin + self.piece_s), state)
        if not self.wait:
            return result if done else self.leave(event, result, hop, ends)
        if mark is not None:
            return {"done": done, "result": result}
        return result if done else self.stay(event, result, ends)

    def piece(self, event, context, ends, state):
        """(True, answer), or (False, the state to go on from)."""
        own = Context(context, ends, self.margin, state, self.clock)
        try:
            answer = self.function(event, own)
            return True, run(answer, own) if isinstance(answer, types.GeneratorType) else answer
        except Over as over:
            return False, over.state

    def stay(self, event, state, ends):
        ask = self.successor or again.Throttled(ends, clock=self.clock)
        for hop in range(1, self.hops + 1):
            if self.clock() + self.margin >= ends:
                raise Exhausted("not done when the time was up, after %d pieces" % hop)
            try:
                answer = ask({KEY: {"event": event, "state": state, "hop": hop}})
            except again.Failed as failed:
                raise failed.as_own() from None
            if answer["done"]:
                return answer["result"]
            state = answer["result"]
        raise Exhausted("not done after %d pieces, which is all that is allowed" % (self.hops + 1))

    def leave(self, event, state, hop, ends):
        if hop >= self.hops:
            raise Exhausted("not done after %d pieces, which is all that is allowed" % (hop + 1))
        ask = self.successor or again.Throttled(ends, clock=self.clock)
        ask({KEY: {"event": event, "state": state, "hop": hop + 1}}, wait=False)
        return {"handed over": hop + 1}
