// The wrapper's cache for answers of services, over real sockets and by each client that it reaches.
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { install } from "../../../runtimes/remedy/node/answers.mjs";
import { Clock } from "./world.mjs";

const clock = new Clock();
let asked = 0, saysOf = {}, server, url, installed;

before(async () => {
  server = http.createServer((request, response) => {
    const path = request.url.split("?")[0];
    request.resume();
    response.statusCode = { "/gone": 404, "/moved": 302 }[path] ?? 200;
    for (const [name, value] of Object.entries(saysOf[path] ?? {})) response.setHeader(name, value);
    ++asked;
    if (path.startsWith("/cut")) {
      if (path === "/cut") response.setHeader("Content-Length", 9);
      response.write("cut", () => response.destroy());
      return;
    }
    if (path === "/pieces") response.write("piece "); // so it is chunked
    response.end(path === "/large" ? "x".repeat(5 << 20) : `${asked}`);
  });
  server.keepAliveTimeout = 60_000; // no connection ends by itself
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => { server.closeAllConnections?.(); server.close(); });
beforeEach((t) => {
  installed?.uninstall();
  installed = install({ ttl_s: 60 }, clock.read);
  asked = 0;
  saysOf = {};
});
after(() => installed.uninstall());

// [status, a header, the body]
async function byFetch(path, headers = {}, { method = "GET", body } = {}) {
  const response = await fetch(url + path, { headers, method, body });
  return [response.status, response.headers.get("x-word") ?? undefined, await response.text()];
}

function byHttp(path, headers = {}, { method = "GET", body, agent, late } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url + path, { headers, method, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("error", reject).on("data", (chunk) => { text += chunk; }).on("end", () =>
        resolve([response.statusCode, response.headers["x-word"], text]));
    }).on("error", reject);
    if (late) for (const [name, value] of Object.entries(late)) request.setHeader(name, value);
    request.end(body);
  });
}

for (const [client, get] of Object.entries({ fetch: byFetch, http: byHttp })) {
  // How often the service is asked when a function asks twice.
  const askedTwice = async (path, says = {}, headers = {}) => {
    saysOf[path] = says;
    const before = asked;
    const first = await get(path, headers), second = await get(path, headers);
    if (asked - before === 1) assert.deepEqual(first, second);
    return asked - before;
  };

  test(`${client}: an answer is given again whole and as long as the service says`, async () => {
    assert.equal(await askedTwice("/a", { "Cache-Control": "max-age=5", "X-Word": "w" }), 1);
    assert.equal((await get("/a"))[1], "w");
    clock.now += 5;
    await get("/a");
    assert.equal(asked, 2);
    assert.equal(await askedTwice("/silent"), 1); // the rule's ttl
    assert.equal(await askedTwice("/aged", { "Cache-Control": "max-age=5", Age: "5" }), 2);
    assert.equal(await askedTwice("/pieces"), 1);
    assert.equal(await askedTwice("/later", { Date: "Tue, 01 Jan 2030 00:00:00 GMT", Expires: "Tue, 01 Jan 2030 00:00:09 GMT" }), 1);
    clock.now += 9;
    assert.equal(await askedTwice("/later", saysOf["/later"]), 1);
    assert.equal(asked, 8);
  });

  test(`${client}: what must not be kept is not`, async () => {
    for (const [path, says] of Object.entries({
      "/1": { "Cache-Control": "no-store" }, "/2": { "Cache-Control": "private, max-age=9" }, "/3": { Vary: "*" },
      "/4": { "Set-Cookie": "a=b" }, "/5": { Expires: "0" }, "/6": { "Cache-Control": "max-age=0" }, "/7": { "Cache-Control": "no-cache" },
      "/8": { Expires: "never" },
    })) assert.equal(await askedTwice(path, says), 2, path);
    for (const headers of [{ Range: "bytes=0-1" }, { "Cache-Control": "no-cache" }, { Authorization: "x" }, { Cookie: "a=b" }])
      assert.equal(await askedTwice("/h", {}, headers), 2, JSON.stringify(headers));
    assert.equal(await askedTwice("/p", { "Cache-Control": "public, max-age=9" }, { Authorization: "x" }), 1);
    assert.equal(await askedTwice("/large"), 2);
    const before = asked; // what is told to anybody is not told to somebody
    await get("/who"), await get("/who", { Authorization: "x" }), await get("/who", { Cookie: "a=b" });
    assert.equal(asked - before, 3);
  });

  test(`${client}: an answer that was cut off is not kept`, async () => {
    for (const path of ["/cut", "/cut-in-pieces"]) for (const _ of "ab") await assert.rejects(get(path));
    assert.equal(asked, 4);
  });

  test(`${client}: the language asked for makes another answer where the service says so`, async () => {
    saysOf["/v"] = { Vary: "Accept-Language" };
    const german = await get("/v", { "Accept-Language": "de" }), english = await get("/v", { "Accept-Language": "en" });
    assert.notEqual(german[2], english[2]);
    assert.deepEqual(await get("/v", { "Accept-Language": "de" }), german);
  });

  test(`${client}: errors are not kept and a change forgets`, async () => {
    assert.equal(await askedTwice("/gone"), 2);
    await get("/x"), await get("/x", {}, { method: "POST", body: "new" }), await get("/x");
    assert.equal(asked, 5);
    await get("/x", { Authorization: "x" }, { method: "DELETE" }), await get("/x");
    assert.equal(asked, 7);
  });

  test(`${client}: the platform's own requests go out`, async (t) => {
    process.env.AWS_LAMBDA_RUNTIME_API = url.slice("http://".length);
    t.after(() => delete process.env.AWS_LAMBDA_RUNTIME_API);
    assert.equal(await askedTwice("/next"), 2);
  });
}

