// The wrapper as the platform sees it, on every Node.js there is (AUTOTUNE_NODES names others), and the paths that rules name.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { MISSING, find, replaced } from "../../../runtimes/remedy/node/paths.mjs";
import { folderOf } from "./world.mjs";

const WRAPPER = fileURLToPath(new URL("../../../runtimes/remedy/node/index.mjs", import.meta.url));

test("paths find and replace without touching the event", () => {
  const event = { order: { items: [1, 2] }, list: [{ a: 1 }] };
  assert.deepEqual(find(event, "event.order.items"), [1, 2]);
  assert.equal(find(event, "event.list.0.a"), 1);
  for (const path of ["event.list.7", "event.list.length", "event.constructor"]) assert.equal(find(event, path), MISSING);
  assert.equal(find(event, "event"), event);
  assert.deepEqual([replaced(event, "event.order.items", [3]).order.items, event.order.items], [[3], [1, 2]]);
  assert.deepEqual(replaced(event, "event.list.0.a", 2).list, [{ a: 2 }]);
});

// What the wrapped handler answers to two calls, and whether it is the function itself.
function wrapped(t, file, code, remedies, node = process.execPath, callbacks = true) {
  const root = folderOf(t, { [file]: code });
  const program = `
    import { handler } from ${JSON.stringify(WRAPPER)};
    const context = { getRemainingTimeInMillis: () => 3000, ...${callbacks} && { callbackWaitsForEmptyEventLoop: true } };
    console.log(JSON.stringify([await handler({ n: 1 }, context), await handler({ n: 1 }, context), handler.name, handler.constructor.name]));
    process.exit();`;
  return spawnSync(node, ["--input-type=module", "-e", program], { encoding: "utf8", env: {
    LAMBDA_TASK_ROOT: root, AUTOTUNE_REMEDY: JSON.stringify({ handler: "app.handler", timeout_s: 3, remedies }) } });
}
const ALL = { cache: { of: "results", ttl_s: 1 }, handover: { hops: 2 }, map_reduce: { over: "event.items" } };

test("is taken for the function by every Node.js there is, whatever the function is", (t) => {
  const kinds = {
    "app.js": "exports.handler = async (event) => [event, process.env._HANDLER];",
    "app.cjs": "exports.handler = (event, context, callback) => callback(null, [event, process.env._HANDLER]);",
    "app.mjs": "await null; export const handler = (event) => Promise.resolve([event, process.env._HANDLER]);",
  };
  for (const node of [process.execPath, ...(process.env.AUTOTUNE_NODES ?? "").split(" ").filter(Boolean)])
    for (const [file, code] of Object.entries(kinds)) {
      const done = wrapped(t, file, code, ALL, node);
      assert.equal(done.status, 0, done.stderr);
      const answer = [{ n: 1 }, "app.handler"];
      assert.deepEqual(JSON.parse(done.stdout).slice(0, 2), [answer, answer], `${node} ${file}`);
      assert.equal(JSON.parse(done.stdout)[3], "AsyncFunction");
    }
});

test("where the platform has no callbacks, a plain value is the answer of a wrapped function, too", (t) => {
  const done = wrapped(t, "app.js", "exports.handler = (event) => event.n;", ALL, process.execPath, false);
  assert.deepEqual(JSON.parse(done.stdout), [1, 1, "", "AsyncFunction"], done.stderr);
});

test("a function that only has answers kept for it is called by itself", (t) => {
  const done = wrapped(t, "app.js", "exports.handler = async function own(event) { return fetch.name + typeof event; };", { cache: { of: "answers" } });
  assert.deepEqual(JSON.parse(done.stdout).slice(0, 3), ["fetchobject", "fetchobject", "own"], done.stderr);
});

test("a function that streams its answers is left alone", (t) => {
  const code = "exports.handler = async function own() { return 1; }; exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'response';";
  const done = wrapped(t, "app.js", code, ALL);
  const [said, answer] = done.stdout.split("\n");
  assert.match(said, /^AUTOTUNE .*streams its answers/);
  assert.equal(JSON.parse(answer)[2], "own");
});

test("what the function fails with when it begins is told as its own", (t) => {
  const done = wrapped(t, "app.mjs", "throw new RangeError('mine');", ALL);
  assert.notEqual(done.status, 0);
  assert.match(done.stderr, /RangeError: mine/);
});
