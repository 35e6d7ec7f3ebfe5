// One line in the function's log. Not by console.log, which the platform and the function may have made something else of.
export function tell(what, more) {
  process.stdout.write(`AUTOTUNE ${JSON.stringify({ remedy: what, ...more })}\n`);
}
