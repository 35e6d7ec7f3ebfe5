// The cache for what is asked by the global fetch.
import { mayAsk, meaning } from "./freshness.mjs";

const KIND = "fetch"; // headers as JSON, a line's end, and the body, decoded
const DISPATCHER = Symbol.for("undici.globalDispatcher.1"); // by what fetch connects: another may ask a proxy, or by a certificate

// A Request of Node.js 18 has none, one of 24 hides it.
const hasDispatcher = (request) => Object.getOwnPropertySymbols(request).some((name) => name.description === "dispatcher" && request[name]);

// What is asked; undefined: fetch says better what is wrong with it.
function askedBy(input, init) {
  try {
    const isRequest = input instanceof Request;
    const url = new URL(isRequest ? input.url : String(input));
    url.hash = "";
    const of = (name) => init?.[name] ?? (isRequest ? input[name] : undefined);
    return {
      url: url.href,
      method: String(of("method") ?? "GET").toUpperCase(),
      headers: Object.fromEntries(new Headers(of("headers") ?? undefined)),
      isPlain: /^https?:$/.test(url.protocol) && !of("body") && !of("integrity") && !of("signal")?.aborted &&
        (of("cache") ?? "default") === "default" && !init?.dispatcher && !(isRequest && hasDispatcher(input)),
    };
  } catch {
    return undefined;
  }
}

// An answer as fetch gives it.
function answerOf(body, { url, status, statusText, headers }) {
  const response = new Response(body, { status, statusText, headers });
  return named(response, url);
}

function named(response, url) {
  const clone = () => named(Response.prototype.clone.call(response), url);
  return Object.defineProperties(response, { url: { value: url }, type: { value: "basic" }, clone: { value: clone } });
}

function rawOf(told, chunks) {
  return Buffer.concat([Buffer.from(`${JSON.stringify(told)}\n`), ...chunks]);
}

function answerOfRaw(raw) {
  const end = raw.indexOf("\n");
  return answerOf(Uint8Array.from(raw.subarray(end + 1)), JSON.parse(raw.toString("utf8", 0, end)));
}

// The answer; it is kept once the function has read it to its end.
function listened(response, mayHold, keep) {
  let chunks = [], size = 0;
  const told = { url: response.url, status: response.status, statusText: response.statusText, headers: [...response.headers] };
  const tap = new TransformStream({
    transform(chunk, controller) {
      if (chunks !== undefined) {
        chunks.push(Buffer.from(chunk)); // a copy: the function may write to what it gets
        size += chunk.byteLength;
        if (!mayHold(size)) chunks = undefined;
      }
      controller.enqueue(chunk);
    },
    flush() {
      if (chunks !== undefined) keep(rawOf(told, chunks));
    },
  });
  return answerOf(response.body.pipeThrough(tap), told);
}

// Returns what takes it out again.
export function install(cache) {
  const plain = globalThis.fetch;
  if (plain === undefined) return () => {}; // whoever looks for one is not to find ours

  async function change(url, input, init) {
    cache.forget(url);
    try {
      const response = await plain(input, init);
      if (response.redirected) cache.forget(response.url);
      return response;
    } finally {
      cache.forget(url);
    }
  }

  async function fetch(input, init) {
    const asked = askedBy(input, init);
    const means = asked && meaning(asked.method, asked.url);
    if (means === "forget") return change(asked.url, input, init);
    if (means !== "ask" || !asked.isPlain || !mayAsk(asked.headers)) return plain(input, init);
    const kind = [KIND, cache.numberOf(globalThis[DISPATCHER])];
    const kept = cache.find(kind, asked.url, asked.headers);
    if (kept !== undefined) return answerOfRaw(kept);
    const asking = cache.asking(asked.url);
    const response = await plain(input, init);
    const headers = Object.fromEntries(response.headers);
    const lasts = cache.lasts(response.status, headers, asked.headers);
    // What a redirection leads to says nothing of how long the redirection is good for.
    if (lasts <= 0 || response.redirected || !response.body || !cache.mayHold(Number(headers["content-length"] ?? 0))) return response;
    return listened(response, (size) => cache.mayHold(size), (raw) => cache.keep(kind, asking, asked.headers, headers, raw, lasts));
  }

  globalThis.fetch = fetch;
  return () => { globalThis.fetch = plain; };
}
