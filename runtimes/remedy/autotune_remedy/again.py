"""Invokes this very function and version again: Lambda's Invoke, signed with the function's own credentials.

The function's role must allow lambda:InvokeFunction on the function itself. What takes long to import is imported when it is
needed: most invocations are the last.
"""
import json
import os
import time

MARK = "autotune:"  # begins the keys of events that only the wrapper reads
CONNECT_S = 1  # where there is something else to do when nobody answers
MOST_SYNC, MOST_EVENT = 6 * 1024 * 1024, 256 * 1024  # bytes: Lambda's limits


class Failed(Exception):
    """The function failed; raised under the name that its own error had."""

    def __init__(self, answer):
        answer = answer if isinstance(answer, dict) else {}
        super().__init__(answer.get("errorMessage", ""))
        self.type = answer.get("errorType", "Unknown")

    def as_own(self):
        kind = type(self.type.rpartition(".")[2] or "Unknown", (Exception,), {})
        return kind(str(self))

    def out_of_memory(self):
        """Killed by the kernel, or ended otherwise without an answer: Lambda gives both one name."""
        return self.type in ("Runtime.ExitError", "Runtime.OutOfMemory")


class Unreachable(OSError):
    """There is no connection, so nothing was asked."""


def connected(scheme, host, port, seconds):
    """A socket to any of the host's addresses, all within so many seconds; how long a name takes is the resolver's affair."""
    import socket

    ends, trouble = time.monotonic() + seconds, None
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            left = ends - time.monotonic()
            if left <= 0:
                break
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(left)
                made.connect(address)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if scheme != "https":
                    return made
                import ssl

                made.settimeout(max(ends - time.monotonic(), 0.01))
                return ssl.create_default_context().wrap_socket(made, server_hostname=host)
            except OSError as error:
                made.close()
                trouble = error
    except OSError as error:  # of the name
        trouble = error
    raise Unreachable("connecting to %s:%d: %s" % (host, port, trouble or "no answer")) from trouble


def signed(host, path, query, body, env, now, method="POST"):
    """Headers with Signature Version 4; without credentials not signed."""
    import hashlib
    import hmac
    import urllib.parse

    def digest(key, text):
        return hmac.new(key, text.encode(), hashlib.sha256)

    headers = {"host": host, "content-type": "application/json"}
    key, secret = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        return headers
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers["x-amz-date"] = stamp
    if env.get("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = env["AWS_SESSION_TOKEN"]
    names = ";".join(sorted(headers))
    canonical = "\n".join([method, urllib.parse.quote(path), query] + ["%s:%s" % (n, headers[n]) for n in sorted(headers)] +
                          ["", names, hashlib.sha256(body).hexdigest()])
    scope = "%s/%s/lambda/aws4_request" % (stamp[:8], env.get("AWS_REGION", "us-east-1"))
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signer = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        signer = digest(signer, part).digest()
    signature = digest(signer, to_sign).hexdigest()
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (key, scope, names, signature)
    return headers


def exchanged(method, endpoint, path, query, body, more, seconds, env, connect_s=None):
    """Status, headers and body of the answer to one signed request. Raises Unreachable when nothing was asked."""
    import http.client
    import urllib.parse

    url = urllib.parse.urlsplit(endpoint)
    headers = dict(signed(url.netloc, path, query, body, env, time.time(), method), **more)
    seconds = max(seconds, 0.1)
    port = url.port or (443 if url.scheme == "https" else 80)
    connection = http.client.HTTPConnection(url.hostname, port)
    connection.sock = connected(url.scheme, url.hostname, port, seconds if connect_s is None else min(seconds, connect_s))
    connection.sock.settimeout(seconds)
    try:
        connection.request(method, path + ("?" + query if query else ""), body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def send(method, rest, body, more, seconds, env, connect_s=None):
    """Asks Lambda about this function and version; headers and body of the answer. Raises Unreachable when it was not asked."""
    import urllib.parse

    endpoint = env.get("AWS_ENDPOINT_URL_LAMBDA") or "https://lambda.%s.amazonaws.com" % env.get("AWS_REGION", "us-east-1")
    path = "/2015-03-31/functions/%s/%s" % (env["AWS_LAMBDA_FUNCTION_NAME"], rest)
    query = "Qualifier=" + urllib.parse.quote(env.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"), safe="")
    status, headers, text = exchanged(method, endpoint, path, query, body, more, seconds, env, connect_s)
    if status >= 300:
        raise OSError("asking Lambda for %s: HTTP %d %s" % (rest, status, text[:200].decode("utf-8", "replace")))
    return headers, text


def own_code_hash(env=None, seconds=5):
    """CodeSha256 of this version. Takes lambda:GetFunctionConfiguration."""
    env = os.environ if env is None else env
    _, text = send("GET", "configuration", b"", {"Cache-Control": "no-store"}, seconds, env, CONNECT_S)
    return json.loads(text).get("CodeSha256", "")


def invoke(event, seconds, wait=True, env=None, connect_s=None):
    """The answer; None when nobody waits for it. Raises Failed when the function did, Unreachable when it was not asked
    (connecting takes connect_s at most, or as long as everything), another OSError when nothing is known."""
    env = os.environ if env is None else env
    body = json.dumps(event, separators=(",", ":")).encode()
    if len(body) > (MOST_SYNC if wait else MOST_EVENT):
        raise ValueError("%d bytes are too many to be handed to another invocation" % len(body))
    more = {"X-Amz-Invocation-Type": "RequestResponse" if wait else "Event"}
    if env.get("_X_AMZN_TRACE_ID"):
        more["X-Amzn-Trace-Id"] = env["_X_AMZN_TRACE_ID"]
    headers, text = send("POST", "invocations", body, more, seconds, env, connect_s)
    answer = json.loads(text) if text else None
    if headers.get("X-Amz-Function-Error"):
        raise Failed(answer)
    return answer if wait else None


class Throttled:
    """Tries again while there is no capacity, with growing pauses, as long as there is time."""

    def __init__(self, deadline, call=invoke, clock=time.monotonic, sleep=time.sleep):
        self.deadline, self.call, self.clock, self.sleep = deadline, call, clock, sleep

    def __call__(self, event, wait=True):
        pause = 0.1
        while True:
            left = self.deadline - self.clock()
            try:
                return self.call(event, left, wait)
            except OSError as error:
                if "HTTP 429" not in str(error) or left < 2 * pause:
                    raise
            self.sleep(pause)
            pause = min(2 * pause, 5)
