// The cache for what is asked by node:http and node:https, by any client that uses their agents.
//
// A request is looked at when it is handed to an agent, which is before its head is final: it waits for its end(), or at
// most to the end of this turn of the event loop. A kept answer comes to a request of Node's own by a socket that holds it.
import http from "node:http";
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

function urlOf(request, options) {
  const authority = String(request.getHeader("host") ?? options.host);
  const isElsewhere = !authority.startsWith(String(options.host)); // the same name at another address is another service
  return `${request.protocol}//${authority}${request.path}${isElsewhere ? ` at ${options.host}:${options.port}` : ""}`;
}

function rawOf(response, body) {
  const { rawHeaders } = response;
  let head = `HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!/^(connection|keep-alive|transfer-encoding|content-length)$/i.test(rawHeaders[i])) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`, "latin1"), body]);
}

// Keeps what comes by, if it may be kept and once it is whole; whoever asked reads it as before.
function listen(cache, request, url, asked) {
  request.prependOnceListener("response", (response) => {
    if (request.listenerCount("response") === 0) response.resume(); // nobody wants it: so it is without us
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
        cache.keep(KIND, url, asked, headers, rawOf(response, Buffer.concat(chunks)), lasts);
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
    if (means === "forget") cache.forget(urlOf(request, options));
    // Whose head is written already has headers that cannot be read; a client's certificate says who asks.
    if (means !== "ask" || request._header || options.cert || options.pfx) return goOn();

    let isDecided = false;
    const decide = (isWhole) => {
      if (isDecided) return;
      isDecided = true;
      const asked = plainHeaders(request.getHeaders()), url = urlOf(request, options);
      if (!isWhole || !mayAsk(asked) || "upgrade" in asked) return goOn();
      const kept = cache.find(KIND, url, asked);
      if (kept !== undefined) return request.onSocket(new Replay(kept));
      listen(cache, request, url, asked);
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
