"""Several functions as one deployment: calls of a member by a member are made here, all others go out as they are.

Configuration: autotune_group.json beside this file, {"entry": NAME, "members": {NAME: {"handler": "module.function",
"timeout_s": 3}}, "qualifiers": ["live"], "environment": {VARIABLE: VALUE}}; the code of each member is in members/NAME. The
handler of the deployment is autotune_group.handler. The variables, of all members, are there before they are imported; what the
deployment has of the same names goes before.

- Each member is imported for itself: two may have modules of one name. Its modules are autotune_members.NAME.module; an
  `import module` within a member finds the member's own first. Modules that are imported by name at run time
  (importlib.import_module) are not looked for there.
- Invoke by botocore, and so by boto3, is looked at (botocore.client.BaseClient._make_api_call, once somebody imports it):
  RequestResponse of a member, without qualifier or with one of `qualifiers`, by name or by an ARN of this account and region,
  is a call here. Payloads go through JSON both ways, so that neither side can change what the other holds. What the callee
  raises is answered as Lambda does: FunctionError and an errorMessage. Event stays remote: nobody waits for it, and it has its
  own retries and limits.
- A thread calls for the call or invocation that started it; when that is over (a pool outlives it), for who made that call, and
  at last for the invocation that runs now: a sandbox does one at a time.
- The callee's context has its own name, a request id of its own, and the time that is left to the caller or the callee's own
  timeout, whichever is less; that is looked at by the callee, not enforced. Memory and working folder are the deployment's.

Standard library only, Python 3.8 and later.
"""
import builtins
import contextvars
import importlib
import io
import json
import os
import re
import sys
import time
import traceback
import types
import uuid

ROOT = os.path.dirname(os.path.abspath(__file__))
PREFIX = "autotune_members."

with open(os.path.join(ROOT, "autotune_group.json")) as _file:
    CONFIG = json.load(_file)
MEMBERS = CONFIG["members"]
for _name, _value in CONFIG.get("environment", {}).items():
    os.environ.setdefault(_name, _value)
_handlers = {}
_call_of_thread = contextvars.ContextVar("autotune_call", default=None)
_invocation = None  # the _Call of the one that runs, or ran last
_plain_import = builtins.__import__


def _package(name, path):
    module = types.ModuleType(name)
    module.__path__ = path
    sys.modules[name] = module


_package(PREFIX[:-1], [])
for _name in MEMBERS:
    _package(PREFIX + _name, [os.path.join(ROOT, "members", _name)])


def _has(member, top):
    folder = os.path.join(ROOT, "members", member)
    return (os.path.isfile(os.path.join(folder, top + ".py")) or os.path.isdir(os.path.join(folder, top))
            or any(f.startswith(top + ".") and f.endswith(".so") for f in os.listdir(folder)))


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    """As __import__, but that a member's modules are looked for in its own folder first."""
    where = (globals or {}).get("__name__") or ""
    if level == 0 and where.startswith(PREFIX):
        member = where[len(PREFIX):].partition(".")[0]
        top = name.partition(".")[0]
        if _has(member, top):
            own = PREFIX + member + "."
            module = importlib.import_module(own + name)
            if not fromlist:
                return sys.modules[own + top]
            for attribute in fromlist:  # `from package import module`
                if attribute != "*" and not hasattr(module, attribute) and hasattr(module, "__path__"):
                    try:
                        importlib.import_module(own + name + "." + attribute)
                    except ModuleNotFoundError as error:
                        if error.name != own + name + "." + attribute:
                            raise
            return module
    module = _plain_import(name, globals, locals, fromlist, level)
    if not _route.done and hasattr(sys.modules.get("botocore.client"), "BaseClient"):  # it is there, and whole
        _route()
    return module


def _handler_of(member):
    if member not in _handlers:
        module, _, function = MEMBERS[member]["handler"].rpartition(".")
        name = PREFIX + member + "." + module.replace("/", ".")
        _handlers[member] = getattr(importlib.import_module(name), function)
    return _handlers[member]


