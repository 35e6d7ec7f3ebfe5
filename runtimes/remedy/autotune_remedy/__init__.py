"""Works around a function from a layer; the function's own code stays as it is.

The platform calls handler() here instead of the function's. AUTOTUNE_REMEDY says what the function was and what is done
for it: {"handler": "app.handler", "timeout_s": 3, "remedies": {"cache": {...}, "handover": {...}, "map_reduce": {...}}}.
Standard library only, Python 3.8 and newer.
"""
import importlib
import json
import os


def load(name):
    """The function that "module.function" or "folder/module.function" names."""
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module.replace("/", ".")), function)


def wrap(settings):
    """The function with its remedies around it, the cache outermost: what is kept is the whole answer."""
    remedies = settings["remedies"]
    os.environ["_HANDLER"] = settings["handler"]  # as the function knows itself
    cache = remedies.get("cache")
    if cache and cache.get("of") == "answers":
        from autotune_remedy import answers

        answers.install(cache)  # before the function can load a certificate
    function = load(settings["handler"])
    if "relocate" in remedies:
        from autotune_remedy import relocate

        function = relocate.Relocate(function, remedies["relocate"])
    if "handover" in remedies:
        from autotune_remedy import handover

        function = handover.Handover(function, remedies["handover"], settings["timeout_s"])
    if "map_reduce" in remedies:
        from autotune_remedy import map_reduce

        function = map_reduce.MapReduce(function, remedies["map_reduce"])
    if cache and cache.get("of") == "results":
        from autotune_remedy import results

        function = results.Results(function, cache)
    return function


def tell(what, **more):
    """One line in the function's log."""
    print("AUTOTUNE " + json.dumps(dict(remedy=what, **more), sort_keys=True, default=str), flush=True)


if "AUTOTUNE_REMEDY" in os.environ:
    handler = wrap(json.loads(os.environ["AUTOTUNE_REMEDY"]))
