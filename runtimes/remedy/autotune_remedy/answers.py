"""Keeps what HTTP services answer to GET, as their Cache-Control allows (RFC 9111, the rules of a shared cache).

Reached is what goes through http.client's request() and getresponse(): urllib.request, and clients that are built on
both. The function's own code is not touched; a client that writes to sockets itself is not reached, nor one that makes
its connections itself, as those may lead anywhere.
"""
import calendar
import email.utils
import hashlib
import http.client
import io
import itertools
import json
import re
import socket
import ssl
import time

from autotune_remedy.bounded import Bounded

CONDITIONAL = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
COUNTERS = 1 << 14  # a change forgets one in so many of what was kept of other URLs
DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT|"
                  r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", re.ASCII)


def directives(text):
    """{"max-age": "60", "no-store": ""}"""
    found = {}
    for part in (text or "").split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name.lower()] = value.strip('" ')
    return found


def varies_by(headers):
    """The names of request headers that an answer with these depends on."""
    return sorted(name.strip().lower() for name in headers.get("vary", "").split(",") if name.strip())


def date_of(text):
    """A date in one of the three forms of HTTP, all of which are GMT; TypeError or ValueError: it is none."""
    return calendar.timegm(email.utils.parsedate(text) if DATE.fullmatch(text) else None)


def seconds(text):
    return int(text) if text and text.isascii() and text.isdigit() else 0


def fresh_for(status, headers, asked, otherwise):
    """For how many seconds an answer may be given again; `asked`: the request's headers; `otherwise`: where the answer
    does not say."""
    control = directives(headers.get("cache-control"))
    if status != 200 or "*" in varies_by(headers) or "set-cookie" in headers:
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
            now = date_of(headers["date"]) if "date" in headers else time.time()
            return date_of(headers["expires"]) - now - age
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


def vary_of(url):
    """Where the request headers are kept that a URL's answers depend on: beside those, so that they count and are forgotten
    likewise."""
    return b"vary " + url.encode("utf-8", "surrogateescape")


def notice(context):
    """From now on contexts tell what they cannot be asked: whether they bear a certificate (or another secret) by which a
    service knows who asks, and whom they trust. Returns what takes it out again."""
    plain = {name: getattr(context, name) for name in ("load_cert_chain", "set_psk_client_callback", "load_verify_locations")
             if hasattr(context, name)}  # the second is of Python 3.13

    def noticed(name):
        def method(self, *args, **more):
            if name == "load_verify_locations":
                trust = repr((trusted(self), args, sorted(more.items())))
                self._autotune_trusts = hashlib.sha256(trust.encode("utf-8", "surrogateescape")).hexdigest()
            else:
                self._autotune_is_known = True
            return plain[name](self, *args, **more)

        return method

    for name in plain:
        setattr(context, name, noticed(name))
    return lambda: [setattr(context, name, method) for name, method in plain.items()]


def trusted(context):
    return getattr(context, "_autotune_trusts", None)


class Cache:
    def __init__(self, settings, clock=time.monotonic):
        self.otherwise = settings.get("ttl_s", 60)
        self.most = int(settings.get("most_mb", 16) * 1024 * 1024)
        self.kept, self.clock = Bounded(self.most, clock), clock
        # The last time that what was kept of a URL was forgotten. Those that share a counter are forgotten together, which
        # costs a question; a counter for each would take memory without end where the function changes what is ever new.
        self.changes, self.times = [0] * COUNTERS, itertools.count(1)

    def key(self, url, asked, ways, names):
        # What was told to anybody is not what is told to somebody, also where the service forgets to say so.
        whole = [url, ways, self.changes[hash(url) % COUNTERS], "authorization" in asked, "cookie" in asked]
        whole += [[name, asked.get(name)] for name in names]
        return hashlib.sha256(json.dumps(whole).encode()).digest()

    def find(self, url, asked, ways=()):
        """`ways`: by which it is asked for, where that makes a difference."""
        return self.kept.get(self.key(url, asked, ways, json.loads(self.kept.get(vary_of(url)) or b"[]")))

    def asking(self, url):
        """To be noted when a service is asked: what it answers may be older than a change that is made meanwhile, and its
        age counts from now."""
        return url, self.changes[hash(url) % COUNTERS], self.clock()

    def keep(self, asking, asked, response, ways=()):
        """The response itself, or one like it where its body had to be read."""
        url, changes, at = asking
        headers = {}
        for name, value in response.getheaders():
            headers[name.lower()] = headers[name.lower()] + ", " + value if name.lower() in headers else value
        lasts = fresh_for(response.status, headers, asked, self.otherwise)
        if lasts <= 0 or response.length is None or response.length > self.most // 4:
            return response
        length, body = response.length, response.read()
        if len(body) != length:
            raise http.client.IncompleteRead(body)
        head = "HTTP/1.1 %d %s\r\n" % (response.status, response.reason)
        head += "".join("%s: %s\r\n" % pair for pair in response.getheaders() if pair[0].lower() not in ("connection", "keep-alive"))
        raw = head.encode("latin-1") + b"\r\n" + body
        names = varies_by(headers)
        key = self.key(url, asked, ways, names)
        if changes == self.changes[hash(url) % COUNTERS]:
            if names:
                self.kept.put(vary_of(url), json.dumps(names).encode(), float("inf"))
            else:
                self.kept.drop(vary_of(url))
            self.kept.put(key, raw, lasts - (self.clock() - at))
        return replay(raw)

    def forget(self, url):
        """All of it, whoever asked and for what: when a change was sent, and again when it was answered or failed, as nobody
        knows when between it was made."""
        self.changes[hash(url) % COUNTERS] = next(self.times)  # never a number that was there before, whichever threads write