class _Context:
    """The caller's, as the callee would see its own."""

    def __init__(self, member, caller):
        self._caller = caller
        self._until = time.monotonic() + min(MEMBERS[member].get("timeout_s", 900), self._left() / 1000)
        self.function_name = member
        self.aws_request_id = str(uuid.uuid4())

    def _left(self):
        left = getattr(self._caller, "get_remaining_time_in_millis", None)
        return left() if left else 900_000

    def get_remaining_time_in_millis(self):
        return max(0, int((self._until - time.monotonic()) * 1000))

    def __getattr__(self, name):
        return getattr(self._caller, name)


class _Call:
    """An invocation, or a call of a member on its behalf: what this thread does, and those that it starts, until it is over."""

    def __init__(self, context, caller=None):
        self.context, self.caller, self.over = context, caller, False

    def __enter__(self):
        self._token = _call_of_thread.set(self)
        return self.context

    def __exit__(self, *_):
        self.over = True
        _call_of_thread.reset(self._token)


def _current():
    call = _call_of_thread.get()
    while call is not None and call.over:
        call = call.caller
    return call or _invocation


def _call(member, payload):
    """What an Invoke of a member answers: (payload, whether it is an error)."""
    caller = _current()
    context = _Context(member, caller and caller.context)
    try:
        with _Call(context, caller):
            return json.dumps(_handler_of(member)(payload, context)), False
    except Exception as error:  # as the runtime tells it
        return json.dumps({"errorMessage": str(error), "errorType": type(error).__name__, "requestId": context.aws_request_id,
                           "stackTrace": traceback.format_tb(error.__traceback__)}), True


# A name, ACCOUNT:function:NAME or an ARN, each with or without :QUALIFIER.
_NAME = re.compile(r"(?:(arn:[^:]+:lambda:[^:]+:)?(\d{12}):function:)?([\w-]+)(?::([^:]+))?")


def _member_of(function, qualifier):
    """The member that this names; None: it is to be called elsewhere. Functions of other accounts and regions may have a
    member's name; where this runs is what the platform says of the invocation."""
    named, call = _NAME.fullmatch(function), _current()
    here = _NAME.fullmatch(getattr(call and call.context, "invoked_function_arn", None) or "")
    if not named or any(named[part] and not (here and here[part] == named[part]) for part in (1, 2)):
        return None
    qualifier = qualifier or named[4]
    known = not qualifier or qualifier in CONFIG.get("qualifiers", [])
    return named[3] if known and named[3] in MEMBERS else None


def _answered(member, arguments):
    payload = arguments.get("Payload") or b"{}"
    if hasattr(payload, "read"):
        payload = payload.read()
    text, failed = _call(member, json.loads(payload))
    answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": _stream(text.encode()),
              "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": str(uuid.uuid4())}}
    if failed:
        answer["FunctionError"] = "Unhandled"
    return answer


def _stream(body):
    from botocore.response import StreamingBody
    return StreamingBody(io.BytesIO(body), len(body))


def _route():
    _route.done = True
    BaseClient = sys.modules["botocore.client"].BaseClient
    remote = BaseClient._make_api_call

    def make_api_call(self, operation, arguments):
        if (operation == "Invoke" and self.meta.service_model.service_name == "lambda"
                and arguments.get("InvocationType", "RequestResponse") == "RequestResponse"):
            member = _member_of(arguments.get("FunctionName", ""), arguments.get("Qualifier"))
            if member is not None:
                return _answered(member, arguments)
        return remote(self, operation, arguments)

    BaseClient._make_api_call = make_api_call


_route.done = False
builtins.__import__ = _import
# Threads that a member starts call on behalf of the same invocation.
import threading  # noqa: E402

_start = threading.Thread.start


def _start_for_call(self):
    run, call = self.run, _call_of_thread.get()

    def run_for_call():
        _call_of_thread.set(call)
        run()

    self.run = run_for_call
    _start(self)


threading.Thread.start = _start_for_call


def handler(event, context):
    global _invocation
    _invocation = _Call(context)
    with _invocation:
        return _handler_of(CONFIG["entry"])(event, context)


# A member that cannot be imported is found at the start, as it would be by itself.
for _name in MEMBERS:
    _handler_of(_name)
