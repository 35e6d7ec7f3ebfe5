// The wrapper's parts of a list, with invocations of the test's own.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Failed } from "../../../runtimes/remedy/node/again.mjs";
import { KEY, MapReduce, reducer } from "../../../runtimes/remedy/node/map_reduce.mjs";
import { Clock, context, folderOf, throughJson } from "./world.mjs";

// A function of which each invocation dies that gets more than it holds.
async function mapped(fn, holds, { reduce, root, ...settings }) {
  const clock = new Clock(), sizes = [];
  let now = 0, most = 0;
  const invoke = async (event) => {
    const part = throughJson(event), size = part[KEY].order.items.length;
    sizes.push(size);
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    --now;
    if (size > holds) throw new Failed({ errorType: "Runtime.ExitError", errorMessage: "signal: killed" });
    return whole.answer(part, context(clock, 60));
  };
  const whole = new MapReduce(async (event) => fn(event), { over: "event.order.items", ...settings }, await reducer(reduce, root), clock.read, invoke);
  return { ask: (event) => whole.answer(event, context(clock, 60)), sizes, most: () => most };
}
const eventOf = (n) => ({ order: { items: Array.from({ length: n }, (_, i) => i), id: 7 } });
const sum = (list) => list.reduce((a, b) => a + b, 0);

test("parts are put together in order", async () => {
  const { ask, sizes, most } = await mapped((e) => e.order.items.map((i) => [e.order.id, i]), 10, { part: 3, concurrency: 2 });
  assert.deepEqual(await ask(eventOf(10)), eventOf(10).order.items.map((i) => [7, i]));
  assert.deepEqual([sizes, most()], [[3, 3, 3, 1], 2]);
});

test("short lists and other events go straight to the function", async () => {
  const { ask, sizes } = await mapped((e) => e, 10, { part: 3 });
  for (const event of [eventOf(3), { order: 1 }, {}, [1, 2, 3, 4, 5], "text", null]) assert.deepEqual(await ask(event), event);
  assert.deepEqual(sizes, []);
});

test("what dies of memory is halved", async () => {
  const { ask, sizes } = await mapped((e) => sum(e.order.items), 2, { part: 8, reduce: "sum" });
  assert.equal(await ask(eventOf(16)), sum(eventOf(16).order.items));
  assert.deepEqual([Math.max(...sizes), sizes.filter((size) => size === 2).length], [8, 8]);
  const alone = await mapped(() => 0, 0, { part: 2, reduce: "sum" });
  await assert.rejects(alone.ask(eventOf(4)), { name: "Runtime.ExitError", message: "signal: killed" });
});

test("another failure is the whole's, and nothing is begun after it", async () => {
  const { ask, sizes } = await mapped(() => { throw new TypeError("mine"); }, 9, { part: 1, concurrency: 2 });
  await assert.rejects(ask(eventOf(9)), { name: "TypeError", message: "mine" });
  assert.deepEqual(sizes, [1, 1]);
});

test("other ways to reduce", async (t) => {
  const merged = await mapped((e) => Object.fromEntries(e.order.items.map((i) => [i, i])), 9, { part: 2, reduce: "merge" });
  assert.deepEqual(await merged.ask(eventOf(3)), { 0: 0, 1: 1, 2: 2 });
  const root = folderOf(t, { "shop.mjs": "export const largest = async (answers) => Math.max(...answers);" });
  const own = await mapped((e) => Math.max(...e.order.items), 9, { part: 2, reduce: "shop.largest", root });
  assert.equal(await own.ask(eventOf(9)), 8);
  const wrong = await mapped(() => 1, 9, { part: 2 });
  await assert.rejects(wrong.ask(eventOf(3)), { name: "TypeError", message: /lists/ });
});
