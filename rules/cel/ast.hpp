// Syntax tree of a CEL expression: nodes in one array, children before their parents, so nothing
// recurses when a tree is destroyed.
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

// What the parser makes of e.all(x, …) and the like: each has its own rule of what it evaluates.
enum class Macro : std::uint8_t { all, exists, exists_one, map, filter, transform_list, transform_map, bind };

struct Node {
    enum class What : std::uint8_t {
        literal,        // value
        identifier,     // name; with a '.' in front: not looked for in the container
        select,         // children[0] . name
        has,            // has(children[0] . name)
        call,           // name(children…); operators too: "_+_", "!_", "-_", "_&&_", "_?_:_", "_[_]", "@in"
        member_call,    // children[0].name(children[1]…)
        list,           // [children…]
        map,            // {children[0]: children[1], …}
        comprehension,  // children: range, then a condition where there is one, then the body;
                        // of bind: the value, the body
    } what{};
    Macro macro{};             // of comprehensions
    bool conditional = false;  // of comprehensions: there is a condition before the body
    std::uint32_t depth = 1;   // of the tree below it
    std::size_t offset = 0;    // where it is in the text; an operator's: the operator
    std::string name;
    bool quoted = false;  // of selects: written in ``, so no part of a dotted name
    Value value;
    std::vector<NodeId> children;
    std::vector<std::string> variables;  // of comprehensions: one or two
};

struct Ast {
    std::vector<Node> nodes;  // the last one is the root; never empty. Some may belong to no tree.
    [[nodiscard]] NodeId root() const { return static_cast<NodeId>(nodes.size() - 1); }
};

}  // namespace autotune::cel
