// A list that is too long for one invocation is split, each part goes to an invocation of the same function, and the
// answers are put together.
//
// A part that dies of memory is halved, down to single elements, so the size of parts need not be guessed well; what it had
// done until then is done again. At most `concurrency` parts at a time. Any other failure is the whole's.
import { Failed, MARK, throttled } from "./again.mjs";
import { monotonic } from "./clock.mjs";
import { load } from "./handlers.mjs";
import { find, isObject, replaced } from "./paths.mjs";

export const KEY = `${MARK}part`;

const REDUCERS = {
  concat(answers) {
    if (!answers.every(Array.isArray)) throw new TypeError("reduce: concat needs answers that are lists");
    return answers.flat(1);
  },
  sum: (answers) => answers.reduce((whole, answer) => whole + answer, 0),
  merge: (answers) => Object.assign({}, ...answers),
};

// One of the above, or a function of the package's own.
export async function reducer(name = "concat", root = process.env.LAMBDA_TASK_ROOT) {
  return Object.hasOwn(REDUCERS, name) ? REDUCERS[name] : load(root, name);
}

export class MapReduce {
  // `reduce`: as reducer() gives it.
  constructor(fn, settings, reduce, clock = monotonic, invoke = undefined) {
    this.fn = fn;
    this.reduce = reduce;
    this.clock = clock;
    this.invoke = invoke;
    this.over = settings.over;
    this.part = Math.max(1, settings.part ?? 100);
    this.concurrency = Math.max(1, settings.concurrency ?? 8);
  }

  async answer(event, context) {
    if (isObject(event) && Object.hasOwn(event, KEY)) return this.fn(event[KEY], context);
    const items = find(event, this.over);
    if (!Array.isArray(items) || items.length <= this.part) return this.fn(event, context);
    const ask = this.invoke ?? throttled(this.clock() + context.getRemainingTimeInMillis() / 1000, undefined, this.clock);
    const parts = [];
    for (let at = 0; at < items.length; at += this.part) parts.push(items.slice(at, at + this.part));
    return this.reduce(await this.#each(parts, (part) => this.answers(ask, event, part)));
  }

  // Of all parts, in their order. After a failure none is begun; those that are under way are waited for.
  async #each(parts, work) {
    const answers = new Array(parts.length);
    let next = 0, failed; // the part that did
    const worker = async () => {
      while (next < parts.length && failed === undefined) {
        const at = next++;
        try {
          answers[at] = await work(parts[at]);
        } catch (error) {
          if (failed === undefined || at < failed.at) failed = { at, error };
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.concurrency, parts.length) }, worker));
    if (failed !== undefined) throw failed.error instanceof Failed ? failed.error.asOwn() : failed.error;
    return answers.flat(1);
  }

  // A list of those of the part, or of its halves.
  async answers(ask, event, part) {
    try {
      return [await ask({ [KEY]: replaced(event, this.over, part) })];
    } catch (error) {
      if (!(error instanceof Failed && error.outOfMemory()) || part.length < 2) throw error;
    }
    const half = part.length >> 1;
    return [...(await this.answers(ask, event, part.slice(0, half))), ...(await this.answers(ask, event, part.slice(half)))];
  }
}
