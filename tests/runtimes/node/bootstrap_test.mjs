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
// by itself, or by SIGKILL when there was nothing more to do.
async function ran(t, files, { handler = "app.handler", events = [{}], opt = [], env = {} } = {}) {
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
      if (next === events.length) return child.kill("SIGKILL");
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
      if (event.fails) throw new RangeError("mine");
      if (event.big) return 1n;
      if (event.nothing) return;
      return [event.n, context.functionName, context.awsRequestId, context.invokedFunctionArn, context.getRemainingTimeInMillis() > 0, process.env._X_AMZN_TRACE_ID];
    };` }, { events: [{ n: "ä" }, { fails: true }, { big: true }, { nothing: true }, { n: 2 }] });
  assert.equal(ended, "SIGKILL", output);
  assert.deepEqual(posted.map((one) => one[0]), ["r1/response", "r2/error", "r3/error", "r4/response", "r5/response"].map((place) => `invocation/${place}`));
  assert.deepEqual(posted[0][1], ["ä", "shop", "r1", "arn:f", true, "Root=1"]);
  assert.deepEqual([posted[1][1].errorType, posted[1][1].errorMessage, posted[1][2]], ["RangeError", "mine", "RangeError"]);
  assert.match(posted[1][1].trace.join("\n"), /app\.js:4/);
  assert.equal(posted[2][1].errorType, "TypeError");
  assert.deepEqual([posted[3][1], posted[4][1][5]], [null, "Root=5"]);
  assert.match(output, /^\S+Z\tr1\tINFO\tcalled\rwith \{ n: 'ä' \}$/m);
  assert.match(output, /\tr2\tERROR\tInvoke Error\r?.*"errorType":"RangeError"/);
});

test("handlers that answer by callback are waited for, and say nothing when nothing is left to do", async (t) => {
  const { posted } = await ran(t, { "app.cjs": `
    exports.handler = (event, context, callback) => {
      if (event.n === 2) return 7;
      setTimeout(() => process.stdout.write("later"), 20);
      callback(null, "by callback");
    };` }, { events: [{ n: 1 }, { n: 2 }, { n: 3 }] });
  assert.deepEqual(posted.map((one) => one[1]), ["by callback", null, "by callback"]);
});

test("a function that cannot begin is told so", async (t) => {
  for (const [files, type] of [[{ "app.mjs": "throw new RangeError('mine');" }, "RangeError"], [{}, "Runtime.ImportModuleError"]]) {
    const { posted, ended } = await ran(t, files);
    assert.deepEqual([posted.map((one) => [one[0], one[2]]), ended], [[["init/error", type]], 1]);
  }
});

test("what nobody catches fails the call that it was in, and ends the process", async (t) => {
  for (const [code, status] of [["setTimeout(() => { throw new RangeError('mine'); }, 1)", 129], ["Promise.reject(new RangeError('mine'))", 128]]) {
    const { posted, ended } = await ran(t, { "app.js": `exports.handler = () => { ${code}; return new Promise(() => setTimeout(() => {}, 9000)); };` });
    assert.deepEqual([posted.map((one) => [one[0], one[1].errorMessage]), ended], [[["invocation/r1/error", "mine"]], status]);
  }
});

test("a handler of a layer is found where the layers are", async (t) => {
  const opt = folderOf(t, { "nodejs/node_modules/around/index.mjs": "await null; export const handler = async () => 'around';",
                            "nodejs/node_modules/brought/index.js": "module.exports = 'brought';" });
  const around = await ran(t, {}, { handler: "/opt/nodejs/node_modules/around/index.handler", opt: [opt] });
  assert.deepEqual(around.posted[0][1], "around", around.output);
  const brought = await ran(t, { "app.js": "exports.handler = async () => require('brought');" }, { env: { NODE_PATH: `${opt}/nodejs/node_modules` } });
  assert.deepEqual(brought.posted[0][1], "brought");
});
