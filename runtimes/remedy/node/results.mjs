// Keeps the function's answers and gives them again for the same input.
//
// Only for functions that were declared safe: same input, same output, and nothing else that matters. That is checked: the
// first five answers from memory and then each hundredth are worked out all the same, and the first that differs ends the
// keeping in this process, with a line in the log. Errors are never kept, nor what is no JSON, nor answers with a statusCode
// of 400 or more.
import { createHash } from "node:crypto";

import { Bounded } from "./bounded.mjs";
import { monotonic } from "./clock.mjs";
import { MISSING, find, isObject } from "./paths.mjs";
import { tell } from "./tell.mjs";

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  // Object.fromEntries, as a key may be "__proto__".
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}

// Equal values have equal texts; undefined: it is no JSON.
export function canonical(value) {
  try {
    return JSON.stringify(sorted(JSON.parse(JSON.stringify(value ?? null))));
  } catch {
    return undefined;
  }
}

const isFailure = (answer) => isObject(answer) && answer.statusCode >= 400;

export class Results {
  hits = 0;
  on = true;

  constructor(fn, settings, clock = monotonic) {
    this.fn = fn;
    this.seconds = settings.ttl_s ?? 60;
    this.where = settings.key;
    this.refresh = settings.refresh;
    this.kept = new Bounded(Math.floor((settings.most_mb ?? 16) * 1024 * 1024), clock);
    this.checkFirst = settings.check_first ?? 5;
    this.checkEvery = settings.check_every ?? 100;
  }

  // What the answer depends on; undefined: nobody can tell, so nothing is kept.
  key(event) {
    if (isObject(event) && Object.keys(event).some((name) => name.startsWith("autotune:"))) return undefined; // a part of other work
    const subject = this.where === undefined || this.where === null ? event : find(event, this.where);
    return subject === MISSING ? undefined : createHash("sha256").update(canonical(subject)).digest("base64");
  }

  async answer(event, context) {
    const key = this.on ? this.key(event) : undefined;
    if (key === undefined) return this.fn(event, context);
    if (this.refresh && ![MISSING, undefined, null, false, ""].includes(find(event, this.refresh))) this.kept.drop(key);
    const kept = this.kept.get(key);
    if (kept !== undefined) {
      this.hits += 1;
      const isChecked = this.hits <= this.checkFirst || (this.checkEvery !== 0 && this.hits % this.checkEvery === 0);
      if (!isChecked) return JSON.parse(kept);
    }
    const answer = await this.fn(event, context);
    this.keep(key, answer, kept);
    return answer;
  }

  keep(key, answer, before) {
    const text = canonical(answer);
    if (text === undefined) return; // the runtime says so better
    if (isFailure(answer)) {
      this.kept.drop(key);
    } else if (before !== undefined && before !== text) {
      this.on = false;
      this.kept.clear();
      tell("cache", { off: "the same input gave another output" });
    } else {
      this.kept.put(key, text, this.seconds);
    }
  }
}
