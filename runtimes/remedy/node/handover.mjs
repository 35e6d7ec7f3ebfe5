// A worm: before its time is up an invocation hands its state to a successor, which goes on; the caller sees one answer.
//
// The function says where it could go on from, in one of two ways:
//
//     export const handler = async (event, context) => {
//       let { next, sum } = context.state ?? { next: 0, sum: 0 };
//       for (; next < event.n; ++next) {
//         ...
//         context.handover?.({ next: next + 1, sum });   // does not return when the time is nearly up
//       }
//       return { sum };
//     };
//
// or it is a generator, async or not, that yields its states and returns its answer. States are JSON. What was done after the
// last state is done again, so steps must bear that.
//
// Who answers: with "answer": "wait" the first invocation does. It works for its own limit, then asks successors, one after
// the other, and stays until the answer is there, so the function's time limit was raised to all the hops together and the
// limit that it had before holds for each piece. With "answer": "event" nobody waits: each invocation leaves its state to
// the next as an event and ends; the last one's answer is the answer.
import { Failed, MARK, throttled } from "./again.mjs";
import { monotonic } from "./clock.mjs";
import { contextLike, isGenerator } from "./handlers.mjs";
import { isObject } from "./paths.mjs";

export const KEY = `${MARK}handover`;

// Unwinds the function; no Error, so that what looks for errors of its own lets it pass.
export class Over {}

// The work was not done within the hops that were allowed, or within the platform's longest time.
export class Exhausted extends Error {
  name = "Exhausted";
}

// What a generator returns; what it yields are its states.
async function run(work, context) {
  for (;;) {
    const { done, value } = await work.next();
    if (done) return value;
    try {
      context.handover(await value);
    } catch (over) {
      await work.return(); // its `finally` blocks
      throw over;
    }
  }
}

export class Handover {
  constructor(fn, settings, timeoutS, clock = monotonic, successor = undefined) {
    this.fn = fn;
    this.clock = clock;
    this.successor = successor;
    this.pieceS = timeoutS;
    this.hops = settings.hops ?? 10;
    this.margin = settings.margin_s || Math.min(1, 0.2 * timeoutS);
    this.wait = (settings.answer ?? "wait") === "wait";
  }

  async answer(event, context) {
    const begin = this.clock();
    const ends = begin + context.getRemainingTimeInMillis() / 1000;
    const mark = isObject(event) ? event[KEY] : undefined;
    const { event: own, state, hop } = mark ?? { event, state: null, hop: 0 };
    const piece = await this.piece(own, context, Math.min(ends, begin + this.pieceS), state);
    if (!this.wait) return piece.done ? piece.result : this.leave(own, piece.result, hop, ends);
    if (mark !== undefined) return piece;
    return piece.done ? piece.result : this.stay(own, piece.result, ends);
  }

  // {done: true, result: the answer}, or {done: false, result: the state to go on from}.
  async piece(event, context, ends, state) {
    let over; // where it has to go on, once its time is up
    const own = contextLike(context, {
      get state() { return state; },
      getRemainingTimeInMillis: () => Math.max(Math.trunc((ends - this.clock()) * 1000), 0),
      handover: (reached) => {
        state = reached;
        if (this.clock() < ends - this.margin) return;
        over ??= { done: false, result: reached };
        throw new Over();
      },
    });
    // JavaScript has no way past `catch`: whatever the function makes of the interruption is not its answer.
    try {
      const answer = await this.fn(event, own);
      const result = isGenerator(answer) ? await run(answer, own) : answer;
      return over ?? { done: true, result };
    } catch (error) {
      if (over !== undefined) return over;
      throw error;
    }
  }

  async stay(event, state, ends) {
    const ask = this.successor ?? throttled(ends, undefined, this.clock);
    for (let hop = 1; hop <= this.hops; ++hop) {
      if (this.clock() + this.margin >= ends) throw new Exhausted(`not done when the time was up, after ${hop} pieces`);
      let answer;
      try {
        answer = await ask({ [KEY]: { event, state, hop } });
      } catch (error) {
        throw error instanceof Failed ? error.asOwn() : error;
      }
      if (answer.done) return answer.result;
      state = answer.result;
    }
    throw new Exhausted(`not done after ${this.hops + 1} pieces, which is all that is allowed`);
  }

  async leave(event, state, hop, ends) {
    if (hop >= this.hops) throw new Exhausted(`not done after ${hop + 1} pieces, which is all that is allowed`);
    const ask = this.successor ?? throttled(ends, undefined, this.clock);
    await ask({ [KEY]: { event, state, hop: hop + 1 } }, false);
    return { "handed over": hop + 1 };
  }
}
