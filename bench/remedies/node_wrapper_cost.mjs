#!/usr/bin/env node
// What the wrapper costs a Node.js function that does nothing: its import at the start of a sandbox, and each call.
//
// CPU time of the process, also of the threads that read its files: at a fraction of a core that is what a start waits for. Medians of
// nine processes, beside the function alone in the same run.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const WRAPPER = new URL("../../runtimes/remedy/node/index.mjs", import.meta.url).href;
const CALLS = 20_000;
const PROGRAM = `
  const cpu = (since) => { const { user, system } = process.cpuUsage(since); return user + system; };
  const begin = process.cpuUsage();
  const { handler } = await import(process.env.MODULE);
  const imported = cpu(begin);
  const context = { getRemainingTimeInMillis: () => 3000 }, event = { n: 1, items: [1, 2, 3] };
  for (let i = 0; i < 5000; ++i) await handler(event, context);
  const first = process.cpuUsage();
  for (let i = 0; i < ${CALLS}; ++i) await handler(event, context);
  console.log(imported / 1e3, cpu(first) / ${CALLS});`;
const REMEDIES = {
  none: undefined,
  "cache answers": { cache: { of: "answers" } },
  "cache results, from memory": { cache: { of: "results", check_first: 0, check_every: 0 } },
  handover: { handover: {} },
  map_reduce: { map_reduce: { over: "event.items" } },
};

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

// Milliseconds of the import, microseconds a call.
function measure(folder, remedies) {
  const env = { LAMBDA_TASK_ROOT: folder, MODULE: remedies === undefined ? path.join(folder, "app.mjs") : WRAPPER };
  if (remedies !== undefined) env.AUTOTUNE_REMEDY = JSON.stringify({ handler: "app.handler", timeout_s: 3, remedies });
  const runs = Array.from({ length: 9 }, () =>
    spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM], { env, encoding: "utf8" }).stdout.split(" ").map(Number));
  return [0, 1].map((i) => median(runs.map((run) => run[i])));
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wrapper-"));
try {
  fs.writeFileSync(path.join(folder, "app.mjs"), "export const handler = async (event) => event;\n");
  for (const [name, remedies] of Object.entries(REMEDIES)) {
    const [imported, call] = measure(folder, remedies);
    console.log(`${name.padEnd(28)} import ${imported.toFixed(1).padStart(5)} ms   call ${call.toFixed(2).padStart(6)} µs`);
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}
