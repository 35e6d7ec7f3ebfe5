// What the wrapper's tests share: a platform whose clock is the test's own.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export class Clock {
  now = 100;
  read = () => this.now; // to be handed on
}

// The platform's, as it is up to nodejs22.x: so much time is left of the whole.
export function context(clock, seconds) {
  const ends = clock.now + seconds;
  const getRemainingTimeInMillis = () => Math.max(0, Math.trunc((ends - clock.now) * 1000));
  return { awsRequestId: "id", callbackWaitsForEmptyEventLoop: true, getRemainingTimeInMillis };
}

export const throughJson = (value) => JSON.parse(JSON.stringify(value));

// A folder with these files, {"dir/app.mjs": text}, until the test has ended.
export function folderOf(t, files) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "remedy-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

// What the wrapper says in the log while this runs.
export async function saidWhile(work) {
  const write = process.stdout.write, said = [];
  process.stdout.write = (text, ...more) =>
    String(text).startsWith("AUTOTUNE ") ? said.push(JSON.parse(text.slice(9))) : write.call(process.stdout, text, ...more);
  try {
    await work();
  } finally {
    process.stdout.write = write;
  }
  return said;
}
