// Handlers are found and called as Lambda's runtime for Node.js does.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";

import { called, load } from "../../../runtimes/remedy/node/handlers.mjs";
import { folderOf } from "./world.mjs";

test("modules of each kind are found, and functions within them", async (t) => {
  const root = folderOf(t, {
    "plain.js": "exports.handler = () => 'plain.js'; exports.deep = { er: { handler: () => 'deep' } };",
    "module.mjs": "await null; export const handler = () => 'module.mjs';",
    "default.mjs": "export default { handler: () => 'default.mjs' };",
    "common.cjs": "exports.handler = () => 'common.cjs';",
    "sub/package.json": '{"type": "module"}',
    "sub/app.js": "await null; export const handler = () => import.meta.url.slice(-6);",
    "sub/node_modules/old/app.js": "exports.handler = () => typeof module;",
    "node_modules/brought/index.js": "exports.handler = () => 'brought';",
  });
  const answers = async (name) => (await load(root, name))();
  assert.equal(await answers("plain.handler"), "plain.js");
  assert.equal(await answers("plain.deep.er.handler"), "deep");
  assert.equal(await answers("module.handler"), "module.mjs");
  assert.equal(await answers("default.handler"), "default.mjs");
  assert.equal(await answers("common.handler"), "common.cjs");
  assert.equal(await answers("sub/app.handler"), "app.js");
  assert.equal(await answers("sub/node_modules/old/app.handler"), "object");
  assert.equal(await answers("brought.handler"), "brought");
  assert.equal(await answers(`${root}/plain.handler`), "plain.js");
});

test("what is wrong is told by Lambda's names", async (t) => {
  const root = folderOf(t, { "app.js": "exports.other = 1;", "broken.js": "exports.handler = (;", "fails.mjs": "throw new RangeError('mine');" });
  for (const [handler, name] of Object.entries({ "gone.handler": "Runtime.ImportModuleError", "app.handler": "Runtime.HandlerNotFound",
                                                 "app.other": "Runtime.HandlerNotFound", "broken.handler": "Runtime.UserCodeSyntaxError",
                                                 "app": "Runtime.MalformedHandlerName", "../app.other": "Runtime.MalformedHandlerName",
                                                 "fails.handler": "RangeError" }))
    await assert.rejects(load(root, handler), { name }, handler);
});

test("answers come by promise, by callback and by the context, the first counts", async () => {
  const answer = (handler) => called(handler)({ n: 1 }, { functionName: "shop", callbackWaitsForEmptyEventLoop: true });
  assert.deepEqual(await answer(async (event, context) => [event, context.functionName, Object.keys(context)]),
                   [{ n: 1 }, "shop", ["functionName", "callbackWaitsForEmptyEventLoop", "done", "succeed", "fail"]]);
  assert.equal(await answer((_e, context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    setTimeout(() => { callback(null, 1); callback(new Error("late")); }, 1);
  }), 1);
  assert.equal(await answer((_e, context) => { context.succeed(2); context.fail("late"); }), 2);
  assert.equal(await answer((_e, context) => context.done(null, 3)), 3);
  assert.equal(await answer((_e, context) => { context.succeed(4); throw new Error("late"); }), 4);
  await assert.rejects(answer((_e, _c, callback) => callback(new TypeError("x"))), { name: "TypeError" });
  await assert.rejects(answer((_e, context) => context.fail(new TypeError("y"))), { message: "y" });
  await assert.rejects(answer(() => { throw new TypeError("at once"); }), { message: "at once" });
  await assert.rejects(answer(async () => { throw new TypeError("later"); }), { message: "later" });
});

test("where the platform has no callbacks, what is returned is the answer", async () => {
  const given = { functionName: "shop" };
  const answer = (handler) => called(handler)({ n: 1 }, given);
  assert.deepEqual(await answer((event, context) => [event, Object.keys(context)]), [{ n: 1 }, ["functionName"]]);
  assert.equal(await answer(async () => 1), 1);
  assert.equal(await answer(() => {}), undefined);
  assert.equal(await answer((...all) => all.length), 2);
  assert.equal((await (await answer(function* () { yield 2; })).next()).value, 2);
  await assert.rejects(answer(() => { throw new TypeError("at once"); }), { message: "at once" });
  assert.deepEqual(Object.keys(given), ["functionName"]);
});

// In processes of their own: it is about what happens when nothing is left to do there.
function ran(code, env = {}) {
  const file = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../../../runtimes/remedy/node/handlers.mjs");
  const program = `import { called } from ${JSON.stringify(file)};
    const context = { callbackWaitsForEmptyEventLoop: true };
    process.on("beforeExit", () => { console.log("the platform ends the invocation"); process.exit(1); });
    ${code}`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8", env }).stdout.trim().split("\n");
}

test("whoever answers nothing answers null, at the end", () => {
  assert.deepEqual(ran(`let log = [];
    const answer = await called(() => { setTimeout(() => log.push("work"), 20); return "not a promise"; })({}, context);
    console.log(JSON.stringify([log, answer]));
    process.exit();`), ['[["work"],null]']);
});

test("an answer by callback waits for what is left to do, unless the function says otherwise", () => {
  const program = (says) => `let log = [];
    const answer = await called((event, context, callback) => {
      ${says}
      setTimeout(() => log.push("work"), 20);
      callback(null, "answer");
      callback(new Error("the first counts"));
      throw new Error("this too comes after it");
    })({}, context);
    console.log(JSON.stringify([log, answer]));
    process.exit();`;
  assert.deepEqual(ran(program("")), ['[["work"],"answer"]']);
  assert.deepEqual(ran(program("context.callbackWaitsForEmptyEventLoop = false;")), ['[[],"answer"]']);
});

test("handlers that want a callback are refused at the start where Lambda has none", () => {
  const program = `try { called((event, context, callback) => callback()); console.log("begun"); } catch (error) { console.log(error.name); }`;
  assert.deepEqual(ran(program, { AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x" }), ["Runtime.CallbackHandlerDeprecated", "the platform ends the invocation"]);
  assert.deepEqual(ran(program, { AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x" })[0], "begun");
});

test("of a promise that is never settled the platform hears", () => {
  assert.deepEqual(ran("await called(() => new Promise(() => {}))({}, context);"), ["the platform ends the invocation"]);
});
