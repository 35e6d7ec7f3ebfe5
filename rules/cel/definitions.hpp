// Expressions with a name, which others use as if they were written out in their place.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/cel/ast.hpp"

namespace autotune::cel {

struct Definition {
    std::string name;  // an identifier
    Ast ast;           // with nothing to be expanded in it
};
using Definitions = std::vector<Definition>;

inline constexpr std::size_t kMostExpandedNodes = 20'000;

// The expression with each name of a definition replaced by what it stands for. A variable of a macro hides a
// definition of its name, and none is caught: what a definition names is what it would name alone. All nodes
// of what is put in have the offset of the name.
[[nodiscard]] std::variant<Ast, Issue> expand(const Ast& ast, const Definitions& definitions);

// May a definition be called that? Not what begins facts, functions or is a word of the language.
[[nodiscard]] bool may_be_defined(std::string_view name);

}  // namespace autotune::cel
