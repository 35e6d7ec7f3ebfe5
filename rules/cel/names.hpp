// What names of expressions stand for (cel-spec, langdef.md, "Name Resolution").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/type.hpp"

namespace autotune::cel {

struct Variable {
    std::string name;  // may have dots: "fn.p95"
    Type type;
};

// What an expression may name. Outlives the programs compiled against it only in their indices: keep
// the order.
struct Environment {
    std::vector<Variable> variables;
    std::string container = {};  // "a.b": `x` is a.b.x, a.x or x, whichever there is first; `.x` is x
};

// A dotted name, with a '.' in front when it is not looked for in the container. nullopt: no variable.
[[nodiscard]] std::optional<std::size_t> find_variable(const Environment& environment, std::string_view name);
// Is it the beginning of a longer name: "fn" of "fn.p95"?
[[nodiscard]] bool begins_variable(const Environment& environment, std::string_view name);
// "int", "list", "google.protobuf.Duration"; nullopt: no type.
[[nodiscard]] std::optional<TypeName> find_type(const Environment& environment, std::string_view name);
[[nodiscard]] bool begins_type(const Environment& environment, std::string_view name);
// The name of the type of values of that kind.
[[nodiscard]] std::string_view type_name(Kind kind);

}  // namespace autotune::cel
