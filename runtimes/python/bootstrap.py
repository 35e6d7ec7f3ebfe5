"""Runs one Python function on the Lambda Runtime API (2018-06-01). Standard library only, Python 3.8+.

Speaks HTTP/1.1 itself: http.client costs 15 ms of every cold start, and sends head and body apart.
What functions see (context, error objects, log lines) is what AWS's runtime shows them.
"""
import json
import os
import socket
import sys
import time

PREFIX = "/2018-06-01/runtime/"


class RuntimeApi:
    """One kept-alive connection to the host."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.address = (host, int(port))
        self.host = address.encode()
        self.socket = self.reader = None

    def next(self):
        """Waits for an invocation: (headers with lower-case names, payload)."""
        status, headers, body = self._call(b"GET", "invocation/next")
        if status != 200:
            raise RuntimeError("invocation/next answered %d: %r" % (status, body[:200]))
        return headers, body

    def post(self, path, body, error_type=None):
        extra = b"" if error_type is None else b"Lambda-Runtime-Function-Error-Type: %s\r\n" % error_type.encode()
        return self._call(b"POST", path, body, extra)[0]

    def _call(self, method, path, body=b"", extra=b""):
        if self.socket is None:
            self.socket = socket.create_connection(self.address)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.reader = self.socket.makefile("rb", 65536)
        head = b"%s %s%s HTTP/1.1\r\nHost: %s\r\n%s" % (method, PREFIX.encode(), path.encode(), self.host, extra)
        if method == b"POST":
            head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        try:
            self.socket.sendall(head + b"\r\n" + body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused half-way: the answer that says why is there to be read
        return self._answer()

    def _answer(self):
        line = self.reader.readline()
        if not line:
            raise ConnectionError("the host closed the connection")
        status = int(line.split(None, 2)[1])
        headers = {}
        while True:
            line = self.reader.readline()
            if line in (b"\r\n", b"\n", b""):
                break
            name, _, value = line.decode("utf-8", "replace").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.reader.read(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.reader.close()
            self.socket.close()
            self.socket = self.reader = None
        return status, headers, body


class Fault(Exception):
    """A failure that has a name of its own: Runtime.ImportModuleError and its kin."""

    def __init__(self, error_type, message, trace=()):
        super().__init__(message)
        self.error_type = error_type
        self.trace = list(trace)


class _Record:
    """Attributes from a dictionary; None where it has no such key."""

    def __init__(self, values, names):
        for name in names:
            setattr(self, name, values.get(name))


class ClientContext:
    def __init__(self, text):
        values = json.loads(text)
        self.custom = values.get("custom")
        self.env = values.get("env")
        client = values.get("client")
        names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
        self.client = _Record(client, names) if client else None


class CognitoIdentity:
    def __init__(self, text):
        values = json.loads(text) if text else {}
        self.cognito_identity_id = values.get("cognitoIdentityId")
        self.cognito_identity_pool_id = values.get("cognitoIdentityPoolId")


class Context:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers):
        environment = os.environ
        self.function_name = environment.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = environment.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = environment.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        client_context = headers.get("lambda-runtime-client-context")
        self.client_context = ClientContext(client_context) if client_context else None
        self.identity = CognitoIdentity(headers.get("lambda-runtime-cognito-identity"))
        self._deadline_ms = int(headers.get("lambda-runtime-deadline-ms", 0))
        held = headers.get("autotune-held")
        self._held_left = int(held) if held else None  # for a debugger: no time passes

    def get_remaining_time_in_millis(self):
        if self._held_left is not None:
            return self._held_left
        return max(int(self._deadline_ms - time.time() * 1000), 0)

    def go_on(self):
        """The debugger has gone: from now on time passes."""
        if self._held_left is not None:
            self._deadline_ms = time.time() * 1000 + self._held_left
            self._held_left = None

    def log(self, message):
        sys.stdout.write(str(message))


def with_debugger(api, function):
    """The function, to be called with a debugger: autotune trace --break asked for this invocation."""
    if "_autotune_debugger" not in sys.modules:
        import importlib.util

        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debugger.py")
        spec = importlib.util.spec_from_file_location("_autotune_debugger", path)
        module = sys.modules["_autotune_debugger"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules["_autotune_debugger"].Session(api.address, function)


def load(handler):
    """The function that "module.function" or "folder/module.function" names."""
    module_name, dot, function_name = handler.rpartition(".")
    if not dot or not module_name or not function_name:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': not enough values to unpack" % handler)
    import importlib

    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error)) from error
    except SyntaxError as error:
        where = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, (error.text or "").strip())]
        message = "Syntax error in module '%s': %s" % (module_name, error)
        raise Fault("Runtime.UserCodeSyntaxError", message, where) from error
    try:
        function = getattr(module, function_name)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise Fault("Runtime.HandlerNotFound", message) from None
    if not callable(function):
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' on module '%s' is no function" % (function_name, module_name))
    return function


def error_object(error, request_id):
    """What the caller gets, and what the log shows."""
    if isinstance(error, Fault):
        error_type, trace = error.error_type, error.trace
    else:
        import traceback

        error_type = type(error).__name__
        trace = traceback.extract_tb(error.__traceback__)
        ours = os.path.dirname(__file__)
        while trace and os.path.dirname(trace[0].filename) == ours:  # of no interest
            trace.pop(0)
        if trace and trace[0].filename.startswith("<frozen importlib"):
            trace = [frame for frame in trace if not frame.filename.startswith("<frozen importlib")]
        trace = traceback.format_list([f for f in trace if "/importlib/" not in f.filename])
    message = str(error)
    print("[ERROR] %s: %s%s" % (error_type, message, "".join(["\nTraceback (most recent call last):\n"] + trace) if trace else ""))
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def encode(value, errors="strict"):
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors)


def prepare_logging(context_holder):
    """Lambda's root handler, for functions that use logging; others do not pay for the import."""
    if "logging" not in sys.modules:
        return
    import logging

    class Handler(logging.StreamHandler):
        def format(self, record):
            record.aws_request_id = context_holder[0]
            return super().format(record)

    handler = Handler(sys.stdout)
    formatter = logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    if not logging.getLogger().handlers:
        logging.getLogger().addHandler(handler)


