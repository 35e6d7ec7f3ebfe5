// Places in an event: "event.order.id".
export const MISSING = Symbol("missing");

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const copy = (value) => (Array.isArray(value) ? [...value] : { ...value });

function steps(path) {
  const names = path.split(".");
  return names[0] === "event" ? names.slice(1) : names;
}

// What is there, or MISSING.
export function find(event, path) {
  for (const name of steps(path)) {
    const isThere = Array.isArray(event) ? /^\d+$/.test(name) && Number(name) < event.length : isObject(event) && Object.hasOwn(event, name);
    if (!isThere) return MISSING;
    event = event[name];
  }
  return event;
}

// A copy of the event with another value there; all else is shared. REQUIRES: find() finds it.
export function replaced(event, path, value) {
  const names = steps(path);
  if (names.length === 0) return value;
  const whole = copy(event);
  let here = whole;
  for (const name of names.slice(0, -1)) here = here[name] = copy(here[name]);
  here[names.at(-1)] = value;
  return whole;
}
