"""One piece of a program that autotune decompose took apart: runs its own functions, and calls those of other pieces by Invoke.

Configuration: autotune_piece.json beside this file, {"entry": "app.main" or null, "takes": "event"|"event, context"|"names",
"own": {"app.price": {"returned": ["out"]}}, "qualifier": "live"}. The handler is autotune_piece.handler.

- Arguments and results are values: None, bool, int, float, str, bytes, list, tuple, set, frozenset, dict and complex of such;
  what JSON lacks is marked, so that a tuple arrives as a tuple. Anything else is refused (NotAValue), never turned into text.
- An argument that the function changed would be lost for the caller: that is refused too (ChangedArgument), unless it is
  among `returned`, whose new values the function gives back.
- What a function raises is raised at the caller: built-in exceptions, and classes of the program's modules, with their arguments.
- Invoke by botocore where that can be imported, else by Lambda's HTTP API, signed. Throttled calls are made again while there is
  time; others are not, for they may have run.

Standard library only, Python 3.8 and later.
"""
import builtins
import importlib
import json
import math
import os
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
    import http.client
    import urllib.parse

    import autotune_again  # signs

    env = os.environ
    endpoint = (env.get("AWS_ENDPOINT_URL_LAMBDA") or env.get("AWS_ENDPOINT_URL") or
                "https://lambda.%s.amazonaws.com" % env.get("AWS_REGION", "us-east-1"))
    url = urllib.parse.urlsplit(endpoint)
    path = "/2015-03-31/functions/%s/invocations" % function
    query = "Qualifier=" + urllib.parse.quote(qualifier, safe="") if qualifier else ""
    headers = autotune_again.signed(url.netloc, path, query, body, env, time.time())
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname, url.port, timeout=_left())
    try:
        connection.request("POST", path + ("?" + query if query else ""), body, headers)
        response = connection.getresponse()
        return response.status, response.headers.get("X-Amz-Function-Error") is not None, response.read()
    finally:
        connection.close()


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


def _raised(error):
    """The exception that an answer tells of."""
    name, message = error.get("errorType", "Unknown"), error.get("errorMessage", "")
    arguments = (message,)
    if message.startswith(MARK):
        told = json.loads(message[len(MARK):])
        name, arguments = told["type"], decode(told["args"])
    module, _, last = name.rpartition(".")
    kind = getattr(importlib.import_module(module), last, None) if module in CONFIG.get("modules", []) else getattr(builtins, last, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = type(last or "Unknown", (RuntimeError,), {})
    try:
        return kind(*arguments)
    except TypeError:
        return RuntimeError("%s: %s" % (name, message))


def _to_raise(error):
    """As the platform is to tell it: by itself where its name and message are all there is."""
    kind = type(error)
    if kind.__module__ == "builtins" and error.args == (str(error),):
        return error
    own = kind.__module__ in CONFIG.get("modules", [])
    name = kind.__module__ + "." + kind.__qualname__ if own else kind.__name__
    try:
        told = json.dumps({"type": name, "args": encode(error.args)})
    except NotAValue:
        return error
    return type(kind.__name__, (Exception,), {})(MARK + told)


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
    result = _function(name)(*arguments, **keywords)
    if not CONFIG["own"][name].get("returned"):
        if encode(arguments) != event["args"] or encode(keywords) != event["keywords"]:
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
