// How the wrapper invokes its function again: signed, with patience, and not more than Lambda takes.
import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";

import * as again from "../../../runtimes/remedy/node/again.mjs";
import { Clock } from "./world.mjs";

const SIGNED = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-west-1/lambda/aws4_request, " +
  "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, " +
  "Signature=07b0d28e17b303f1442b1b1cd0fdfb5143d0b9e38dc6b392ab1facf7f4c92238";

test("the signature is that of an independent signer", async () => {
  // Worked out with botocore's SigV4Auth for the same request.
  const env = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                AWS_SESSION_TOKEN: "token", AWS_REGION: "eu-west-1" };
  const headers = await again.signed("lambda.eu-west-1.amazonaws.com", "/2015-03-31/functions/shop/invocations", "Qualifier=%24LATEST",
                               Buffer.from('{"a":1}'), env, 1700000000);
  assert.equal(headers.authorization, SIGNED);
});

test("no capacity is waited for, other refusals are not", async () => {
  const clock = new Clock(), left = [];
  const call = async (_event, seconds) => {
    left.push(seconds);
    if (left.length < 3) throw new again.Refused("invocations", 429, "slow down");
    return "done";
  };
  const sleep = async (seconds) => { clock.now += seconds; };
  assert.equal(await again.throttled(clock.now + 10, call, clock.read, sleep)({}), "done");
  assert.deepEqual(left.map((seconds) => Math.round((10 - seconds) * 1000)), [0, 100, 300]);
  for (const status of [429, 500]) {
    let asked = 0;
    const refuse = async () => { ++asked; throw new again.Refused("invocations", status, ""); };
    await assert.rejects(again.throttled(clock.now + (status === 429 ? 0 : 10), refuse, clock.read, sleep)({}), { status });
    assert.equal(asked, 1);
  }
});

test("too much is told before it is sent", async () => {
  const env = { AWS_LAMBDA_FUNCTION_NAME: "f", AWS_ENDPOINT_URL_LAMBDA: "http://127.0.0.1:1" };
  await assert.rejects(again.invoke({ a: "x".repeat(300000) }, 1, false, env), /too many to be handed/);
});

test("what is asked, and what comes of it", async (t) => {
  const asked = [];
  let answer = { status: 200, headers: {}, text: "[1]" };
  const server = http.createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => { body += chunk; }).on("end", () => {
      asked.push([request.method, request.url, request.headers["x-amz-invocation-type"], request.headers["x-amzn-trace-id"], body]);
      response.writeHead(answer.status, answer.headers).end(answer.text);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const env = { AWS_LAMBDA_FUNCTION_NAME: "f", AWS_LAMBDA_FUNCTION_VERSION: "7", _X_AMZN_TRACE_ID: "Root=1",
                AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${server.address().port}` };
  assert.deepEqual(await again.invoke({ n: "ä" }, 5, true, env), [1]);
  assert.equal(await again.invoke({}, 5, false, env), null);
  assert.deepEqual(asked, [["POST", "/2015-03-31/functions/f/invocations?Qualifier=7", "RequestResponse", "Root=1", '{"n":"ä"}'],
                           ["POST", "/2015-03-31/functions/f/invocations?Qualifier=7", "Event", "Root=1", "{}"]]);
  answer = { status: 200, headers: { "X-Amz-Function-Error": "Unhandled" }, text: '{"errorType":"Runtime.ExitError","errorMessage":"killed"}' };
  const failed = await again.invoke({}, 5, true, env).catch((error) => error);
  assert.deepEqual([failed instanceof again.Failed, failed.outOfMemory(), failed.asOwn().name, failed.asOwn().message],
                   [true, true, "Runtime.ExitError", "killed"]);
  answer = { status: 403, headers: {}, text: "no" };
  await assert.rejects(again.invoke({}, 5, true, env), { name: "Refused", status: 403, message: "asking Lambda for invocations: HTTP 403 no" });
  answer = { status: 200, headers: {}, text: '{"CodeSha256":"abc"}' };
  assert.equal(await again.ownCodeHash(env), "abc");
  assert.equal(asked.at(-1)[0], "GET");
});
