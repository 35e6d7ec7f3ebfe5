// Syntax tree of a CEL expression: nodes in one array, children before their parents. So every pass
// but evaluation is a loop from front to back, and nothing recurses when a tree is destroyed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/cel/value.hpp"

namespace autotune::cel {

using NodeId = std::uint32_t;

struct Issue {               // what is wrong with an expression
    std::size_t offset = 0;  // byte of the text
    std::string message;
};

struct Node {
    enum class What : std::uint8_t {
        literal,      // value
        identifier,   // name
        select,       // children[0] . name
        call,         // name(children…); operators too: "_+_", "!_", "-_", "_&&_", "_?_:_", "_[_]", "@in"
        member_call,  // children[0].name(children[1]…)
        list,         // [children…]
    } what{};
    std::uint32_t depth = 1;  // of the tree below it
    std::size_t offset = 0;   // where it is in the text; an operator's: the operator
    std::string name;
    Value value;
    std::vector<NodeId> children;
};

struct Ast {
    std::vector<Node> nodes;  // the last one is the root; never empty
    [[nodiscard]] NodeId root() const { return static_cast<NodeId>(nodes.size() - 1); }
};

}  // namespace autotune::cel