def serve(api, function, request):
    """One invocation; an error of the function is an answer."""
    headers, payload = api.next()
    request_id = request[0] = headers["lambda-runtime-aws-request-id"]
    trace_id = headers.get("lambda-runtime-trace-id")
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    try:
        try:
            event = json.loads(payload or b"{}")
        except ValueError as error:
            raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from error
        call = with_debugger(api, function) if "autotune-held" in headers else function
        result = call(event, Context(headers))
        try:
            body = encode(result)
        except (TypeError, ValueError) as error:
            raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from error
        path, error_type = "response", None
    except Exception as error:  # SystemExit ends the process: the host tells it as Lambda does
        answer = error_object(error, request_id)
        path, error_type, body = "error", answer["errorType"], encode(answer, "replace")
    sys.stdout.flush()
    sys.stderr.flush()
    api.post("invocation/%s/%s" % (request_id, path), body, error_type)


def main():
    # Killed processes flush nothing: what is printed must be out by the end of its line.
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]  # was this file's folder
    if len(sys.argv) > 1:  # where the function's layers are
        version = "python%d.%d" % sys.version_info[:2]
        sys.path[1:1] = [os.path.join(sys.argv[1], "python", "lib", version, "site-packages"), os.path.join(sys.argv[1], "python")]
    sys.argv = [os.environ["_HANDLER"]]
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    request = [""]
    try:
        function = load(os.environ["_HANDLER"])
    except Exception as error:
        answer = error_object(error, "")
        sys.stdout.flush()
        api.post("init/error", encode(answer, "replace"), answer["errorType"])
        sys.exit(1)
    prepare_logging(request)
    while True:
        serve(api, function, request)


if __name__ == "__main__":
    main()
