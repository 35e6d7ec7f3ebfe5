// Program: one compiled CEL expression.
//
// Immutable; evaluation is thread-safe and bounded: each step and each 16 bytes or elements that a
// function looks at cost 1, and what costs more than kMostCost fails. No value is nested deeper than
// kDeepestValue, no text or list larger than standard.hpp says.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/ast.hpp"
#include "rules/cel/checker.hpp"
#include "rules/cel/definitions.hpp"

namespace autotune::cel {

inline constexpr std::uint64_t kMostCost = 1'000'000;  // some 50 ms at worst
inline constexpr std::uint32_t kDeepestValue = 500;

enum class Checking : std::uint8_t {
    full,  // unknown names and wrong types are issues
    none,  // they fail when evaluation comes to them
};

class Program;
struct Compilation {
    std::shared_ptr<const Program> program;  // null exactly when there are
    std::vector<Issue> issues;               // by offset
};
[[nodiscard]] Compilation compile(std::string_view source, const Environment& environment, Checking checking,
                                  const Definitions& definitions = {});

class Program {
public:
    Program(Ast ast, Checked checked) : ast_(std::move(ast)), checked_(std::move(checked)) {}

    // Gives the value of the environment's variable with that index; Unknown where it was not measured.
    // Refers to what it was made from.
    class Lookup {
    public:
        template <class Source>
        Lookup(const Source& source)  // NOLINT: implicit
            : source_(&source), get_([](const void* s, std::size_t index) -> Value {
                  return (*static_cast<const Source*>(s))(index);
              }) {}
        Value operator()(std::size_t index) const { return get_(source_, index); }

    private:
        const void* source_;
        Value (*get_)(const void*, std::size_t);
    };

    // A usable value, Unknown or Failure. `false && e` is false and `true || e` is true whatever e is, on
    // either side; else unknown outweighs failure.
    [[nodiscard]] Value evaluate(const Lookup& lookup) const;

    [[nodiscard]] const Type& type() const { return checked_.meanings[ast_.root()].type; }
    [[nodiscard]] std::vector<std::size_t> variables() const;  // that it names, ascending, no two alike

private:
    Ast ast_;
    Checked checked_;
};

}  // namespace autotune::cel
