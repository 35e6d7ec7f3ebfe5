"""Places in an event: "event.order.id"."""
import copy

MISSING = object()


def steps(path):
    names = path.split(".")
    return names[1:] if names[0] == "event" else names


def find(event, path):
    """What is there, or MISSING."""
    for name in steps(path):
        if isinstance(event, dict) and name in event:
            event = event[name]
        elif isinstance(event, list) and name.isdigit() and int(name) < len(event):
            event = event[int(name)]
        else:
            return MISSING
    return event


def replaced(event, path, value):
    """A copy of the event with another value there; all else is shared. REQUIRES: find() finds it."""
    names = steps(path)
    if not names:
        return value
    event = copy.copy(event)
    here = event
    for name in names[:-1]:
        key = name if isinstance(here, dict) else int(name)
        here[key] = copy.copy(here[key])
        here = here[key]
    here[names[-1] if isinstance(here, dict) else int(names[-1])] = value
    return event
