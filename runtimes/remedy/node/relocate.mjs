// Sends the function's calls to where they are quickest: a copy of it in another region or on another host, nearer to what
// it waits for, or here.
//
// Each place, this one too, gets the first few calls in turn; then the one with the smallest median of its last calls gets
// them all, but for a look at another now and then: soon at first, as what has just begun is slow, later every fiftieth call. A look
// that was quicker than that median is followed by as many calls as count at first, and what was known of the place is forgotten.
// The first call that a place answers says nothing: a sandbox begins there, or here what the function needs is loaded.
// A place that cannot be reached within a second is left alone for a minute, and the call is made here. What a copy answers, an
// error too, is the answer.
//
// The copies are of the code that the function had when they were made ("code"). Where this version has another, deployed
// since by whoever, or cannot find out, its calls stay here.
import { CONNECT_S, Failed, Unreachable, invoke, ownCodeHash } from "./again.mjs";
import { monotonic } from "./clock.mjs";
import { tell } from "./tell.mjs";

const REMEMBERED = 20, REST_S = 60;

class Place {
  times = [];
  answered = false;
  tried = 0; // calls; from 1 on again when it first answered, and when a look was quicker
  lastAsked = 0;
  restsUntil = 0;

  constructor(name, call) {
    this.name = name;
    this.call = call;
  }

  took(seconds) {
    this.times.push(seconds);
    if (this.times.length > REMEMBERED) this.times.shift();
  }

  median() {
    const sorted = [...this.times].sort((a, b) => a - b), half = sorted.length >> 1;
    if (sorted.length === 0) return Infinity;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
}

// Whether this version's code is the copies'.
export async function isOf(code, ask = ownCodeHash) {
  let own;
  try {
    own = await ask();
  } catch (error) {
    tell("relocate", { off: "which code this is cannot be found out", because: String(error) });
    return false;
  }
  if (own !== code) tell("relocate", { off: "the copies are of other code" });
  return own === code;
}

// Whether the call was certainly not carried out there.
const notBegun = (error) => error instanceof Unreachable || (error?.status >= 400 && error.status < 500);

const least = (places, of) => places.reduce((best, place) => (of(place) < of(best) ? place : best));

export class Relocate {
  calls = 0;
  nextLook = undefined; // the number of the call that goes to another place
  told = undefined; // the place that gets the calls

  // `mayLeave`: as isOf() says.
  constructor(fn, settings, mayLeave, clock = monotonic, ask = invoke, env = process.env) {
    this.clock = clock;
    this.tries = settings.tries ?? 5;
    this.again = settings.again ?? 50;
    this.here = new Place("here", fn);
    this.places = [this.here, ...(mayLeave ? settings.places : []).map((place) => this.#there(place, ask, env))];
  }

  #there(place, ask, env) {
    const { AWS_ENDPOINT_URL_LAMBDA: _, ...own } = env;
    Object.assign(own, { AWS_REGION: place.region, AWS_LAMBDA_FUNCTION_VERSION: "$LATEST" });
    if (place.endpoint) own.AWS_ENDPOINT_URL_LAMBDA = place.endpoint;
    return new Place(place.name, (event, context) => {
      const told = { ...own, _X_AMZN_TRACE_ID: env._X_AMZN_TRACE_ID }; // another with each invocation
      return ask(event, context.getRemainingTimeInMillis() / 1000, true, told, CONNECT_S);
    });
  }

  #choose() {
    const awake = this.places.filter((place) => this.clock() >= place.restsUntil);
    const untried = least(awake, (place) => place.tried);
    if (untried.tried <= this.tries) return untried;
    const next = Math.min(2 * this.calls, this.calls + this.again);
    this.nextLook ??= next;
    if (this.calls >= this.nextLook) {
      this.nextLook = next;
      return least(awake, (place) => place.lastAsked);
    }
    const best = least(awake, (place) => place.median());
    if (best !== this.told) {
      this.told = best;
      const measured = this.places.filter((place) => place.times.length > 0);
      tell("relocate", { to: best.name, medians_ms: Object.fromEntries(measured.map((p) => [p.name, Math.round(p.median() * 1e4) / 10])) });
    }
    return best;
  }

  async answer(event, context) {
    this.calls += 1;
    const place = this.#choose();
    if (place === this.here) return this.#timed(place, event, context);
    try {
      return await this.#timed(place, event, context);
    } catch (error) {
      if (error instanceof Failed) throw error.asOwn();
      place.restsUntil = this.clock() + REST_S;
      if (!notBegun(error)) throw error;
      tell("relocate", { unreachable: place.name, because: String(error) });
      return this.#timed(this.here, event, context);
    }
  }

  async #timed(place, event, context) {
    const begin = this.clock();
    place.tried += 1;
    place.lastAsked = this.calls;
    const answer = await place.call(event, context);
    const seconds = this.clock() - begin;
    if (!place.answered) {
      place.answered = true;
      place.tried = 1;
      return answer;
    }
    if (this.told && place !== this.told && place.tried > this.tries + 1 && seconds < this.told.median()) {
      place.times = [];
      place.tried = 1;
    }
    place.took(seconds);
    return answer;
  }
}
