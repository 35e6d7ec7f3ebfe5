// Keeps what HTTP services answer to GET, as their Cache-Control allows (RFC 9111, the rules of a shared cache).
//
// Reached is what goes through the agents of node:http and node:https (answers_http.mjs) and through fetch
// (answers_fetch.mjs). The function's own code is not touched; a client that writes to sockets itself is not reached.
import { createHash } from "node:crypto";

import * as byFetch from "./answers_fetch.mjs";
import * as byHttp from "./answers_http.mjs";
import { Bounded } from "./bounded.mjs";
import { monotonic } from "./clock.mjs";
import { freshFor } from "./freshness.mjs";

const MOST_URLS = 10_000;

export class Cache {
  #varies = new Map(); // by URL, the request headers that its answers depend on
  #changes = new Map(); // by URL, how often what was kept of it was forgotten

  constructor(settings, clock = monotonic) {
    this.otherwise = settings.ttl_s ?? 60;
    this.most = Math.floor((settings.most_mb ?? 16) * 1024 * 1024);
    this.kept = new Bounded(this.most, clock);
  }

  #key(kind, url, asked) {
    const names = this.#varies.get(url) ?? [];
    // What was told to anybody is not what is told to somebody, also where the service forgets to say so.
    const whole = [kind, url, this.#changes.get(url) ?? 0, "authorization" in asked, "cookie" in asked,
                   ...names.map((name) => [name, asked[name] ?? null])];
    return createHash("sha256").update(JSON.stringify(whole)).digest("base64");
  }

  // What was kept, bytes; undefined: nothing. `kind`: in which form they are.
  find(kind, url, asked) {
    return this.kept.get(this.#key(kind, url, asked));
  }

  // How long an answer may be kept; 0: it is not to be.
  lasts(status, headers, asked) {
    return Math.max(freshFor(status, headers, asked, this.otherwise), 0);
  }

  // Longer ones would leave room for little else.
  mayHold(bytes) {
    return bytes <= this.most >> 2;
  }

  keep(kind, url, asked, headers, bytes, lasts) {
    this.#varies.set(url, (headers.vary ?? "").toLowerCase().split(",").map((name) => name.trim()).filter(Boolean).sort());
    if (this.#varies.size > MOST_URLS) this.#clear();
    else this.kept.put(this.#key(kind, url, asked), bytes, lasts);
  }

  forget(url) {
    this.#changes.set(url, (this.#changes.get(url) ?? 0) + 1);
    if (this.#changes.size > MOST_URLS) this.#clear();
  }

  #clear() {
    this.#varies.clear();
    this.#changes.clear();
    this.kept.clear();
  }
}

// From now on answers are kept. Returns the cache and what takes it out again, for tests.
export function install(settings, clock = monotonic) {
  const cache = new Cache(settings, clock);
  const undo = [byHttp.install(cache), byFetch.install(cache)];
  return { cache, uninstall: () => undo.forEach((one) => one()) };
}
