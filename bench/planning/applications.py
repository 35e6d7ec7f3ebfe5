"""Three applications for the embedded host, of functions that call each other by botocore's Invoke: a chain, one that calls in
parallel, one that leaves work behind. What they do is data, so that what must be billed can be counted.

Steps of a function, one after the other: ("wait", ms), as for a database; ("compute", rounds); ("call", NAME); ("together",
[NAME…]), each in a thread of its own; ("leave", NAME), an Event that nobody waits for.
"""

APPLICATIONS = {
    "chain": {
        "order": (1024, [("wait", 10), ("call", "validate"), ("wait", 5), ("call", "price")]),
        "validate": (1024, [("wait", 25), ("compute", 2000)]),
        "price": (1024, [("wait", 10), ("call", "tax"), ("compute", 2000)]),
        "tax": (1024, [("wait", 15), ("call", "rates")]),
        "rates": (1024, [("wait", 40)]),
    },
    "fan-out": {
        "page": (1024, [("wait", 5), ("together", ["profile", "cart", "offers", "reviews", "reviews"]), ("call", "render")]),
        "profile": (1024, [("wait", 60)]),
        "cart": (1024, [("wait", 30), ("call", "stock")]),
        "stock": (1024, [("wait", 20)]),
        "offers": (1024, [("wait", 20), ("call", "ranking")]),
        "ranking": (1024, [("wait", 45)]),
        "reviews": (1024, [("wait", 70)]),
        "render": (1024, [("wait", 10), ("compute", 2000)]),
    },
    "tail": {
        "upload": (1769, [("wait", 10), ("call", "check"), ("call", "store"), ("leave", "thumbnails"), ("leave", "index")]),
        "check": (1024, [("wait", 15), ("call", "scan")]),
        "scan": (1024, [("wait", 50)]),
        "store": (1769, [("wait", 30)]),
        "thumbnails": (1024, [("wait", 20), ("call", "resize")]),
        "resize": (1024, [("wait", 60)]),
        "index": (1024, [("wait", 40)]),
    },
}

# botocore as the Debian package awscli brings it; boto3 calls it the same way.
CODE = '''
import hashlib
import json
import sys
import threading
import time
sys.path.append("/usr/lib/python3/dist-packages/awscli")
import botocore.config
import botocore.session

STEPS = {steps!r}
patience = botocore.config.Config(read_timeout=300)  # the first request starts all sandboxes
client = botocore.session.get_session().create_client("lambda", region_name="us-east-1", aws_access_key_id="test",
                                                      aws_secret_access_key="test", endpoint_url="{endpoint}", config=patience)


def invoke(function, event, **more):
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode(), **more)
    return json.loads(answer["Payload"].read() or b"null")


def handler(event, context):
    told, number = [], event["number"]
    for what, of in STEPS:
        if what == "wait":
            time.sleep(of / 1000)
        elif what == "compute":
            for _ in range(of):
                number = int(hashlib.sha256(b"%d" % number * 400).hexdigest()[:8], 16)
        elif what == "call":
            told.append(invoke(of, {{"number": number}}))
        elif what == "leave":
            invoke(of, {{"number": number}}, InvocationType="Event")
        else:
            answers = [None] * len(of)

            def ask(at, number=number):
                answers[at] = invoke(of[at], {{"number": number + at}})

            threads = [threading.Thread(target=ask, args=(at,)) for at in range(len(of))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            told += answers
    return {{"who": context.function_name, "number": number, "told": told}}
'''


def code_of(steps, endpoint):
    return CODE.format(steps=steps, endpoint=endpoint)


def root_of(application):
    """The function that none of the others calls: the first."""
    return next(iter(APPLICATIONS[application]))


def calls_of(steps):
    """(callee, whether it is waited for) of each call, in order."""
    for what, of in steps:
        if what in ("call", "leave"):
            yield of, what == "call"
        elif what == "together":
            yield from ((name, True) for name in of)


def billed_of(application, groups=()):
    """How many invocations a request is billed for, with these functions in groups: {name: count}."""
    group_of = {name: at for at, group in enumerate(groups) for name in group}
    billed = {}

    def run(name, within):
        is_inside = within is not None and name in group_of and group_of[name] == group_of.get(within)
        if not is_inside:
            billed[name] = billed.get(name, 0) + 1
        for callee, is_waited_for in calls_of(APPLICATIONS[application][name][1]):
            run(callee, name if is_waited_for else None)

    run(root_of(application), None)
    return billed
