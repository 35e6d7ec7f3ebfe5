// A memory for bytes with a time to live, that forgets what was not used for longest when it is full.
export const OVERHEAD = 200; // bytes of an entry beside its key and value, about

export class Bounded {
  #entries = new Map(); // those that were used last are last
  size = 0;

  constructor(mostBytes, clock) {
    this.most = mostBytes;
    this.clock = clock;
  }

  // The value, or undefined: there is none that is fresh.
  get(key) {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.clock() >= entry.until) {
      this.drop(key);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  // `value`: a text, or a buffer.
  put(key, value, seconds) {
    this.drop(key);
    const cost = key.length + Buffer.byteLength(value) + OVERHEAD;
    if (!(seconds > 0) || cost > this.most) return;
    this.#entries.set(key, { until: this.clock() + seconds, value, cost });
    this.size += cost;
    while (this.size > this.most) this.drop(this.#entries.keys().next().value);
  }

  drop(key) {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.size -= entry.cost;
  }

  clear() {
    this.#entries.clear();
    this.size = 0;
  }
}
