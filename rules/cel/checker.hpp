// Resolves names and checks types, without evaluating (cel-spec, langdef.md, "Gradual type checking").
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/cel/ast.hpp"
#include "rules/cel/standard.hpp"
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
};

// What a node means: a variable, or the functions it may call. Neither: decided by its kind, or an
// error at evaluation.
struct Meaning {
    std::optional<std::size_t> variable;  // index into Environment::variables
    std::span<const Overload> overloads;
    Type type;
};

struct Checked {
    std::vector<Meaning> meanings;  // by node
    std::vector<Issue> issues;      // of names and types; empty: well-typed
};
[[nodiscard]] Checked check(const Ast& ast, const Environment& environment);

}  // namespace autotune::cel