test("a change by one client forgets what another asked", async () => {
  await byFetch("/both"), await byHttp("/both", {}, { method: "PUT", body: "new" }), await byFetch("/both");
  assert.equal(asked, 3);
});

test("http: headers that are set after the request was made count", async () => {
  await byHttp("/late");
  assert.equal((await byHttp("/late", {}, { late: { Authorization: "x" } }))[2], "2");
  assert.equal((await byHttp("/late"))[2], "1");
});

test("http: a kept connection goes on, and one agent asks as ever", async (t) => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const bodies = [];
  for (const path of ["/k", "/k", "/other", "/k"]) bodies.push((await byHttp(path, {}, { agent }))[2]);
  assert.deepEqual(bodies, ["1", "1", "2", "1"]);
  assert.deepEqual((await Promise.all([byHttp("/c1", {}, { agent }), byHttp("/k", {}, { agent }), byHttp("/c2", {}, { agent })])).map((a) => a[2]).sort(),
                   ["1", "3", "4"]);
});

test("http: a request that is ended later, or sends something, is asked", async () => {
  await byHttp("/slow");
  const later = await new Promise((resolve, reject) => {
    const request = http.request(`${url}/slow`, (response) => response.setEncoding("utf8").on("data", resolve)).on("error", reject);
    setTimeout(() => request.end(), 30);
  });
  assert.equal(later, "2");
  assert.equal((await byHttp("/slow", { "Content-Length": 4 }, { body: "body" }))[2], "3");
});

test("http: what reads nothing does not hang, and what is destroyed is told", { timeout: 10_000 }, async () => {
  for (const agent of [undefined, new http.Agent({ keepAlive: false })]) // whose connections end with the answer
    for (const _ of "ab")
      await new Promise((resolve, reject) => http.get(`${url}/unread`, { agent }).on("close", resolve).on("error", reject));
  assert.equal(asked, 1);
  await byHttp("/kept");
  await assert.rejects(new Promise((resolve, reject) => {
    const request = http.get(`${url}/kept`, resolve).on("error", reject);
    request.destroy(new RangeError("mine"));
  }), { name: "RangeError" });
});

test("fetch: what another address answered is not kept", async () => {
  saysOf["/moved"] = { Location: "/there" };
  saysOf["/there"] = { "Cache-Control": "max-age=9" };
  for (const _ of "ab") assert.equal((await byFetch("/moved"))[0], 200);
  assert.equal(asked, 4);
});

test("fetch: what it gives looks like its own", async () => {
  await byFetch("/look?a=b");
  const kept = await fetch(new Request(`${url}/look?a=b#there`));
  assert.equal(asked, 1);
  assert.deepEqual([kept.url, kept.ok, kept.status, kept.redirected, kept.type, await kept.clone().text()],
                   [`${url}/look?a=b`, true, 200, false, "basic", "1"]);
  await assert.rejects(fetch(`${url}/look?a=b`, { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(await (await fetch(`${url}/look?a=b`, { cache: "no-store" })).text(), "2");
  await assert.rejects(fetch("no address"), TypeError);
});
