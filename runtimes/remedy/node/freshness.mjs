// What of HTTP answers may be kept, and for how long: RFC 9111, the rules of a shared cache.
const CONDITIONAL = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"];

// {"max-age": "60", "no-store": ""}
function directives(text) {
  const parts = (text ?? "").split(",").map((part) => part.trim()).filter(Boolean);
  return Object.fromEntries(parts.map((part) => {
    const [name, ...value] = part.split("=");
    return [name.toLowerCase(), value.join("=").replace(/^[" ]+|[" ]+$/g, "")];
  }));
}

// The names of request headers that an answer with these depends on.
export const variesBy = (headers) => (headers.vary ?? "").toLowerCase().split(",").map((name) => name.trim()).filter(Boolean).sort();

// A date in one of the three forms of HTTP, in milliseconds; NaN: it is none. Date.parse takes "3600" for a year.
const DATE = /^([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/;
export const dateOf = (text) => (DATE.test(text) ? Date.parse(text.endsWith("GMT") ? text : `${text} GMT`) : NaN);

const seconds = (text) => (/^\d+$/.test(text ?? "") ? Number(text) : 0);

// For how many seconds an answer may be given again; `asked`: the request's headers; `otherwise`: where the answer does not say.
export function freshFor(status, headers, asked, otherwise) {
  const control = directives(headers["cache-control"]);
  const says = (...words) => words.some((word) => word in control);
  if (status !== 200 || variesBy(headers).includes("*") || "set-cookie" in headers) return 0;
  if (says("no-store", "no-cache", "private")) return 0;
  if ("authorization" in asked && !says("public", "s-maxage", "must-revalidate")) return 0;
  const age = seconds(headers.age);
  for (const word of ["s-maxage", "max-age"]) if (word in control) return seconds(control[word]) - age;
  if ("expires" in headers) {
    const now = "date" in headers ? dateOf(headers.date) : Date.now();
    const lasts = (dateOf(headers.expires) - now) / 1000 - age;
    return Number.isNaN(lasts) ? 0 : lasts;
  }
  return "authorization" in asked || "cookie" in asked ? 0 : otherwise;
}

// The platform's own requests are none of the function's.
const isPlatform = (url) => url.startsWith(`http://${process.env.AWS_LAMBDA_RUNTIME_API}/`);

const isUnsafe = (method) => ["POST", "PUT", "PATCH", "DELETE"].includes(method);

// What a request, by its method and address, means to the cache: "ask", "forget" or undefined, nothing.
export function meaning(method, url) {
  if (isPlatform(url)) return undefined;
  return method === "GET" ? "ask" : isUnsafe(method) ? "forget" : undefined;
}

// Whether a GET without a body may be answered from memory.
export function mayAsk(asked) {
  const control = directives(asked["cache-control"]);
  return !("no-cache" in control) && !("no-store" in control) && !CONDITIONAL.some((name) => name in asked);
}
