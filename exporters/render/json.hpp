// Invocations and facts as JSON, one object, one line, no newline at its end. Times in seconds (wall
// times RFC 3339), memory in bytes unless the name says otherwise. Invalid UTF-8 becomes U+FFFD.
#pragma once

#include <string>

#include "core/facts.hpp"
#include "core/invocation.hpp"

namespace autotune::render {

[[nodiscard]] std::string invocation_json(const Invocation& invocation);

// Unknown facts are null: {"function","from_s","to_s","facts":{"fn.p95":0.25,…},"deps":[{…}],…}.
[[nodiscard]] std::string facts_json(const FunctionFacts& facts);

}  // namespace autotune::render
