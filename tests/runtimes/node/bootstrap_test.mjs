// The embedded host's bootstrap for Node.js, with a Runtime API of the test's own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { folderOf } from "../remedy_node/world.mjs";

const RUNTIMES = fileURLToPath(new URL("../../../runtimes/", import.meta.url));

// Runs a function on these events, one after the other: what it posted, [path, body, error type], what it wrote, and how it ended:
// by itself, or by SIGKILL when it had asked for more for so long.
async function ran(t, files, { handler = "app.handler", events = [{}], opt = [], env = {}, patience = 0 } = {}) {
  const root = folderOf(t, files), runtimes = folderOf(t, {});
  for (const file of ["node/bootstrap.mjs", "remedy/node/handlers.mjs"]) fs.copyFileSync(RUNTIMES + file, path.join(runtimes, path.basename(file)));
  const posted = [];
  let next = 0, child;
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => { body += chunk; }).on("end", () => {
      if (request.method === "POST") {
        posted.push([request.url.replace("/2018-06-01/runtime/", ""), JSON.parse(body), request.headers["lambda-runtime-function-error-type"]]);
        return response.writeHead(202).end();
      }
      if (next === events.length) return setTimeout(() => child.kill("SIGKILL"), patience).unref();
      response.writeHead(200, { "Lambda-Runtime-Aws-Request-Id": `r${++next}`, "Lambda-Runtime-Deadline-Ms": Date.now() + 3000,
                                "Lambda-Runtime-Invoked-Function-Arn": "arn:f", "Lambda-Runtime-Trace-Id": `Root=${next}` }).end(JSON.stringify(events[next - 1]));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => { server.closeAllConnections?.(); server.close(); });
  child = spawn(process.execPath, [path.join(runtimes, "bootstrap.mjs"), ...opt], { stdio: ["ignore", "pipe", "pipe"], env: {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${server.address().port}`, _HANDLER: handler, LAMBDA_TASK_ROOT: root, AWS_LAMBDA_FUNCTION_NAME: "shop", ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => { output += chunk; });
  const ended = await new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
  return { posted, output, ended };
}

test("answers, errors and what cannot be JSON are told, and the next call comes", async (t) => {
  const { posted, output, ended } = await ran(t, { "app.js": `
    exports.handler = async (event, context) => {
      console.log("called\\nwith", event);
      if (event.fails) throw Object.assign(new RangeError("mine"), { code: "E_MINE", order: 7, inner: new TypeError("within") });
      if (event.throws) throw event.throws;
      if (event.big) return 1n;
      if (event.nothing) return;
      return [event.n, context.functionName, context.awsRequestId, context.invokedFunctionArn, context.getRemainingTimeInMillis() > 0, process.env._X_AMZN_TRACE_ID];
    };` }, { events: [{ n: "ä" }, { fails: true }, { big: true }, { nothing: true }, { n: 2 }, { throws: "a text" }] });
  assert.equal(ended, "SIGKILL", output);
  assert.deepEqual(posted.map((one) => one[0]), ["r1/response", "r2/error", "r3/error", "r4/response", "r5/response", "r6/error"].map((place) => `invocation/${place}`));
  assert.deepEqual(posted[0][1], ["ä", "shop", "r1", "arn:f", true, "Root=1"]);
  assert.deepEqual([posted[1][1].errorType, posted[1][1].errorMessage, posted[1][2]], ["RangeError", "mine", "RangeError"]);
  assert.match(posted[1][1].trace.join("\n"), /app\.js:4/);
  assert.equal(posted[2][1].errorType, "TypeError");
  assert.deepEqual([posted[3][1], posted[4][1][5]], [null, "Root=5"]);
  assert.match(output, /^\S+Z\tr1\tINFO\tcalled\rwith \{ n: 'ä' \}$/m);
  assert.deepEqual([posted[5][1].errorType, posted[5][1].errorMessage], ["string", "a text"]);
  const logged = (id) => JSON.parse(output.match(new RegExp(`\\t${id}\\tERROR\\tInvoke Error \\t(.*)`))[1]);
  const { stack, inner, ...own } = logged("r2");
  assert.deepEqual(own, { errorType: "RangeError", errorMessage: "mine", code: "E_MINE", order: 7 });
  assert.match(stack.join("\n"), /^RangeError: mine\n.*app\.js:4/);
  assert.deepEqual([inner.errorMessage, inner.stack[0]], ["within", "TypeError: within"]);
  assert.deepEqual([logged("r6").errorType, logged("r6").errorMessage], ["Error", "a text"]);
});

test("handlers that answer by callback are waited for, and say nothing when nothing is left to do", async (t) => {
  const { posted } = await ran(t, { "app.cjs": `
    let done = 0;
    exports.handler = (event, context, callback) => {
      context.callbackWaitsForEmptyEventLoop = event.waits;
      if (event.says === "nothing") return 7;
      setTimeout(() => { ++done; }, 1500);
      callback(null, done);
    };` }, { events: [{ waits: true }, { waits: true, says: "nothing" }, { waits: true }, { waits: false }, { waits: false }] });
  assert.deepEqual(posted.map((one) => one[1]), [0, null, 1, 2, 2]);
});

test("since nodejs24.x what is returned is the answer, and handlers that want a callback are refused", async (t) => {
  const of = (code, runtime) => ran(t, { "app.js": `exports.handler = ${code};` }, { env: { AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}` } });
  const endings = "(event, context) => ['callbackWaitsForEmptyEventLoop', 'done', 'succeed', 'fail'].filter((name) => name in context)";
  assert.deepEqual((await of(endings, "nodejs24.x")).posted.map((one) => one.slice(0, 2)), [["invocation/r1/response", []]]);
  assert.deepEqual((await of(`async ${endings}`, "nodejs22.x")).posted[0][1], ["callbackWaitsForEmptyEventLoop", "done", "succeed", "fail"]);
  assert.equal((await of(endings, "nodejs22.x")).posted[0][1], null);
  const { posted, ended } = await of("(event, context, callback) => callback(null, 1)", "nodejs24.x");
  assert.deepEqual([posted.map((one) => [one[0], one[2]]), ended], [[["init/error", "Runtime.CallbackHandlerDeprecated"]], 1]);
});

