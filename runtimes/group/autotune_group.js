// Several functions as one deployment: calls of a member by a member are made here, all others go out as they are.
//
// The Node.js twin of autotune_group.py, and of its configuration: autotune_group.json beside this file. The code of each
// member is in members/NAME; the handler of the deployment is autotune_group.handler.
//
// - Each member has its own folder, package.json and node_modules; what the runtime brings is found as before. ES modules
//   (.mjs, or "type": "module") and CommonJS may be together.
// - InvokeCommand of the AWS SDK v3 (@aws-sdk/client-lambda), sent by LambdaClient or Lambda, is looked at as the SDK is
//   loaded, each copy of it: RequestResponse of a member, without qualifier or with one of `qualifiers`, by name or by an ARN
//   of this account and region, is a call here. A copy that a bundler (esbuild, as SAM and CDK run it) has put into a member's
//   own file is never loaded by name: its calls go out. Mark @aws-sdk/* as external there.
//   Payloads go through JSON both ways, so that neither side can change what the other holds. What the callee throws is
//   answered as Lambda does: FunctionError and an errorMessage. Event stays remote: nobody waits for it, and it has its own
//   retries and limits. Middleware of the client does not see calls made here.
// - The callee's context has its own name, a request id of its own, and the time that is left to the caller or the callee's
//   own timeout, whichever is less; that is looked at by the callee, not enforced. Its succeed, fail and done, where the
//   platform has them, end its own call.
//   All members share one thread, the working folder and the deployment's memory.
// - `environment` of the configuration, the variables of all members, is there before they are loaded; what the deployment
//   has of the same names goes before.
//
// Nothing but Node.js, 18 and later.
"use strict";
const { AsyncLocalStorage } = require("node:async_hooks");
const { randomUUID } = require("node:crypto");
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");

const CONFIG = JSON.parse(fs.readFileSync(path.join(__dirname, "autotune_group.json"), "utf8"));
const MEMBERS = CONFIG.members;
for (const [name, value] of Object.entries(CONFIG.environment ?? {})) process.env[name] ??= value;
const library = import("./autotune_handlers.mjs"); // how handlers are found and called, as by the wrapper of remedies
const current = new AsyncLocalStorage(); // the context on whose behalf this runs
const handlers = new Map();

async function load(member) {
  const { called, load: loaded } = await library;
  try {
    return called(await loaded(path.join(__dirname, "members", member), MEMBERS[member].handler));
  } catch (error) {
    if (error instanceof Error) error.message = `${member}: ${error.message}`;
    throw error;
  }
}

function handlerOf(member) {
  if (!handlers.has(member)) handlers.set(member, load(member));
  return handlers.get(member);
}

async function contextOf(member, caller) {
  const { blank, contextLike, hasCallbacks } = await library;
  const left = caller?.getRemainingTimeInMillis?.() ?? 900_000;
  const until = Date.now() + Math.min((MEMBERS[member].timeout_s ?? 900) * 1000, left);
  const from = caller ?? blank;
  return contextLike(from, {
    functionName: member,
    awsRequestId: randomUUID(),
    getRemainingTimeInMillis: () => Math.max(0, until - Date.now()),
    // What is left to do may be its caller's, who waits for it.
    ...(hasCallbacks(from) && { callbackWaitsForEmptyEventLoop: false }),
  });
}

// What an Invoke of a member answers: [text, whether it is an error].
async function call(member, payload) {
  const context = await contextOf(member, current.getStore());
  try {
    const result = await current.run(context, async () => (await handlerOf(member))(payload, context));
    return [JSON.stringify(result ?? null) ?? "null", false];
  } catch (error) {
    return [JSON.stringify((await library).toldOf(error)), true];
  }
}

// A name, ACCOUNT:function:NAME or an ARN, each with or without :QUALIFIER.
const NAME = /^(?:(arn:[^:]+:lambda:[^:]+:)?(\d{12}):function:)?([\w-]+)(?::([^:]+))?$/;

// The member that this names; undefined: it is to be called elsewhere. Functions of other accounts and regions may have a
// member's name; where this runs is what the platform says of the invocation.
function memberOf(name, qualifier) {
  const [, region, account, own, version] = NAME.exec(name ?? "") ?? [];
  const [, ownRegion, ownAccount] = NAME.exec(current.getStore()?.invokedFunctionArn ?? "") ?? [];
  const isHere = (region ?? ownRegion) === ownRegion && (account ?? ownAccount) === ownAccount;
  const asked = qualifier || version;
  const isKnown = !asked || (CONFIG.qualifiers ?? []).includes(asked);
  return isHere && isKnown && Object.hasOwn(MEMBERS, own ?? "") ? own : undefined;
}

// Bytes with the SDK's way to read them.
class Payload extends Uint8Array {
  transformToString(encoding = "utf-8") {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString(encoding);
  }
}

async function answered(member, input) {
  const payload = input.Payload ?? "{}";
  const text = typeof payload === "string" ? payload : Buffer.from(payload).toString("utf8");
  const [told, failed] = await call(member, JSON.parse(text || "{}"));
  const answer = { $metadata: { httpStatusCode: 200, requestId: randomUUID(), attempts: 1, totalRetryDelay: 0 }, StatusCode: 200 };
  if (failed) answer.FunctionError = "Unhandled";
  return { ...answer, ExecutedVersion: "$LATEST", Payload: new Payload(Buffer.from(told)) };
}

const routed = new WeakSet();

function route({ LambdaClient, InvokeCommand }) {
  if (routed.has(LambdaClient)) return;
  routed.add(LambdaClient);
  const remote = LambdaClient.prototype.send;
  LambdaClient.prototype.send = function send(command, options, callback) {
    const input = command instanceof InvokeCommand ? command.input : undefined;
    const isWaitedFor = input && (input.InvocationType ?? "RequestResponse") === "RequestResponse";
    const member = isWaitedFor ? memberOf(input.FunctionName, input.Qualifier) : undefined;
    if (member === undefined) return remote.call(this, command, options, callback);
    const done = typeof options === "function" ? options : callback;
    const answer = answered(member, input);
    if (typeof done !== "function") return answer;
    answer.then((result) => done(null, result), (error) => done(error));
    return undefined;
  };
}

// Each copy of the SDK that is loaded by its name: what ES modules import of it goes this way too.
const plainLoad = Module._load;
Module._load = function load(request, ...more) {
  const loaded = plainLoad.call(this, request, ...more);
  if (String(request).includes("client-lambda") && typeof loaded?.LambdaClient === "function" && typeof loaded?.InvokeCommand === "function")
    route(loaded);
  return loaded;
};

// A member that cannot be loaded is found at the start, as it would be by itself.
const ready = Promise.all(Object.keys(MEMBERS).map(handlerOf));
ready.catch(() => {});

exports.handler = async function handler(event, context) {
  await ready;
  const entry = await handlerOf(CONFIG.entry);
  return current.run(context, () => entry(event, context));
};
