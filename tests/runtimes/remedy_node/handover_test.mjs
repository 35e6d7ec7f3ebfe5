// The wrapper's worm, with a clock and successors of the test's own.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Failed } from "../../../runtimes/remedy/node/again.mjs";
import { called } from "../../../runtimes/remedy/node/handlers.mjs";
import { Exhausted, Handover, KEY } from "../../../runtimes/remedy/node/handover.mjs";
import { Clock, context, throughJson } from "./world.mjs";

// Adds up 1 to n, a second each.
const counts = (clock) => async (event, context_) => {
  let { next, sum } = context_.state ?? { next: 1, sum: 0 };
  while (next <= event.n) {
    clock.now += 1;
    sum += next++;
    context_.handover?.({ next, sum });
  }
  return { sum };
};

function wormOf(fn, clock, limit, settings = {}) {
  const hops = [];
  const successor = async (event) => {
    hops.push(event[KEY].hop);
    return throughJson(await worm.answer(throughJson(event), context(clock, limit)));
  };
  const worm = new Handover(called(fn), settings, 3, clock.read, successor);
  return { worm, hops, ask: (event) => worm.answer(event, context(clock, limit)) };
}

test("the caller sees one answer", async () => {
  const clock = new Clock(), { ask, hops } = wormOf(counts(clock), clock, 33);
  assert.deepEqual(await ask({ n: 10 }), { sum: 55 });
  assert.deepEqual(hops, [1, 2, 3]); // three steps fit into each piece of 3 s
  assert.deepEqual(await ask({ n: 2 }), { sum: 3 });
  assert.equal(hops.length, 3);
});

test("generators do the same, and have their end", async () => {
  for (const isAsync of [false, true]) {
    const clock = new Clock();
    let ended = 0;
    function* work(event, context_) {
      let [i, total] = context_.state ?? [0, 0];
      try {
        while (i < event.n) {
          clock.now += 1;
          total += ++i;
          yield [i, total];
        }
        return total;
      } finally {
        ++ended;
      }
    }
    async function* workAsync(event, context_) { return yield* work(event, context_); }
    const { ask, hops } = wormOf(isAsync ? workAsync : work, clock, 33);
    assert.equal(await ask({ n: 10 }), 55);
    assert.deepEqual([hops, ended], [[1, 2, 3], 4]);
  }
});

test("it ends", async () => {
  const clock = new Clock();
  await assert.rejects(wormOf(counts(clock), clock, 1000, { hops: 2 }).ask({ n: 100 }), { name: "Exhausted", message: /after 3 pieces, which is all/ });
  await assert.rejects(wormOf(counts(clock), clock, 7).ask({ n: 100 }), /when the time was up/);
});

test("a successor's error is the function's", async () => {
  const clock = new Clock(), { worm, ask } = wormOf(counts(clock), clock, 33);
  worm.successor = async () => { throw new Failed({ errorType: "KeyError", errorMessage: "'x'" }); };
  await assert.rejects(ask({ n: 10 }), { name: "KeyError", message: "'x'" });
});

test("nobody waits for events", async () => {
  const clock = new Clock(), left = [];
  const worm = new Handover(called(counts(clock)), { answer: "event", hops: 5 }, 3, clock.read, async (event, wait) => { left.push([event, wait]); });
  let event = { n: 10 }, answer;
  for (;;) {
    answer = await worm.answer(event, context(clock, 3));
    if (left.length === 0) break;
    assert.deepEqual(answer, { "handed over": left[0][0][KEY].hop });
    assert.equal(left[0][1], false);
    [[event]] = left.splice(0);
  }
  assert.deepEqual(answer, { sum: 55 });
  await assert.rejects(worm.answer({ [KEY]: { event: { n: 99 }, state: { next: 1, sum: 0 }, hop: 5 } }, context(clock, 3)), Exhausted);
});

test("whatever the function makes of the interruption", async () => {
  for (const made of [() => "swallowed", () => { throw new Error("wrapped"); }]) {
    const clock = new Clock(), caught = [];
    const { ask } = wormOf(async (event, context_) => {
      try {
        return await counts(clock)(event, context_);
      } catch (error) {
        caught.push(error instanceof Error);
        return made();
      }
    }, clock, 33);
    assert.deepEqual(await ask({ n: 10 }), { sum: 55 });
    assert.deepEqual(caught, [false, false, false]);
  }
});

test("the function sees what is left of its piece", async () => {
  const clock = new Clock();
  const { ask } = wormOf((event, context_, callback) => {
    context_.callbackWaitsForEmptyEventLoop = false;
    const left = context_.getRemainingTimeInMillis();
    context_.handover(["here"]);
    callback(null, [left, context_.awsRequestId, context_.state]);
  }, clock, 33);
  assert.deepEqual(await ask({}), [3000, "id", ["here"]]);
});
