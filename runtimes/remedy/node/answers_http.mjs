// The cache for what is asked by node:http and node:https, by any client that uses their agents.
//
// A request is looked at when it is handed to an agent, which is before its head is final: it waits for its end(), or at
// most to the end of this turn of the event loop. A kept answer comes to a request of Node's own by a socket that holds it.
import { errorMonitor } from "node:events";
import http from "node:http";
import { createRequire } from "node:module";
import { isIPv6 } from "node:net";
import { Duplex } from "node:stream";

import { mayAsk, meaning } from "./freshness.mjs";

const KIND = "http"; // a status line, headers and the body, as they come by a connection

// A socket that holds one answer.
class Replay extends Duplex {
  #raw;

  constructor(raw) {
    super();
    this.#raw = raw;
  }

  // The request's head; nothing is answered before it is asked.
  _write(_chunk, _encoding, done) {
    const raw = this.#raw;
    this.#raw = undefined;
    if (raw !== undefined) process.nextTick(() => this.push(raw));
    done();
  }

  _read() {}

  // What clients do to sockets, and Node's own when an answer was the connection's last.
  destroySoon() { this.end(() => this.destroy()); }
  setTimeout() { return this; }
  setNoDelay() { return this; }
  setKeepAlive() { return this; }
  ref() { return this; }
  unref() { return this; }
}

const text = (value) => (Array.isArray(value) ? value.join(", ") : String(value));
const plainHeaders = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), text(value)]));

// As fetch writes it, so that a change by one client is one for the other.
function urlOf(request, { host, port }) {
  const standard = request.protocol === "https:" ? ":443" : ":80";
  const short = (authority) => (authority.endsWith(standard) ? authority.slice(0, -standard.length) : authority).toLowerCase();
  const at = short(`${isIPv6(host) ? `[${host}]` : host}:${port}`), called = short(String(request.getHeader("host") ?? at));
  // The same name at another address is another service.
  return `${request.protocol}//${called}${request.path}${called === at ? "" : ` at ${at}`}`;
}

let https; // not imported, which costs a start 5 ms: who asks by it has loaded it
// By these a service knows who asks; and a socket's path is no address that would say which service it is.
const PRIVATE = ["cert", "key", "pfx", "secureContext", "clientCertEngine", "pskCallback", "socketPath"];

// By what ways a request goes to its service; undefined: what it brings is for nobody else. Requests that could not share a connection,
// as their checks of the service's certificate are not the same, share no answer.
function waysOf(cache, agent, options, protocol) {
  const has = (name) => options[name] || agent.options?.[name];
  if (PRIVATE.some(has)) return undefined;
  const own = (protocol === "https:" ? (https ??= createRequire(import.meta.url)("node:https")) : http).Agent.prototype;
  const isOwn = agent.createConnection === own.createConnection && agent.createSocket === own.createSocket;
  // An agent that connects in a way of its own asks whom it likes, a proxy for one.
  return [agent.getName({ ...options, ...agent.options }), cache.numberOf(isOwn ? undefined : agent), ...["lookup", "checkServerIdentity"].map((name) => cache.numberOf(has(name) || undefined))];
}

function rawOf(response, body) {
  const { rawHeaders } = response;
  let head = `HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!/^(connection|keep-alive|transfer-encoding|content-length)$/i.test(rawHeaders[i])) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`, "latin1"), body]);
}

// Before the function hears of it.
function onAnswer(request, then) {
  request.prependOnceListener("response", (response) => {
    if (request.listenerCount("response") === 0) response.resume(); // nobody wants it: so it is without us
    then(response);
  });
}

// Keeps what comes by, if it may be kept and once it is whole; whoever asked reads it as before.
function listen(cache, kind, request, url, asked) {
  const asking = cache.asking(url);
  onAnswer(request, (response) => {
    const headers = plainHeaders(response.headers);
    const lasts = cache.lasts(response.statusCode, headers, asked);
    if (lasts <= 0 || !cache.mayHold(Number(headers["content-length"] ?? 0))) return;
    const push = response.push;
    let chunks = [], size = 0;
    response.push = function (chunk, ...more) {
      if (chunk !== null && chunks !== undefined) {
        chunks.push(Buffer.from(chunk));
        size += chunk.length;
        if (!cache.mayHold(size)) chunks = undefined;
      } else if (chunk === null && chunks !== undefined && response.complete) {
        cache.keep(kind, asking, asked, headers, rawOf(response, Buffer.concat(chunks)), lasts);
      }
      return push.call(this, chunk, ...more);
    };
  });
}

// Returns what takes it out again.
export function install(cache) {
  const agent = http.Agent.prototype; // https.Agent's, too
  const plain = agent.addRequest;

  agent.addRequest = function addRequest(request, options, ...more) {
    const goOn = () => plain.call(this, request, options, ...more);
    const means = meaning(request.method, urlOf(request, options));
    if (means === "forget") {
      const forget = () => cache.forget(urlOf(request, options));
      forget();
      onAnswer(request, forget);
      request.prependOnceListener(errorMonitor, forget);
    }
    // Whose head is written already has headers that cannot be read.
    const ways = means === "ask" && !request._header ? waysOf(cache, this, options, request.protocol) : undefined;
    if (ways === undefined) return goOn();
    const kind = [KIND, ...ways];

    let isDecided = false;
    const decide = (isWhole) => {
      if (isDecided) return;
      isDecided = true;
      const asked = plainHeaders(request.getHeaders()), url = urlOf(request, options);
      if (!isWhole || !mayAsk(asked) || "upgrade" in asked) return goOn();
      const kept = cache.find(kind, url, asked);
      if (kept !== undefined) return request.onSocket(new Replay(kept));
      listen(cache, kind, request, url, asked);
      goOn();
    };
    const { end, write, flushHeaders } = request;
    request.end = (chunk, ...rest) => {
      decide(chunk === undefined || chunk === null || typeof chunk === "function");
      return end.call(request, chunk, ...rest);
    };
    request.write = (...all) => {
      decide(false);
      return write.apply(request, all);
    };
    request.flushHeaders = () => {
      decide(false);
      return flushHeaders.call(request);
    };
    setImmediate(decide, false);
  };
  return () => { agent.addRequest = plain; };
}
