"""Runs main() of a program and writes how often each function was called, as CPython itself says.

    counted.py trace PROGRAM OUT     sys.settrace counts the same run that the hook sees
    counted.py cprofile PROGRAM OUT  cProfile does; for a run without the hook
    counted.py bare PROGRAM          nobody does
    counted.py import PROGRAM        nor is main() called

Ends by os._exit: what CPython calls while it shuts down is nobody's.
"""
import os
import sys

counts = {}  # of lists: to append is a step that no other thread divides


def count(frame, event, arg):
    code = frame.f_code
    key = code.co_filename + "\0%d\0" % code.co_firstlineno + getattr(code, "co_qualname", code.co_name)
    counts.setdefault(key, []).append(None)


def settrace_of(threading):
    # Is run by the tracer itself once it is set.
    threading._trace_hook = count


def profile(main):
    import cProfile
    profiler = cProfile.Profile(builtins=False)
    profiler.enable()
    main()
    profiler.disable()
    for entry in profiler.getstats():
        code = entry.code
        key = code.co_filename + "\0%d\0" % code.co_firstlineno + getattr(code, "co_qualname", code.co_name)
        counts.setdefault(key, []).extend([None] * entry.callcount)


how, program = sys.argv[1:3]
if how == "trace":
    sys.settrace(count)
module = __import__(program)
if how == "trace" and "threading" in sys.modules:
    settrace_of(sys.modules["threading"])
if how == "cprofile":
    profile(module.main)
elif how != "import":
    module.main()
sys.settrace(None)
if how in ("trace", "cprofile"):
    # Nothing here is a function in Python: the hook is at work still.
    out = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(out, "".join(["%s\0%d\n" % (key, len(calls)) for key, calls in counts.items()]).encode("utf-8", "surrogatepass"))
os._exit(0)
