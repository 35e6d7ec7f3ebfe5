// Types of calls: which overload is meant, and what people are told when there is none.
#pragma once

#include <vector>

#include "rules/cel/checker.hpp"

namespace autotune::cel {

struct CallSite {
    const Ast& ast;
    NodeId id;
    std::uint32_t first_child;  // of the arguments
    std::vector<Type> types;    // of the arguments

    [[nodiscard]] const Node& node() const { return ast.nodes[id]; }
    [[nodiscard]] NodeId argument(std::size_t i) const { return node().children[first_child + i]; }
};

// `&&`, `||`, `?:`: sets the type.
[[nodiscard]] std::vector<Issue> check_logic(const CallSite& site, Meaning& meaning);
// Any other: sets type, only, pattern. REQUIRES overloads.
[[nodiscard]] std::vector<Issue> check_call(const CallSite& site, Meaning& meaning);

}  // namespace autotune::cel
