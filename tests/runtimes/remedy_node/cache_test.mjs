// The wrapper's memory, and its cache for results of functions.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Bounded, OVERHEAD } from "../../../runtimes/remedy/node/bounded.mjs";
import { KEY } from "../../../runtimes/remedy/node/handover.mjs";
import { Results } from "../../../runtimes/remedy/node/results.mjs";
import { Clock, saidWhile } from "./world.mjs";

test("memory forgets the least used and the old", () => {
  const clock = new Clock(), memory = new Bounded(3 * (1 + 100 + OVERHEAD), clock.read), value = "x".repeat(100);
  for (const key of "abc") memory.put(key, value, 10);
  assert.equal(memory.get("a"), value);
  memory.put("d", Buffer.from(value), 10);
  assert.equal(memory.get("b"), undefined);
  assert.equal(memory.get("a"), value);
  clock.now += 10;
  assert.equal(memory.get("a"), undefined);
  for (const key of "cd") memory.drop(key);
  assert.equal(memory.size, 0);
  memory.put("huge", "x".repeat(10000), 10);
  memory.put("long", "ä".repeat(400), 10); // its bytes count
  assert.equal(memory.size, 0);
});

function cached(fn, settings = {}) {
  const clock = new Clock(), counted = { calls: 0, clock };
  const results = new Results(async (event) => { ++counted.calls; return fn(event, counted); }, { check_first: 0, ...settings }, clock.read);
  const ask = (event) => results.answer(event, null);
  return { ask, counted, results, clock };
}

async function each(events, ask) {
  const answers = [];
  for (const event of events) answers.push(await ask(event));
  return answers;
}
const times = (n, event) => new Array(n).fill(event);

test("the same input is answered from memory until it is old", async () => {
  const { ask, counted, clock } = cached((event) => ({ n: event.n, list: [1] }), { ttl_s: 5 });
  (await ask({ n: 1, m: 2 })).list.push("the caller's own");
  assert.deepEqual(await ask({ m: 2, n: 1 }), { n: 1, list: [1] });
  assert.equal(counted.calls, 1);
  await ask({ n: 2, m: 2 });
  clock.now += 5;
  await ask({ n: 1, m: 2 });
  assert.equal(counted.calls, 3);
});

test("a key of its own and a refresh", async () => {
  const { ask } = cached((_event, counted) => counted.calls, { key: "event.sku", refresh: "event.fresh", check_every: 0 });
  assert.deepEqual(await each([..."abc"].map((who) => ({ sku: 1, who })), ask), [1, 1, 1]);
  assert.equal(await ask({ sku: 1, fresh: true }), 2);
  assert.equal(await ask({ sku: 1 }), 2);
  assert.deepEqual(await each(times(2, { other: 1 }), ask), [3, 4]); // nobody can tell what it depends on
});

test("errors and what is no JSON are not kept", async () => {
  const fails = cached(() => { throw new RangeError("no"); });
  for (const _ of "ab") await assert.rejects(fails.ask({}), { name: "RangeError" });
  assert.equal(fails.counted.calls, 2);
  for (const answer of [{ statusCode: 503 }, 1n]) {
    const { ask, counted } = cached(() => answer);
    await each(times(2, {}), ask);
    assert.equal(counted.calls, 2);
  }
});

test("a function that is not what was declared is found out", async () => {
  const late = cached((_event, counted) => counted.calls, { check_every: 10 });
  const said = await saidWhile(async () => assert.deepEqual(await each(times(15, {}), late.ask), [...times(10, 1), 2, 3, 4, 5, 6]));
  assert.deepEqual(said, [{ remedy: "cache", off: "the same input gave another output" }]);
  const early = cached((_event, counted) => counted.calls, { check_first: 5 });
  await saidWhile(async () => assert.deepEqual(await each(times(5, {}), early.ask), [1, 2, 3, 4, 5]));
  const right = cached(() => ({ b: 1, a: [{ d: 1, c: 2 }] }), { check_first: 5 });
  await each(times(50, {}), right.ask);
  assert.equal(right.counted.calls, 6);
});

test("parts of other work are not kept", async () => {
  const { ask } = cached((_event, counted) => counted.calls);
  assert.deepEqual(await each(times(2, { [KEY]: {} }), ask), [1, 2]);
});
