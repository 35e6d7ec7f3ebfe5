// Keeps what HTTP services answer to GET, as their Cache-Control allows (RFC 9111, the rules of a shared cache).
//
// Reached is what goes through the agents of node:http and node:https (answers_http.mjs) and through fetch
// (answers_fetch.mjs). The function's own code is not touched; a client that writes to sockets itself is not reached.
import { createHash } from "node:crypto";

import * as byFetch from "./answers_fetch.mjs";
import * as byHttp from "./answers_http.mjs";
import { Bounded } from "./bounded.mjs";
import { monotonic } from "./clock.mjs";
import { freshFor, variesBy } from "./freshness.mjs";

const COUNTERS = 1 << 14; // a change forgets one in so many of what was kept of other URLs

// Where the request headers are kept that a URL's answers depend on: beside those, so that they count and are forgotten likewise.
const varyOf = (url) => `vary ${url}`;

export class Cache {
  // How often what was kept of a URL was forgotten. Those that share a counter are forgotten together, which costs a question;
  // a counter for each would take memory without end where the function changes what is ever new.
  #changes = new Uint32Array(COUNTERS);
  #numbers = new WeakMap();
  #last = 0;

  constructor(settings, clock = monotonic) {
    this.otherwise = settings.ttl_s ?? 60;
    this.clock = clock;
    this.most = Math.floor((settings.most_mb ?? 16) * 1024 * 1024);
    this.kept = new Bounded(this.most, clock);
  }

  #counter(url) {
    let hash = 0;
    for (let i = 0; i < url.length; ++i) hash = (Math.imul(hash, 31) + url.charCodeAt(i)) | 0;
    return hash & (COUNTERS - 1);
  }

  #key(kind, url, asked, names) {
    // What was told to anybody is not what is told to somebody, also where the service forgets to say so.
    const whole = [kind, url, this.#changes[this.#counter(url)], "authorization" in asked, "cookie" in asked,
                   ...names.map((name) => [name, asked[name] ?? null])];
    return createHash("sha256").update(JSON.stringify(whole)).digest("base64");
  }

  // A number by which things are told apart, in a kind; 0: undefined.
  numberOf(one) {
    if (one !== undefined && !this.#numbers.has(one)) this.#numbers.set(one, ++this.#last);
    return one === undefined ? 0 : this.#numbers.get(one);
  }

  // What was kept, bytes; undefined: nothing. `kind`: in which form they are, and by what ways they were got.
  find(kind, url, asked) {
    return this.kept.get(this.#key(kind, url, asked, JSON.parse(this.kept.get(varyOf(url)) ?? "[]")));
  }

  // How long an answer may be kept; 0: it is not to be.
  lasts(status, headers, asked) {
    return Math.max(freshFor(status, headers, asked, this.otherwise), 0);
  }

  // Longer ones would leave room for little else.
  mayHold(bytes) {
    return bytes <= this.most >> 2;
  }

  // To be noted when a service is asked: what it answers may be older than a change that is made meanwhile, and its age
  // counts from now.
  asking(url) {
    return { url, changes: this.#changes[this.#counter(url)], at: this.clock() };
  }

  keep(kind, { url, changes, at }, asked, headers, bytes, lasts) {
    if (changes !== this.#changes[this.#counter(url)]) return;
    const names = variesBy(headers);
    if (names.length > 0) this.kept.put(varyOf(url), JSON.stringify(names), Infinity);
    else this.kept.drop(varyOf(url));
    this.kept.put(this.#key(kind, url, asked, names), bytes, lasts - (this.clock() - at));
  }

  // When a change is sent, and again when it is answered or fails: nobody knows when between it is made.
  forget(url) {
    ++this.#changes[this.#counter(url)];
  }
}

// From now on answers are kept. Returns the cache and what takes it out again, for tests.
export function install(settings, clock = monotonic) {
  const cache = new Cache(settings, clock);
  const undo = [byHttp.install(cache), byFetch.install(cache)];
  return { cache, uninstall: () => undo.forEach((one) => one()) };
}
