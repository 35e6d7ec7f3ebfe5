// Program: one compiled CEL expression.
//
// Immutable; evaluation is thread-safe and takes time bounded by the size of the expression and of
// the values it names, since this version's CEL has no loops.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/ast.hpp"
#include "rules/cel/checker.hpp"

namespace autotune::cel {

enum class Checking : std::uint8_t {
    full,  // unknown names and wrong types are issues
    none,  // they fail when evaluation comes to them
};

class Program;
struct Compilation {
    std::shared_ptr<const Program> program;  // null exactly when there are
    std::vector<Issue> issues;               // by offset
};
[[nodiscard]] Compilation compile(std::string_view source, const Environment& environment, Checking checking);

class Program {
public:
    Program(Ast ast, std::vector<Meaning> meanings) : ast_(std::move(ast)), meanings_(std::move(meanings)) {}

    // Gives the value of the environment's variable with that index; Unknown where it was not measured.
    using Lookup = std::function<Value(std::size_t)>;

    // A usable value, Unknown or Failure. `false && e` is false and `true || e` is true whatever e is, on
    // either side; else unknown outweighs failure.
    [[nodiscard]] Value evaluate(const Lookup& lookup) const;

    [[nodiscard]] const Type& type() const { return meanings_[ast_.root()].type; }
    [[nodiscard]] std::vector<std::size_t> variables() const;  // that it names, ascending, no two alike

private:
    Ast ast_;
    std::vector<Meaning> meanings_;
};

}  // namespace autotune::cel
