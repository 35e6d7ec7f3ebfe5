// CEL's values as JSON objects of one member, which names the kind: {"int": "1"}.
//
//   {"null": null} {"bool": true} {"int": "-1"} {"uint": "1"} {"double": "0.1"} {"string": "…"}
//   {"bytes": "00ff"}, in hexadecimal
//   {"duration": {"seconds": "-1", "nanos": "-500000000"}} {"timestamp": {"seconds": "0", "nanos": "0"}}
//   {"list": [value, …]} {"map": [[key, value], …]} {"type": "int"}
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "rules/cel/value.hpp"

namespace autotune::cel {

// On one line. REQUIRES a usable value. What is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string to_json(const Value& value);

// Fails with what is wrong, and where: "x.list[2]: …". Nesting is bounded by kDeepestValue.
[[nodiscard]] Result<Value> from_json(std::string_view json);

// {"x": value, …}, in the order of the text.
using Bindings = std::vector<std::pair<std::string, Value>>;
[[nodiscard]] Result<Bindings> bindings_from_json(std::string_view json);

}  // namespace autotune::cel
