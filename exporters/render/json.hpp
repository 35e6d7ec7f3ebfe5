// Invocations and facts as JSON, one object, one line, no newline at its end. The unit is in the name
// (…_ms, …_s) or bytes; wall times are RFC 3339. Invalid UTF-8 becomes U+FFFD.
#pragma once

#include <string>

#include "core/facts.hpp"
#include "core/invocation.hpp"

namespace autotune::render {

[[nodiscard]] std::string invocation_json(const Invocation& invocation);

// Durations in seconds, unknown facts null: {"function","window_s","facts":{"fn.p95":0.25,…},"deps":[{…}],…}.
[[nodiscard]] std::string facts_json(const FunctionFacts& facts);

}  // namespace autotune::render
