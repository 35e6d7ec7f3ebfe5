"""One piece of a program that autotune decompose took apart: runs its own functions, and calls those of other pieces by Invoke.

Configuration: autotune_piece.json beside this file, {"entry": "app.main" or null, "takes": "event"|"event, context"|"names",
"own": {"app.price": {"returned": ["out"]}}, "qualifier": "live"}. The handler is autotune_piece.handler.

- Arguments and results are values: None, bool, int, float, str, bytes, list, tuple, set, frozenset, dict and complex of such;
  what JSON lacks is marked, so that a tuple arrives as a tuple. Anything else is refused (NotAValue), never turned into text.
- An argument that the function changed would be lost for the caller: that is refused too (ChangedArgument), unless it is
  among `returned`, whose new values the function gives back.
- What a function raises is raised at the caller: built-in exceptions, and classes of modules that both have, with arguments and
  attributes as far as those are values; of other classes the nearest built-in one, under their name.
- Invoke by botocore where that can be imported, else by Lambda's HTTP API, signed. Throttled calls are made again while there is
  time; others are not, for they may have run.

Standard library only, Python 3.8 and later.
"""
import builtins
import importlib
import json
import math
import os
import sys
import time

MARK = "autotune:"
_until = [None]  # of the invocation that is served, by time.monotonic()
_client = [None]


class NotAValue(TypeError):
    pass


class ChangedArgument(RuntimeError):
    pass


def _config():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "autotune_piece.json")) as file:
        return json.load(file)


def encode(value, what="a value"):
    """As JSON has it; refuses what is not a value."""
    kind = type(value)
    if value is None or kind in (bool, str, int):
        return value
    if kind is float:
        return value if math.isfinite(value) else {MARK: "float", "is": repr(value)}
    if kind is list:
        return [encode(v, what) for v in value]
    if kind in (set, frozenset):  # in an order that is the same in every process
        return {MARK: kind.__name__, "is": sorted((encode(v, what) for v in value), key=json.dumps)}
    if kind is tuple:
        return {MARK: kind.__name__, "is": [encode(v, what) for v in value]}
    if kind is dict:
        if all(type(k) is str for k in value) and MARK not in value:
            return {k: encode(v, what) for k, v in value.items()}
        return {MARK: "dict", "is": [[encode(k, what), encode(v, what)] for k, v in value.items()]}
    if kind is bytes:
        return {MARK: "bytes", "is": value.hex()}
    if kind is complex:
        return {MARK: "complex", "is": [encode(value.real), encode(value.imag)]}
    raise NotAValue("%s is of type %s.%s, which cannot be handed to another function" % (what, kind.__module__, kind.__qualname__))


def decode(value):
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(MARK)
    if kind is None:
        return {k: decode(v) for k, v in value.items()}
    inner = value["is"]
    if kind in ("tuple", "set", "frozenset"):
        return getattr(builtins, kind)(decode(v) for v in inner)
    if kind == "dict":
        return {decode(k): decode(v) for k, v in inner}
    if kind == "bytes":
        return bytes.fromhex(inner)
    if kind == "complex":
        return complex(decode(inner[0]), decode(inner[1]))
    return float(inner)


def _left():
    return 900.0 if _until[0] is None else max(0.1, _until[0] - time.monotonic())


def _by_botocore(function, qualifier, body):
    if _client[0] is None:
        import botocore.config
        import botocore.session
        try:
            config = botocore.config.Config(read_timeout=900, retries={"total_max_attempts": 1})
        except Exception:  # the AWS CLI's own botocore knows that under another name
            config = botocore.config.Config(read_timeout=900, retries={"max_attempts": 1})
        _client[0] = botocore.session.get_session().create_client(
            "lambda", region_name=os.environ.get("AWS_REGION", "us-east-1"), config=config,
            endpoint_url=os.environ.get("AWS_ENDPOINT_URL_LAMBDA") or os.environ.get("AWS_ENDPOINT_URL"))
    more = {"Qualifier": qualifier} if qualifier else {}
    try:
        answer = _client[0].invoke(FunctionName=function, Payload=body, **more)
    except _client[0].exceptions.TooManyRequestsException:
        return 429, False, b""
    return answer["StatusCode"], "FunctionError" in answer, answer["Payload"].read()


def _by_http(function, qualifier, body):
    import urllib.parse

    import autotune_again

    env = os.environ
    endpoint = (env.get("AWS_ENDPOINT_URL_LAMBDA") or env.get("AWS_ENDPOINT_URL") or
                "https://lambda.%s.amazonaws.com" % env.get("AWS_REGION", "us-east-1"))
    query = "Qualifier=" + urllib.parse.quote(qualifier, safe="") if qualifier else ""
    status, headers, text = autotune_again.exchanged("POST", endpoint, "/2015-03-31/functions/%s/invocations" % function, query, body, {},
                                                     _left(), env)
    return status, headers.get("X-Amz-Function-Error") is not None, text


