// Resolves names and checks types, without evaluating (cel-spec, langdef.md, "Gradual type checking").
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/cel/ast.hpp"
#include "rules/cel/names.hpp"
#include "rules/cel/standard.hpp"
#include "rules/cel/type.hpp"

namespace autotune::cel {

// What evaluation does at a node.
enum class Deed : std::uint8_t {
    fail,          // a name that means nothing
    constant,      // constant
    variable,      // index: of the environment
    local,         // index: of the variables of macros
    field,         // of a map
    has_field,     // has(): of a map
    has_variable,  // has(): was it measured?
    list,
    map,
    both,    // &&
    either,  // ||
    choose,  // ?:
    call,
    matches,  // with `pattern`, which was compiled beforehand
    comprehension,
};

struct Meaning {
    // What most steps of an evaluation need lies together, at the beginning: a tick of the loop takes millions of steps.
    Deed deed = Deed::fail;
    Kind compared = Kind::dyn;      // of `test`: of both sides
    std::uint32_t index = 0;        // of variable and local; of comprehensions: its first local
    NodeId left = 0, right = 0;     // of &&, || and calls of two
    Overload::Test test = nullptr;  // of calls: where `only` compares scalars of one kind
    Value constant;

    std::uint32_t first_child =
        0;  // of calls: 1 where children[0] is no value but a part of the function's name
    const Overload* only = nullptr;  // of calls: the one that fits by the types that are known
    std::span<const Overload> overloads;
    std::shared_ptr<const Pattern> pattern;
    Type type;
};

struct Checked {
    std::vector<Meaning> meanings;  // by node
    std::vector<Issue> issues;      // of names and types; empty: well-typed
    std::uint32_t locals = 0;       // of macros, at most at once
};
[[nodiscard]] Checked check(const Ast& ast, const Environment& environment);

}  // namespace autotune::cel
