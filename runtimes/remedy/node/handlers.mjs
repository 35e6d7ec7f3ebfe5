// Handlers of Node.js functions, found and called as Lambda's own runtime (aws-lambda-nodejs-runtime-interface-client) does.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);

// An error of Lambda's names, which its stack begins with, too.
export function named(name, message) {
  class Named extends Error {}
  Named.prototype.name = name;
  return new Named(message);
}

// What a context has where answers may come by callback: since nodejs24.x Lambda takes what is returned, and nothing else.
const WAITS = "callbackWaitsForEmptyEventLoop";
export const hasCallbacks = (context) => WAITS in context;

// As much of a context as is known without one.
const [, major] = /nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV ?? "") ?? [];
export const blank = major >= 24 ? {} : { [WAITS]: true };

// Whether .js in this folder is an ES module: the nearest package.json says so.
function isModuleFolder(folder) {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const file = path.join(at, "package.json");
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, "utf8")).type === "module";
      } catch {
        return false;
      }
    }
    if (at === "/") return false;
  }
}

async function loaded(root, folder, module) {
  const base = path.resolve(root, folder, module);
  const isFile = (file) => fs.existsSync(file) && fs.statSync(file).isFile();
  if (isFile(base)) return require(base);
  if (isFile(`${base}.js`)) return isModuleFolder(path.dirname(base)) ? import(pathToFileURL(`${base}.js`).href) : require(`${base}.js`);
  if (isFile(`${base}.mjs`)) return import(pathToFileURL(`${base}.mjs`).href);
  if (isFile(`${base}.cjs`)) return require(`${base}.cjs`);
  return require(require.resolve(module, { paths: [root, folder] })); // what layers bring
}

// The function that "folder/module.function" names, below the root or by an absolute path.
export async function load(root, name) {
  const last = path.basename(name);
  const [, module, place] = /^([^.]*)\.(.*)$/.exec(last) ?? [];
  if (!module || !place || name.includes("..")) throw named("Runtime.MalformedHandlerName", "Bad handler");
  let found;
  try {
    found = await loaded(root, name.slice(0, name.length - last.length), module);
  } catch (error) {
    if (error instanceof SyntaxError) throw named("Runtime.UserCodeSyntaxError", String(error));
    if (error?.code === "MODULE_NOT_FOUND") throw named("Runtime.ImportModuleError", String(error));
    throw error;
  }
  const within = (module) => place.split(".").reduce((at, part) => at?.[part], module);
  found = within(found) ?? within(found?.default); // since nodejs24.x also in `export default { handler }`
  if (typeof found !== "function")
    throw named("Runtime.HandlerNotFound", `${name} is ${found === undefined ? "undefined or not exported" : "not a function"}`);
  return found;
}

// A context with all that another has and what is its own: to functions that look at its properties it is the same.
export function contextLike(context, own) {
  const parts = { ...Object.getOwnPropertyDescriptors(context), ...Object.getOwnPropertyDescriptors(own) };
  return Object.create(Object.getPrototypeOf(context), parts);
}

export const isGenerator = (value) =>
  typeof value?.next === "function" && (Symbol.asyncIterator in value || Symbol.iterator in value);

const resting = new Set(); // who is answered when nothing is left to do; those that began last are last

// The platform, too, listens for this, and would end the whole invocation: whoever waits for a function's answer may have
// something left to do.
const plainEmit = process.emit;
process.emit = function emit(event, ...more) {
  const last = event === "beforeExit" ? [...resting].pop() : undefined;
  if (!last) return plainEmit.call(this, event, ...more);
  resting.delete(last);
  last();
  setImmediate(() => {}); // the event loop goes on
  return true;
};

// The handler as a function that gives a promise. Where there are no callbacks, what it returns is the answer. Where there are, that
// counts if it is a promise (or a generator, for handover); else the answer comes by callback or by the context, and is null if it
// has not come when nothing is left to do. An answer by callback waits for that too, unless the function set
// context.callbackWaitsForEmptyEventLoop to false.
export function called(handler) {
  if (handler.length > 2 && !hasCallbacks(blank))
    throw named("Runtime.CallbackHandlerDeprecated", "Handlers that take a callback are not supported since nodejs24.x");
  return async (event, context) => {
    if (!hasCallbacks(context)) return handler(event, context);
    let rest; // how to answer when nothing is left to do
    const answer = new Promise((resolve, reject) => {
      let isTold = false;
      const first = (act) => (...all) => {
        if (isTold) return;
        isTold = true;
        act(...all);
      };
      const isError = (error) => error !== undefined && error !== null;
      const done = (error, result) => (isError(error) ? reject(error) : resolve(result));
      const own = contextLike(context, {
        done: first(done),
        succeed: first(resolve),
        fail: first((error) => reject(isError(error) ? error : "handled")),
      });
      const callback = first((error, result) => {
        if (isError(error) || own.callbackWaitsForEmptyEventLoop === false) return done(error, result);
        resting.delete(rest);
        resting.add((rest = () => resolve(result)));
      });
      let result;
      try {
        result = handler(event, own, callback);
      } catch (error) {
        return callback(error); // an ending like the others: the first counts
      }
      if (isGenerator(result)) first(resolve)(result);
      else if (typeof result?.then === "function") result.then(own.succeed, own.fail);
      else if (!isTold) resting.add((rest = () => resolve(null)));
    });
    return answer.finally(() => resting.delete(rest));
  };
}

// What a function threw, as the platform tells it.
export function toldOf(error) {
  const isError = error instanceof Error;
  return {
    errorType: isError ? error.name : typeof error,
    errorMessage: isError ? error.message : String(error),
    trace: isError ? String(error.stack).split("\n") : [],
  };
}
