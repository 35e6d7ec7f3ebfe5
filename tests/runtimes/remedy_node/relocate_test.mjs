// The wrapper's choice of a place: measured on the test's own clock; connections are real.
import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";

import { Failed, Refused, Unreachable } from "../../../runtimes/remedy/node/again.mjs";
import { Relocate, isOf } from "../../../runtimes/remedy/node/relocate.mjs";
import { Clock, context, saidWhile } from "./world.mjs";

// Places that take so long, and fail as they are told to.
function moved(times, mayLeave = true, tries = 3) {
  const clock = new Clock(), world = { clock, times, fails: {}, asked: [] };
  const took = (place) => {
    world.asked.push(place);
    clock.now += times[place];
    if (world.fails[place]) throw world.fails[place];
  };
  const invoke = async (event, _seconds, _wait, env) => { took(env.AWS_REGION); return [env.AWS_REGION, event]; };
  const fn = async (event) => { took("here"); return ["here", event]; };
  const places = Object.keys(times).filter((name) => name !== "here").map((name) => ({ name, region: name }));
  const relocate = new Relocate(fn, { places, tries, code: "abc" }, mayLeave, clock.read, invoke, { AWS_REGION: "home" });
  world.call = async (n = 1) => {
    let answer;
    const said = await saidWhile(async () => { for (let i = 0; i < n; ++i) answer = await relocate.answer({ n: 1 }, context(clock, 60)); });
    world.said = said;
    return answer;
  };
  return world;
}
const count = (list, what) => list.filter((one) => one === what).length;

test("the quickest gets the calls and the others are not forgotten", async () => {
  const world = moved({ here: 1, far: 2, near: 0.1 });
  await world.call(12);
  for (const place of ["here", "far", "near"]) assert.equal(count(world.asked, place), 4);
  world.asked.length = 0;
  assert.deepEqual(await world.call(11), ["near", { n: 1 }]);
  assert.deepEqual(world.said, [{ remedy: "relocate", to: "near", medians_ms: { here: 1000, far: 2000, near: 100 } }]);
  assert.deepEqual(new Set(world.asked), new Set(["near"]));
  Object.assign(world.times, { far: 0.01, near: 3 }); // the world changes
  await world.call(2000);
  assert.equal(world.asked.at(-1), "far");
});

test("a place that has to begin is not judged by that", async () => {
  const world = moved({ here: 1, near: 0.1 });
  for (const seconds of [5, 2, 0.1, 0.1]) { // a sandbox begins there, then what it runs is compiled
    world.times.near = seconds;
    await world.call(2);
  }
  assert.equal((await world.call())[0], "near");
});

test("what was slow at first is soon asked again, and not so often later", async () => {
  const world = moved({ here: 1, near: 2 });
  await world.call(8);
  world.asked.length = 0;
  await world.call(10);
  assert.equal(count(world.asked, "near"), 1); // a look
  world.times.near = 0.9;
  world.asked.length = 0;
  while (!world.asked.includes("near")) await world.call();
  world.times.near = 5; // it was luck
  world.asked.length = 0;
  await world.call(10);
  assert.deepEqual(world.asked, [...Array(3).fill("near"), ...Array(7).fill("here")]);
  world.times.near = 0.1;
  world.asked.length = 0;
  await world.call(100);
  assert.ok(count(world.asked, "near") >= 30, world.asked.join());
  world.asked.length = 0;
  await world.call(1000);
  assert.equal(count(world.asked, "here"), 20);
});

test("other code than the copies' stays here", async () => {
  const world = moved({ here: 1, near: 0.1 }, false);
  await world.call(20);
  assert.deepEqual(new Set(world.asked), new Set(["here"]));
  const said = await saidWhile(async () => {
    assert.equal(await isOf("abc", async () => "abc"), true);
    assert.equal(await isOf("abc", async () => "def"), false);
    assert.equal(await isOf("abc", async () => { throw new Refused("configuration", 403, "no"); }), false);
  });
  assert.deepEqual(said.map((one) => one.off), ["the copies are of other code", "which code this is cannot be found out"]);
});

test("where here is quickest it stays", async () => {
  const world = moved({ here: 0.1, far: 2 });
  await world.call(8);
  assert.equal((await world.call())[0], "here");
});

test("a place that cannot be reached costs no call", async () => {
  const world = moved({ here: 1, near: 0.1 });
  for (const error of [new Unreachable("no answer"), new Refused("invocations", 403, "no")]) {
    world.fails.near = error;
    world.asked.length = 0;
    world.clock.now += 60;
    assert.equal((await world.call(20))[0], "here");
    assert.equal(count(world.asked, "near"), 1);
  }
  delete world.fails.near;
  world.clock.now += 60;
  await world.call(20);
  assert.ok(count(world.asked.slice(-15), "near") >= 14); // one may be a look
});

test("one that begins late is not judged by that either", async () => {
  const world = moved({ here: 1, near: 5 }, true, 1);
  world.fails.near = new Unreachable("no answer");
  await world.call(3);
  delete world.fails.near;
  world.clock.now += 60;
  await world.call();
  world.times.near = 0.1;
  world.asked.length = 0;
  await world.call(10);
  assert.ok(count(world.asked, "near") >= 8, world.asked.join());
});

test("what may have been done is not done again and an error is the answer", async () => {
  const world = moved({ here: 1, near: 0.1 });
  await world.call(8);
  world.fails.near = new Failed({ errorType: "KeyError", errorMessage: "x" });
  await assert.rejects(world.call(), { name: "KeyError", message: "x" });
  const before = count(world.asked, "here");
  world.fails.near = new Error("no answer within 3.0 s");
  await assert.rejects(world.call(), /no answer/);
  world.clock.now += 60;
  world.fails.near = new Refused("invocations", 502, "the function was answered: HTTP 404");
  await assert.rejects(world.call(50), { status: 502 });
  assert.equal(count(world.asked, "here"), before);
});

// A function beside a place at this address: what it answers to three calls.
async function relocated(url) {
  const clock = new Clock(), env = { AWS_LAMBDA_FUNCTION_NAME: "shop" };
  const settings = { places: [{ name: "near", region: "near", endpoint: url }], tries: 1, code: "abc" };
  const relocate = new Relocate(async () => "here", settings, true, clock.read, undefined, env);
  const answers = [];
  await saidWhile(async () => { for (let i = 0; i < 3; ++i) answers.push(await relocate.answer({}, context(clock, 2))); });
  return { answers, asked: relocate.places[1].tried };
}
const listening = async (t, took) => {
  const server = net.createServer(took);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return server.address().port;
};

test("a place where nobody listens, or that speaks no TLS, was not asked", async (t) => {
  const open = [];
  const silent = await listening(t, (socket) => open.push(socket.on("error", () => {})));
  t.after(() => open.forEach((socket) => socket.destroy()));
  for (const url of ["http://127.0.0.1:1", `https://127.0.0.1:${silent}`, "http://nobody.invalid:80"])
    assert.deepEqual(await relocated(url), { answers: ["here", "here", "here"], asked: 1 }, url);
});

test("one that takes connections and says nothing may have done it", async (t) => {
  const open = [];
  const port = await listening(t, (socket) => open.push(socket.on("error", () => {})));
  t.after(() => open.forEach((socket) => socket.destroy()));
  await assert.rejects(relocated(`http://127.0.0.1:${port}`), { name: "TimeoutError" });
});