def may_ask(method, body, asked):
    control = directives(asked.get("cache-control"))
    return method == "GET" and not body and "no-cache" not in control and "no-store" not in control and not any(
        name in asked for name in CONDITIONAL)


def install(settings, module=http.client, clock=time.monotonic):
    """From now on answers are kept. Returns the cache and what takes it out again, for tests."""
    cache = Cache(settings, clock)
    connection, plain_context = module.HTTPConnection, ssl.SSLContext
    plain_request, plain_answer = connection.request, connection.getresponse
    plain_connects = connection.connect, module.HTTPSConnection.connect
    unnotice = notice(plain_context)

    def url_of(self, path, asked):
        scheme, standard = ("https", ":443") if isinstance(self, module.HTTPSConnection) else ("http", ":80")

        def short(authority):
            return (authority[:-len(standard)] if authority.endswith(standard) else authority).lower()

        at = short("%s:%s" % ("[%s]" % self.host if ":" in self.host else self.host, self.port))
        called = short(asked.get("host", at))
        # The same name at another address is another service, and so is another name at the same.
        return "%s://%s%s%s" % (scheme, called, path, "" if called == at else " at " + at)

    def ways_of(self):
        """By what ways a connection goes to its service; None: nobody can tell, or what it brings is for nobody else."""
        is_made_here = (getattr(self.connect, "__func__", None) in plain_connects and self._create_connection is socket.create_connection
                        and (self.sock is None or self.sock is getattr(self, "_autotune_sock", None)))
        if not is_made_here or self._tunnel_host:
            return None
        context = getattr(self, "_context", None)
        if context is None:
            return ()
        if type(context) is not plain_context or getattr(context, "_autotune_is_known", False):
            return None
        return int(context.verify_mode), context.check_hostname, trusted(context)

    def request(self, method, url, body=None, headers={}, **more):  # noqa: B006: as http.client has it
        asked = {name.lower(): str(value) for name, value in dict(headers).items()}
        where, ways = url_of(self, url, asked), ways_of(self)
        self._autotune_kept = self._autotune_asked = self._autotune_changes = None
        if ways is not None and may_ask(method, body, asked):
            self._autotune_kept = cache.find(where, asked, ways)
            if self._autotune_kept is not None:
                return
            self._autotune_asked = cache.asking(where), asked, ways
        try:
            plain_request(self, method, url, body, headers, **more)
        finally:
            if method in UNSAFE:
                self._autotune_changes = where
                cache.forget(where)
        if ways is not None:
            self._autotune_sock = self.sock  # one that the function puts there may lead anywhere

    def getresponse(self):
        kept, asked, changes = (getattr(self, "_autotune_" + name, None) for name in ("kept", "asked", "changes"))
        self._autotune_kept = self._autotune_asked = self._autotune_changes = None
        if kept is not None:
            return replay(kept)
        try:
            response = plain_answer(self)
        finally:
            if changes is not None:
                cache.forget(changes)
        return response if asked is None else cache.keep(asked[0], asked[1], response, asked[2])

    def uninstall():
        connection.request, connection.getresponse = plain_request, plain_answer
        unnotice()

    connection.request, connection.getresponse = request, getresponse
    return cache, uninstall
