"""Sends the function's calls to where they are quickest: a copy of it in another region or on another host, nearer to what
it waits for, or here.

Each place, this one too, gets the first few calls in turn; then the one with the smallest median of its last calls gets
them all, but for a look at another now and then: soon at first, as what has just begun is slow, later every fiftieth call. A look
that was quicker than that median is followed by as many calls as count at first, and what was known of the place is forgotten.
The first call that a place answers says nothing: a sandbox begins there, or here what the function needs is loaded.
A place that cannot be reached within a second is left alone for a minute, and the call is made here. What a copy answers, an
error too, is the answer.

The copies are of the code that the function had when they were made ("code"). Where this version has another, deployed
since by whoever, or cannot find out, its calls stay here.
"""
import collections
import statistics
import time

import autotune_remedy
from autotune_remedy import again

REMEMBERED, REST_S = 20, 60


class Place:
    def __init__(self, name, call):
        self.name, self.call = name, call
        self.times = collections.deque(maxlen=REMEMBERED)
        self.answered = False
        self.tried = 0  # calls; from 1 on again when it first answered, and when a look was quicker
        self.last_asked, self.rests_until = 0, 0.0

    def median(self):
        return statistics.median(self.times) if self.times else float("inf")


def is_of(code, ask=again.own_code_hash):
    try:
        own = ask()
    except (OSError, ValueError, KeyError) as error:
        autotune_remedy.tell("relocate", off="which code this is cannot be found out", because=str(error))
        return False
    if own != code:
        autotune_remedy.tell("relocate", off="the copies are of other code")
    return own == code


def not_begun(error):
    """Whether the call was certainly not carried out there."""
    return isinstance(error, again.Unreachable) or str(error).partition(": HTTP ")[2].startswith("4")


class Relocate:
    def __init__(self, function, settings, clock=time.monotonic, invoke=again.invoke, env=None, own_code=again.own_code_hash):
        self.clock, self.tries, self.again = clock, settings.get("tries", 5), settings.get("again", 50)
        self.calls, self.told = 0, None  # told: the place that gets the calls
        self.next_look = None  # the number of the call that goes to another place
        self.here = Place("here", function)
        self.places = [self.here]
        if is_of(settings["code"], own_code):
            self.places += [self.there(p, invoke, env) for p in settings["places"]]

    def there(self, place, invoke, env):
        import os

        own = dict(os.environ if env is None else env)
        own.pop("AWS_ENDPOINT_URL_LAMBDA", None)
        own.update({"AWS_REGION": place["region"], "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST"})
        if place.get("endpoint"):
            own["AWS_ENDPOINT_URL_LAMBDA"] = place["endpoint"]
        return Place(place["name"], lambda event, context: invoke(
            event, context.get_remaining_time_in_millis() / 1000, True, own, again.CONNECT_S))

    def choose(self):
        awake = [p for p in self.places if self.clock() >= p.rests_until]
        untried = min(awake, key=lambda p: p.tried)
        if untried.tried <= self.tries:
            return untried
        next_look = min(2 * self.calls, self.calls + self.again)
        if self.next_look is None:
            self.next_look = next_look
        if self.calls >= self.next_look:
            self.next_look = next_look
            return min(awake, key=lambda p: p.last_asked)
        best = min(awake, key=Place.median)
        if best is not self.told:
            self.told = best
            autotune_remedy.tell("relocate", to=best.name, medians_ms={
                p.name: round(p.median() * 1000, 1) for p in self.places if p.times})
        return best

    def __call__(self, event, context):
        self.calls += 1
        place = self.choose()
        if place is not self.here:
            try:
                return self.timed(place, event, context)
            except again.Failed as failed:
                raise failed.as_own() from None
            except OSError as error:
                place.rests_until = self.clock() + REST_S
                if not not_begun(error):
                    raise
                autotune_remedy.tell("relocate", unreachable=place.name, because=str(error))
        return self.timed(self.here, event, context)

    def timed(self, place, event, context):
        begin = self.clock()
        place.tried += 1
        place.last_asked = self.calls
        answer = place.call(event, context)
        seconds = self.clock() - begin
        if not place.answered:
            place.answered, place.tried = True, 1
            return answer
        if self.told and place is not self.told and place.tried > self.tries + 1 and seconds < self.told.median():
            place.times.clear()
            place.tried = 1
        place.times.append(seconds)
        return answer