test("a promise that is never settled fails its call, and the next one comes", async (t) => {
  const app = "exports.handler = (event) => event.n === 2 ? 2 : new Promise((resolve) => event.n && setTimeout(resolve, 5, 3));";
  for (const runtime of ["nodejs20.x", "nodejs24.x"]) {
    const { posted, ended } = await ran(t, { "app.js": app }, { events: [{}, { n: 1 }, {}, { n: 2 }], env: { AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}` } });
    assert.equal(ended, "SIGKILL");
    assert.deepEqual(posted.map((one) => one[2] ?? one[1]), ["Runtime.NodeJsExit", 3, "Runtime.NodeJsExit", runtime === "nodejs20.x" ? null : 2]);
  }
});

test("a function that cannot begin is told so", async (t) => {
  for (const [files, type] of [[{ "app.mjs": "throw new RangeError('mine');" }, "RangeError"], [{}, "Runtime.ImportModuleError"]]) {
    const { posted, ended } = await ran(t, files);
    assert.deepEqual([posted.map((one) => [one[0], one[2]]), ended], [[["init/error", type]], 1]);
  }
});

test("what nobody catches fails the call that it was in, and ends the process", async (t) => {
  for (const [code, status, type, message] of [["setTimeout(() => { throw new RangeError('mine'); }, 1)", 129, "RangeError", "mine"],
                                               ["Promise.reject(new RangeError('mine'))", 128, "Runtime.UnhandledPromiseRejection", "RangeError: mine"],
                                               ["Promise.reject('a text')", 128, "Runtime.UnhandledPromiseRejection", "a text"]]) {
    const { posted, ended, output } = await ran(t, { "app.js": `exports.handler = () => { ${code}; return new Promise(() => setTimeout(() => {}, 9000)); };` });
    const [[place, told, header], ...more] = posted;
    assert.deepEqual([place, told.errorType, told.errorMessage, header, more, ended], ["invocation/r1/error", type, message, type, [], status]);
    assert.equal(told.trace[0], `${type}: ${message}`);
    assert.equal(JSON.parse(/\tERROR\t[UP][\w ]+ \t(.*)/.exec(output)[1]).errorMessage, message);
  }
});

test("what nobody catches between two calls is told while the next is asked for", async (t) => {
  const app = "exports.handler = async () => { setTimeout(() => { throw new RangeError('mine'); }, 100); };";
  const { posted, ended } = await ran(t, { "app.js": app }, { patience: 5000 });
  assert.deepEqual([posted.map((one) => [one[0], one[2]]), ended], [[["invocation/r1/response", undefined], ["invocation/r1/error", "RangeError"]], 129]);
});

test("a handler of a layer is found where the layers are", async (t) => {
  const opt = folderOf(t, { "nodejs/node_modules/around/index.mjs": "await null; export const handler = async () => 'around';",
                            "nodejs/node_modules/brought/index.js": "module.exports = 'brought';" });
  const around = await ran(t, {}, { handler: "/opt/nodejs/node_modules/around/index.handler", opt: [opt] });
  assert.deepEqual(around.posted[0][1], "around", around.output);
  const brought = await ran(t, { "app.js": "exports.handler = async () => require('brought');" }, { env: { NODE_PATH: `${opt}/nodejs/node_modules` } });
  assert.deepEqual(brought.posted[0][1], "brought");
});
