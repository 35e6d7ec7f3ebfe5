"""Keeps what HTTP services answer to GET, as their Cache-Control allows (RFC 9111, the rules of a shared cache).

Reached is what goes through http.client's request() and getresponse(): urllib.request, and clients that are built on
both. The function's own code is not touched; a client that writes to sockets itself is not reached.
"""
import email.utils
import hashlib
import http.client
import io
import json
import time

from autotune_remedy.bounded import Bounded

CONDITIONAL = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
MOST_URLS = 10000


def directives(text):
    """{"max-age": "60", "no-store": ""}"""
    found = {}
    for part in (text or "").split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.lower()] = value.strip('" ')
    return found


def seconds(text):
    return int(text) if text and text.isdigit() else 0


def fresh_for(status, headers, asked, otherwise):
    """For how many seconds an answer may be given again; `asked`: the request's headers; `otherwise`: where the answer
    does not say."""
    control = directives(headers.get("cache-control"))
    if status != 200 or headers.get("vary", "").strip() == "*" or "set-cookie" in headers:
        return 0
    if any(word in control for word in ("no-store", "no-cache", "private")):
        return 0
    if "authorization" in asked and not any(word in control for word in ("public", "s-maxage", "must-revalidate")):
        return 0
    age = seconds(headers.get("age"))
    for word in ("s-maxage", "max-age"):
        if word in control:
            return seconds(control[word]) - age
    if "expires" in headers:
        try:
            expires = email.utils.parsedate_to_datetime(headers["expires"]).timestamp()
            date = headers.get("date")
            now = email.utils.parsedate_to_datetime(date).timestamp() if date else time.time()
            return expires - now - age
        except (TypeError, ValueError):
            return 0
    return 0 if "authorization" in asked or "cookie" in asked else otherwise


class Replay:
    """A socket that holds one answer."""

    def __init__(self, raw):
        self.raw = raw

    def makefile(self, *_):
        return io.BytesIO(self.raw)

    def sendall(self, *_):
        pass

    def close(self):
        pass


def replay(raw):
    response = http.client.HTTPResponse(Replay(raw), method="GET")
    response.begin()
    return response


class Cache:
    def __init__(self, settings, clock=time.monotonic):
        self.otherwise = settings.get("ttl_s", 60)
        self.most = int(settings.get("most_mb", 16) * 1024 * 1024)
        self.kept = Bounded(self.most, clock)
        self.varies = {}  # by URL, the request headers that its answers depend on
        self.changes = {}  # by URL, how often what was kept of it was forgotten

    def key(self, url, asked):
        names = self.varies.get(url, ())
        # What was told to anybody is not what is told to somebody, also where the service forgets to say so.
        whole = [url, self.changes.get(url, 0), "authorization" in asked, "cookie" in asked] + [[n, asked.get(n)] for n in names]
        return hashlib.sha256(json.dumps(whole).encode()).digest()

    def find(self, url, asked):
        return self.kept.get(self.key(url, asked))

    def keep(self, url, asked, response):
        """The response itself, or one like it where its body had to be read."""
        headers = {}
        for name, value in response.getheaders():
            headers[name.lower()] = headers[name.lower()] + ", " + value if name.lower() in headers else value
        lasts = fresh_for(response.status, headers, asked, self.otherwise)
        if lasts <= 0 or response.length is None or response.length > self.most // 4:
            return response
        body = response.read()
        if len(body) != int(headers.get("content-length", -1)):
            raise http.client.IncompleteRead(body)
        head = "HTTP/1.1 %d %s\r\n" % (response.status, response.reason)
        head += "".join("%s: %s\r\n" % pair for pair in response.getheaders() if pair[0].lower() not in ("connection", "keep-alive"))
        raw = head.encode("latin-1") + b"\r\n" + body
        self.varies[url] = tuple(sorted(n.strip().lower() for n in headers.get("vary", "").split(",") if n.strip()))
        if len(self.varies) > MOST_URLS:
            self.clear()
        else:
            self.kept.put(self.key(url, asked), raw, lasts)
        return replay(raw)

    def forget(self, url):
        """All of it, whoever asked and for what."""
        self.changes[url] = self.changes.get(url, 0) + 1
        if len(self.changes) > MOST_URLS:
            self.clear()

    def clear(self):
        self.kept.clear()
        self.varies.clear()
        self.changes.clear()


def may_ask(method, body, asked):
    control = directives(asked.get("cache-control"))
    return method == "GET" and not body and "no-cache" not in control and "no-store" not in control and not any(
        name in asked for name in CONDITIONAL)


def install(settings, module=http.client, clock=time.monotonic):
    """From now on answers are kept. Returns the cache and what takes it out again, for tests."""
    cache = Cache(settings, clock)
    connection = module.HTTPConnection
    plain_request, plain_answer = connection.request, connection.getresponse

    def request(self, method, url, body=None, headers={}, **more):  # noqa: B006: as http.client has it
        asked = {name.lower(): str(value) for name, value in dict(headers).items()}
        where = "%s://%s:%s%s" % ("https" if isinstance(self, module.HTTPSConnection) else "http", self.host, self.port, url)
        self._autotune_kept = self._autotune_asked = None
        if may_ask(method, body, asked) and not self._tunnel_host:
            self._autotune_kept = cache.find(where, asked)
            if self._autotune_kept is not None:
                return None
            self._autotune_asked = (where, asked)
        elif method in UNSAFE:
            cache.forget(where)
        return plain_request(self, method, url, body, headers, **more)

    def getresponse(self):
        kept, asked = getattr(self, "_autotune_kept", None), getattr(self, "_autotune_asked", None)
        self._autotune_kept = self._autotune_asked = None
        if kept is not None:
            return replay(kept)
        response = plain_answer(self)
        return response if asked is None else cache.keep(asked[0], asked[1], response)

    def uninstall():
        connection.request, connection.getresponse = plain_request, plain_answer

    connection.request, connection.getresponse = request, getresponse
    return cache, uninstall
