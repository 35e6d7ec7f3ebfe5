// The wrapper's cache for answers of services, over real sockets and by each client that it reaches.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import tls from "node:tls";

import { Cache, install } from "../../../runtimes/remedy/node/answers.mjs";
import { dateOf, freshFor } from "../../../runtimes/remedy/node/freshness.mjs";
import { Clock, folderOf } from "./world.mjs";

const clock = new Clock();
let asked = 0, saysOf = {}, whenAsked, server, url, installed;

before(async () => {
  server = http.createServer((request, response) => {
    const path = request.url.split("?")[0];
    request.resume();
    response.statusCode = { "/gone": 404, "/moved": 302 }[path] ?? 200;
    for (const [name, value] of Object.entries(saysOf[path] ?? {})) response.setHeader(name, value);
    ++asked;
    whenAsked?.(request, response);
    if (response.headersSent || path === "/held") return; // the test answers itself
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
  whenAsked = undefined;
});
after(() => installed.uninstall());

// [status, a header, the body]
async function byFetch(path, headers = {}, { method = "GET", body } = {}) {
  const response = await fetch(url + path, { headers, method, body });
  return [response.status, response.headers.get("x-word") ?? undefined, await response.text()];
}

function byHttp(path, headers = {}, { method = "GET", body, late, at = url, ...more } = {}) {
  return new Promise((resolve, reject) => {
    const request = (at.startsWith("https:") ? https : http).request(at + path, { headers, method, ...more }, (response) => {
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
      "/8": { Expires: "never" }, "/9": { Expires: "3600" }, "/10": { Vary: "Accept, *" },
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

  test(`${client}: what a change passes on its way is not kept`, async () => {
    const answered = new Promise((resolve) => { whenAsked = (request, response) => request.method === "PUT" && resolve(response); });
    const put = get("/held", {}, { method: "PUT", body: "new" });
    const response = await answered;
    whenAsked = (_request, response) => response.end("old");
    assert.equal((await get("/held"))[2], "old");
    response.end();
    await put;
    whenAsked = (_request, response) => response.end("new");
    assert.equal((await get("/held"))[2], "new");
  });

  test(`${client}: a change that failed may have been one`, async () => {
    const reached = new Promise((resolve) => { whenAsked = (request, response) => request.method === "PUT" && resolve(response); });
    const put = get("/held", {}, { method: "PUT", body: "new" });
    const response = await reached;
    whenAsked = (_request, response) => response.end("old");
    await get("/held");
    response.destroy();
    await assert.rejects(put);
    await get("/held");
    assert.equal(asked, 3);
  });

  test(`${client}: an answer is as old as its question`, async () => {
    saysOf["/late"] = { "Cache-Control": "max-age=5" };
    whenAsked = () => { clock.now += 4; };
    await get("/late"), await get("/late");
    assert.equal(asked, 1);
    clock.now += 1;
    await get("/late");
    assert.equal(asked, 2);
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

test("fetch: an answer that is read after a change is not kept", async () => {
  const old = await fetch(`${url}/x`);
  await byFetch("/x", {}, { method: "PUT", body: "new" });
  assert.equal(await old.text(), "1");
  assert.equal((await byFetch("/x"))[2], "3");
});

test("fetch: what the function makes of an answer's bytes is its own", async () => {
  for await (const chunk of (await fetch(`${url}/pieces`)).body) chunk.fill(0);
  assert.equal((await byFetch("/pieces"))[2], "piece 1");
  assert.equal(asked, 1);
});

test("fetch: a copy of an answer knows where it is from", async () => {
  for (const _ of "ab") {
    const response = await fetch(`${url}/copied`), copy = response.clone().clone();
    assert.deepEqual([copy.url, copy.type, await copy.text(), await response.text()], [`${url}/copied`, "basic", "1", "1"]);
  }
  assert.equal(asked, 1);
});

test("fetch: what is asked by a dispatcher of the function's own is not kept, and by another for all is another's", async (t) => {
  await byFetch("/by");
  const whole = Symbol.for("undici.globalDispatcher.1"), dispatcher = globalThis[whole];
  t.after(() => { globalThis[whole] = dispatcher; });
  for (const _ of "ab") await (await fetch(`${url}/by`, { dispatcher })).text();
  assert.equal(asked, 3);
  globalThis[whole] = { dispatch: (...all) => dispatcher.dispatch(...all) };
  await byFetch("/by"), await byFetch("/by");
  assert.equal(asked, 4);
  globalThis[whole] = dispatcher;
  assert.equal((await byFetch("/by"))[2], "1");
});

test("fetch: none is made where there was none", (t) => {
  const { fetch } = globalThis;
  delete globalThis.fetch;
  t.after(() => { globalThis.fetch = fetch; });
  const { uninstall } = install({});
  assert.equal("fetch" in globalThis, false);
  uninstall();
  assert.equal("fetch" in globalThis, false);
});

test("http: what is told to the bearer of a certificate is not kept", async () => {
  for (const name of ["cert", "key", "pfx", "secureContext"])
    for (const more of [{ agent: new http.Agent({ [name]: "mine" }) }, { [name]: "mine" }]) {
      const before = asked;
      for (const _ of "ab") await byHttp("/whoami", {}, more);
      assert.equal(asked - before, 2, name);
    }
});

// Another service, which answers with its name.
async function another(t, name, at, { createServer, settings } = { createServer: http.createServer, settings: {} }) {
  const one = createServer(settings, (request, response) => { ++asked; response.end(name); });
  t.after(() => { one.closeAllConnections?.(); one.close(); });
  await new Promise((resolve) => one.listen(...at, resolve));
  return one.address().port;
}

test("http: what a socket of the machine answers is not kept", async (t) => {
  const folder = folderOf(t, {}), at = "http://localhost";
  for (const name of "ab") await another(t, name, [path.join(folder, name)]);
  for (const of of [(socketPath) => ({ socketPath }), (socketPath) => ({ agent: new http.Agent({ socketPath }) })])
    for (const name of "abab") assert.equal((await byHttp("/", {}, { at, ...of(path.join(folder, name)) }))[2], name);
});

test("http: a name in the head is that of a service at an address", async (t) => {
  const ports = [await another(t, "a", [0, "127.0.0.1"]), await another(t, "b", [0, "127.0.0.1"])];
  for (const host of ["127.0.0.1", "1", "a.example", "127.0.0.1:80", `127.0.0.1:${ports[0]}`])
    assert.deepEqual([(await byHttp("/", { host }, { at: `http://127.0.0.1:${ports[0]}` }))[2],
                      (await byHttp("/", { host }, { at: `http://127.0.0.1:${ports[1]}` }))[2]], ["a", "b"], host);
  const before = asked;
  await byHttp("/", { host: "b.example" }, { at: `http://127.0.0.1:${ports[0]}` }); // another name, another service
  await byHttp("/", {}, { at: `http://127.0.0.1:${ports[0]}` }); // asked by its address as above
  assert.equal(asked - before, 1);
});

test("http: agents that connect in their own way share with nobody", async (t) => {
  const port = await another(t, "elsewhere", [0, "127.0.0.1"]);
  await byHttp("/way");
  class Elsewhere extends http.Agent { createConnection(_options, done) { return net.connect(port, "127.0.0.1", done); } }
  const agent = new Elsewhere(), lookup = (_host, { all }, done) => (all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4));
  for (const _ of "ab") assert.equal((await byHttp("/way", {}, { agent }))[2], "elsewhere");
  assert.equal(asked, 2);
  await byHttp("/way", {}, { agent: new Elsewhere() }), await byHttp("/way", {}, { lookup }), await byHttp("/way", {}, { lookup });
  assert.equal(asked, 4);
  assert.equal((await byHttp("/way"))[2], "1");
});

test("https: answers are kept, but not for others than those by whose checks they were got", async (t) => {
  const folder = folderOf(t, {});
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
                           "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", "key", "-out", "cert"], { cwd: folder, stdio: "ignore" });
  const [cert, key] = ["cert", "key"].map((name) => fs.readFileSync(path.join(folder, name)));
  const port = await another(t, "a", [0, "127.0.0.1"], { createServer: https.createServer, settings: { cert, key, ca: cert, requestCert: true, rejectUnauthorized: false } });
  const at = `https://127.0.0.1:${port}`;
  for (const _ of "ab") await byHttp("/", {}, { at, rejectUnauthorized: false });
  assert.equal(asked, 1);
  await assert.rejects(byHttp("/", {}, { at }), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  for (const _ of "ab") await byHttp("/", {}, { at, ca: cert });
  assert.equal(asked, 2);
  for (const options of [{ cert, key }, { secureContext: tls.createSecureContext({ cert, key, ca: cert }) }])
    for (const _ of "ab") await byHttp("/", {}, { at, agent: new https.Agent({ ca: cert, ...options }) });
  assert.equal(asked, 6);
});

test("what answers depend on is counted, and changes of much else take no more room", () => {
  const cache = new Cache({ most_mb: 1 / 1024 }, clock.read), headers = { vary: "Accept-Language" };
  const keep = (url, said) => cache.keep("k", cache.asking(url), { "accept-language": "de" }, said, Buffer.from("x"), 60);
  keep("a", {});
  const plain = cache.kept.size;
  cache.kept.clear();
  keep("a", headers);
  assert.ok(cache.kept.size > plain + "accept-language".length);
  assert.ok(cache.find("k", "a", { "accept-language": "de" }));
  for (let i = 0; i < 100; ++i) keep(`b${i}`, headers), cache.forget(`c${i}`);
  cache.keep("k", cache.asking("c"), {}, { vary: "x".repeat(1024) }, Buffer.from("x"), 60); // there is no room for what it depends on
  assert.equal(cache.find("k", "c", {}), undefined);
  assert.ok(cache.kept.size <= 1024);
  assert.ok(cache.find("k", "b99", { "accept-language": "de" }));
});

test("dates are those of HTTP, and another is long past", () => {
  const date = Date.UTC(1994, 10, 6, 8, 49, 37);
  for (const text of ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]) assert.equal(dateOf(text), date, text);
  for (const text of ["3600", "0", "", "2030-01-01", "2030", "Tue, 01 Jan 2030 00:00:00 +0200", "Tue, 01 Jan 2030 00:00:00", "Tue, 01 Jan 2030 00:00:00 GMT, 0"])
    assert.equal(freshFor(200, { expires: text, date: "Mon, 31 Dec 2029 00:00:00 GMT" }, {}, 60), 0, text);
});