def _invoke(function, payload):
    body = json.dumps(payload, separators=(",", ":"), allow_nan=False).encode()
    try:
        import botocore  # noqa: F401
        send = _by_botocore
    except ImportError:
        send = _by_http
    pause = 0.1
    while True:
        status, failed, text = send(function, CONFIG.get("qualifier"), body)
        if status != 429 or _left() < 2 * pause:
            break
        time.sleep(pause)
        pause = min(2 * pause, 5)
    if status >= 300:
        raise OSError("calling %s: HTTP %d %s" % (function, status, text[:200].decode("utf-8", "replace")))
    return failed, json.loads(text or b"null")


def _class(module, name):
    """The class that the caller means by that name: of the program, or of a library that it has imported too."""
    kind = importlib.import_module(module) if module in CONFIG.get("modules", []) else sys.modules.get(module)
    for part in name.split("."):
        kind = getattr(kind, part, None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else None


def _raised(error):
    """The exception that an answer tells of. Constructors of the program's classes are not run: they have run where it was raised."""
    name, message = error.get("errorType", "Unknown"), error.get("errorMessage", "")
    told = {"module": "builtins", "type": name, "base": "RuntimeError", "args": encode((message,)), "state": {}, "text": message}
    if message.startswith(MARK):
        told = json.loads(message[len(MARK):])
    name, base = told["type"], getattr(builtins, told["base"])
    kind = _class(told["module"], name)
    if kind is None:
        text = told["text"]
        kind = type(name.rpartition(".")[2] or "Unknown", (base,),
                    {"__module__": told["module"], "__qualname__": name, "__str__": lambda self: text})
    try:
        arguments = decode(told["args"])
        made = kind.__new__(kind, *arguments)
        _built_in(kind).__init__(made, *arguments)
        for key, value in decode(told["state"]).items():
            setattr(made, key, value)
        return made
    except (AttributeError, TypeError, ValueError):
        return type(kind.__name__, (RuntimeError,), {})(told["text"])


def _built_in(kind):
    return next(c for c in kind.__mro__ if c.__module__ == "builtins")


def _state(error):
    """What an exception has beside its arguments, as far as it is values: what is not is missing at the caller, and not something else."""
    state = {}
    for key, value in vars(error).items():
        try:
            state[key] = encode(value)
        except NotAValue:
            pass
    return state


def _to_raise(error):
    """As the platform is to tell it: by itself where its name and message are all there is."""
    kind = type(error)
    if kind.__module__ == "builtins" and error.args == (str(error),) and not vars(error):
        return error
    try:
        arguments = encode(_built_in(kind).__reduce__(error)[1])  # of an OSError there is more than in its args
    except NotAValue:
        arguments = encode((str(error),))
    told = {"module": kind.__module__, "type": kind.__qualname__, "base": _built_in(kind).__name__, "args": arguments,
            "state": _state(error), "text": str(error)}
    return type(kind.__name__, (Exception,), {})(MARK + json.dumps(told))


def call(function, name, arguments, keywords):
    """What a function of another piece answers."""
    failed, answer = _invoke(function, {"call": name, "args": encode(list(arguments), "an argument of %s" % name),
                                        "keywords": encode(keywords, "an argument of %s" % name)})
    if failed:
        raise _raised(answer if isinstance(answer, dict) else {})
    return decode(answer["result"])


def _function(name):
    module, _, function = name.rpartition(".")
    return getattr(importlib.import_module(module), function)


def _serve(event):
    name = event["call"]
    if name not in CONFIG["own"]:
        raise LookupError("%s is not of this piece" % name)
    arguments, keywords = decode(event["args"]), decode(event["keywords"])
    function, returned = _function(name), CONFIG["own"][name].get("returned")
    result = function(*arguments, **keywords)
    back = [of in returned for of in function.__code__.co_varnames[:len(arguments)]] if returned else [False] * len(arguments)
    if encode(keywords) != event["keywords"] or any(encode(now) != was for now, was, b in zip(arguments, event["args"], back) if not b):
        raise ChangedArgument("%s changed an argument; its caller, in another process, would not see that" % name)
    return {"result": encode(result, "the result of %s" % name)}


def handler(event, context):
    left = getattr(context, "get_remaining_time_in_millis", None)
    _until[0] = time.monotonic() + left() / 1000 if left else None
    if CONFIG["entry"] is None:
        try:
            return _serve(event)
        except Exception as error:
            raise _to_raise(error)
    function = _function(CONFIG["entry"])
    if CONFIG["takes"] == "event":
        return function(event)
    if CONFIG["takes"] == "event, context":
        return function(event, context)
    return function(**(event or {}))


CONFIG = _config()
