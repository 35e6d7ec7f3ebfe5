// Invokes this very function and version again: Lambda's Invoke, signed with the function's own credentials.
//
// The function's role must allow lambda:InvokeFunction on the function itself. What takes long to import is imported when it is
// needed: most invocations are the last.
import { monotonic } from "./clock.mjs";

export const MARK = "autotune:"; // begins the keys of events that only the wrapper reads
export const CONNECT_S = 1; // where there is something else to do when nobody answers
const MOST_SYNC = 6 * 1024 * 1024, MOST_EVENT = 256 * 1024; // bytes: Lambda's limits

// The function failed; raised under the name that its own error had.
export class Failed extends Error {
  constructor(answer) {
    super(answer?.errorMessage ?? "");
    this.type = answer?.errorType ?? "Unknown";
  }

  asOwn() {
    const own = new Error(this.message);
    own.name = this.type;
    return own;
  }

  // Killed by the kernel, or ended otherwise without an answer: Lambda gives both one name.
  outOfMemory() {
    return this.type === "Runtime.ExitError" || this.type === "Runtime.OutOfMemory";
  }
}

// There is no connection, so nothing was asked.
export class Unreachable extends Error {
  name = "Unreachable";
}

// Lambda did not do what it was asked for.
export class Refused extends Error {
  name = "Refused";

  constructor(what, status, text) {
    super(`asking Lambda for ${what}: HTTP ${status} ${text}`);
    this.status = status;
  }
}

// A socket to the host, within so many seconds.
export async function connected(scheme, host, port, seconds) {
  const isSecure = scheme === "https:";
  const { default: net } = await import("node:net");
  const tls = isSecure ? await import("node:tls") : undefined;
  return new Promise((resolve, reject) => {
    const to = { host, port, autoSelectFamily: true };
    const socket = isSecure ? tls.connect({ ...to, servername: net.isIP(host) ? "" : host }) : net.connect(to);
    const end = (why) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Unreachable(`connecting to ${host}:${port}: ${why}`));
    };
    const timer = setTimeout(end, Math.max(seconds, 0.01) * 1000, "no answer");
    const failed = (error) => end(error.message || error.code);
    socket.once("error", failed).once(isSecure ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      socket.off("error", failed);
      resolve(socket.setNoDelay(true));
    });
  });
}

const quoted = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

// Headers with Signature Version 4; without credentials not signed. `now`: seconds since 1970.
export async function signed(host, path, query, body, env, now, method = "POST") {
  const headers = { host, "content-type": "application/json" };
  const key = env.AWS_ACCESS_KEY_ID, secret = env.AWS_SECRET_ACCESS_KEY;
  if (!key || !secret) return headers;
  const { createHash, createHmac } = await import("node:crypto");
  const stamp = new Date(now * 1000).toISOString().replace(/[-:]|\.\d+/g, "");
  headers["x-amz-date"] = stamp;
  if (env.AWS_SESSION_TOKEN) headers["x-amz-security-token"] = env.AWS_SESSION_TOKEN;
  const names = Object.keys(headers).sort();
  const hash = (data) => createHash("sha256").update(data).digest("hex");
  const hmac = (secretKey, text) => createHmac("sha256", secretKey).update(text).digest();
  const canonical = [method, path.split("/").map(quoted).join("/"), query, ...names.map((name) => `${name}:${headers[name]}`),
                     "", names.join(";"), hash(body)].join("\n");
  const scope = `${stamp.slice(0, 8)}/${env.AWS_REGION ?? "us-east-1"}/lambda/aws4_request`;
  const signer = scope.split("/").reduce(hmac, `AWS4${secret}`);
  const signature = hmac(signer, ["AWS4-HMAC-SHA256", stamp, scope, hash(canonical)].join("\n")).toString("hex");
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return headers;
}

// {status, headers, text} of the answer to one signed request. Fails with Unreachable when nothing was asked.
async function exchanged(method, endpoint, path, query, body, more, seconds, env, connectS = seconds) {
  const url = new URL(endpoint);
  const headers = { ...(await signed(url.host, path, query, body, env, Date.now() / 1000, method)), ...more };
  if (body.length > 0) headers["content-length"] = body.length;
  const within = Math.max(seconds, 0.1);
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const socket = await connected(url.protocol, url.hostname.replace(/^\[|\]$/g, ""), port, Math.min(within, connectS));
  const { default: http } = await import("node:http");
  return new Promise((resolve, reject) => {
    const request = http.request({ method, path: path + (query && `?${query}`), headers, createConnection: () => socket });
    const timer = setTimeout(() => {
      const late = new Error(`no answer within ${within.toFixed(1)} s`);
      late.name = "TimeoutError";
      request.destroy(late);
    }, within * 1000);
    const failed = (error) => {
      clearTimeout(timer);
      reject(error);
    };
    request.on("error", failed).on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk)).on("error", failed).on("end", () => {
        clearTimeout(timer);
        socket.destroy();
        resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString("utf8") });
      });
    });
    request.end(body);
  });
}

// Asks Lambda about this function and version. Fails with Unreachable when it was not asked, with Refused when it would not.
async function send(method, rest, body, more, seconds, env, connectS) {
  const endpoint = env.AWS_ENDPOINT_URL_LAMBDA || `https://lambda.${env.AWS_REGION ?? "us-east-1"}.amazonaws.com`;
  const path = `/2015-03-31/functions/${env.AWS_LAMBDA_FUNCTION_NAME}/${rest}`;
  const query = `Qualifier=${quoted(env.AWS_LAMBDA_FUNCTION_VERSION ?? "$LATEST")}`;
  const answer = await exchanged(method, endpoint, path, query, body, more, seconds, env, connectS);
  if (answer.status >= 300) throw new Refused(rest, answer.status, answer.text.slice(0, 200));
  return answer;
}

// CodeSha256 of this version. Takes lambda:GetFunctionConfiguration.
export async function ownCodeHash(env = process.env, seconds = 5) {
  const { text } = await send("GET", "configuration", Buffer.alloc(0), {}, seconds, env, CONNECT_S);
  return JSON.parse(text).CodeSha256 ?? "";
}

// The answer; null when nobody waits for it. Fails with Failed when the function did, with Unreachable when it was not asked
// (connecting takes connectS at most, or as long as everything), with something else when nothing is known.
export async function invoke(event, seconds, wait = true, env = process.env, connectS = undefined) {
  const body = Buffer.from(JSON.stringify(event));
  if (body.length > (wait ? MOST_SYNC : MOST_EVENT))
    throw new RangeError(`${body.length} bytes are too many to be handed to another invocation`);
  const more = { "x-amz-invocation-type": wait ? "RequestResponse" : "Event" };
  if (env._X_AMZN_TRACE_ID) more["x-amzn-trace-id"] = env._X_AMZN_TRACE_ID;
  const { headers, text } = await send("POST", "invocations", body, more, seconds, env, connectS);
  const answer = text ? JSON.parse(text) : null;
  if (headers["x-amz-function-error"]) throw new Failed(answer);
  return wait ? answer : null;
}

const slept = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// invoke() that tries again while there is no capacity, with growing pauses, as long as there is time.
export function throttled(deadline, call = invoke, clock = monotonic, sleep = slept) {
  return async (event, wait = true) => {
    for (let pause = 0.1; ; pause = Math.min(2 * pause, 5)) {
      const left = deadline - clock();
      try {
        return await call(event, left, wait);
      } catch (error) {
        if (error?.status !== 429 || left < 2 * pause) throw error;
      }
      await sleep(pause);
    }
  };
}
