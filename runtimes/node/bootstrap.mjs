// Runs one Node.js function on the Lambda Runtime API (2018-06-01). Nothing but Node.js, 18 and newer.
//
// What functions see (context, error objects, log lines) is what AWS's runtime shows them. Handlers are found and called as
// the wrapper of remedies does it (handlers.mjs, which lies beside).
import http from "node:http";
import { format } from "node:util";

import { blank, called, load, named, toldOf } from "./handlers.mjs";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let requestId = "";

function ask(method, path, body, more = {}, by = agent) {
  return new Promise((resolve, reject) => {
    const headers = method === "POST" ? { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...more } : {};
    const request = http.request({ host, port, agent: by, method, path: `/2018-06-01/runtime/${path}`, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk)).on("error", reject).on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString("utf8") }));
    });
    request.on("error", reject).end(body);
  });
}

// Lambda's form of a log line; a line's end within it would begin another line.
function logged(level) {
  return (...all) =>
    process.stdout.write(`${new Date().toISOString()}\t${requestId}\t${level}\t${format(...all).replaceAll("\n", "\r")}\n`);
}

function prepareLogging() {
  const levels = { trace: "TRACE", debug: "DEBUG", log: "INFO", info: "INFO", warn: "WARN", error: "ERROR" };
  for (const [name, level] of Object.entries(levels)) console[name] = logged(level);
}

// An error as Lambda's log lines have it: with what it has of its own, and errors among that likewise.
function shown(error) {
  const parts = (_name, value) => !(value instanceof Error) ? value
    : { errorType: value.name, errorMessage: value.message, code: value.code, ...value, stack: value.stack.split("\n") };
  try {
    return JSON.stringify(error instanceof Error ? error : new Error(error), parts);
  } catch {
    return JSON.stringify(toldOf(error)); // what it has cannot be JSON
  }
}

// By a connection of its own: on the other one an answer may be waited for that is long in coming, the next invocation.
function fail(path, words, error) {
  const told = toldOf(error);
  console.error(words, `\t${shown(error)}`);
  const type = { "lambda-runtime-function-error-type": told.errorType.replace(/[^\x20-\x7e]/g, "?") };
  return ask("POST", path, JSON.stringify(told), type, false);
}

// What nobody caught ends the process; the invocation that it was in, or the start, failed by it.
function end(error, words, status) {
  const path = requestId === "" ? "init/error" : `invocation/${requestId}/error`;
  fail(path, words, error).finally(() => process.exit(status));
}

function endAtErrors() {
  process.on("uncaughtException", (error) => end(error, "Uncaught Exception", 129));
  process.on("unhandledRejection", (reason, promise) => {
    const error = named("Runtime.UnhandledPromiseRejection", String(reason));
    end(Object.assign(error, { reason, promise }), "Unhandled Promise Rejection", 128);
  });
}

// The answer, or an error once nothing is left to do that it could come by: the process would end without a word.
async function settled(answer) {
  const error = named("Runtime.NodeJsExit", "Nothing is left to do, and the promise of the function's answer was not settled");
  let rest;
  const never = new Promise((_, reject) => { rest = () => setImmediate(reject, error); });
  process.once("beforeExit", rest);
  try {
    return await Promise.race([answer, never]);
  } finally {
    process.off("beforeExit", rest);
  }
}

function contextOf(headers) {
  const env = process.env, deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const json = (text) => (text === undefined ? undefined : JSON.parse(text));
  return {
    ...blank,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: json(headers["lambda-runtime-client-context"]),
    identity: json(headers["lambda-runtime-cognito-identity"]),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

async function serve(handler) {
  const { status, headers, body } = await ask("GET", "invocation/next");
  if (status !== 200) throw new Error(`invocation/next answered ${status}: ${body.slice(0, 200)}`);
  requestId = headers["lambda-runtime-aws-request-id"];
  if (headers["lambda-runtime-trace-id"]) process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"];
  else delete process.env._X_AMZN_TRACE_ID;
  let answer;
  try {
    answer = JSON.stringify((await settled(handler(JSON.parse(body || "{}"), contextOf(headers)))) ?? null) ?? "null";
  } catch (error) {
    await fail(`invocation/${requestId}/error`, "Invoke Error", error);
    return;
  }
  await ask("POST", `invocation/${requestId}/response`, answer);
}

// argv[2]: where the function's layers are, if it has any; /opt, but on machines where nothing can be laid over it.
function handlerName() {
  const name = process.env._HANDLER, opt = process.argv[2];
  return opt !== undefined && name.startsWith("/opt/") ? opt + name.slice("/opt".length) : name;
}

prepareLogging();
endAtErrors();
let handler;
try {
  handler = called(await load(process.env.LAMBDA_TASK_ROOT, handlerName()));
} catch (error) {
  await fail("init/error", "Uncaught Exception", error);
  process.exit(1);
}
for (;;) await serve(handler);
