// Works around a function from a layer; the function's own code stays as it is.
//
// The platform calls handler() here instead of the function's. AUTOTUNE_REMEDY says what the function was and what is done
// for it: {"handler": "app.handler", "timeout_s": 3, "remedies": {"cache": {...}, "handover": {...}, "map_reduce": {...}}}.
// The twin of the wrapper for Python (../autotune_remedy), file by file. Nothing but Node.js, 18 and newer.
//
// It is found as /opt/nodejs/node_modules/autotune_remedy/index.handler. As an ES module it is waited for: a function that is one
// itself has begun before the first call, and what it fails with then is told as it is without the wrapper.
import { called, load } from "./handlers.mjs";
import { tell } from "./tell.mjs";

const STREAMS = Symbol.for("aws.lambda.runtime.handler.streaming");

// The function with its remedies around it, the cache outermost: what is kept is the whole answer.
export async function wrap(settings, root = process.env.LAMBDA_TASK_ROOT) {
  const { cache, relocate, handover, map_reduce: mapReduce } = settings.remedies;
  process.env._HANDLER = settings.handler; // as the function knows itself
  if (cache?.of === "answers") (await import("./answers.mjs")).install(cache); // before anything of it can hold what is replaced
  const plain = await load(root, settings.handler);
  const isResults = cache?.of === "results";
  if (!relocate && !handover && !mapReduce && !isResults) return plain;
  if (plain[STREAMS]) {
    tell("none", { off: "the function streams its answers, which are nothing that could be handed on" });
    return plain;
  }
  let fn = called(plain);
  const around = (remedy) => { fn = (event, context) => remedy.answer(event, context); };
  if (relocate) {
    const { Relocate, isOf } = await import("./relocate.mjs");
    around(new Relocate(fn, relocate, await isOf(relocate.code)));
  }
  if (handover) {
    const { Handover } = await import("./handover.mjs");
    around(new Handover(fn, handover, settings.timeout_s));
  }
  if (mapReduce) {
    const { MapReduce, reducer } = await import("./map_reduce.mjs");
    around(new MapReduce(fn, mapReduce, await reducer(mapReduce.reduce, root)));
  }
  if (isResults) {
    const { Results } = await import("./results.mjs");
    around(new Results(fn, cache));
  }
  return async (event, context) => fn(event, context); // async, as Lambda tells such functions from others
}

const told = process.env.AUTOTUNE_REMEDY;
export const handler = told === undefined ? undefined : await wrap(JSON.parse(told));
