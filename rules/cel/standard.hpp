// The operators and functions of CEL, with the strings, math and encoders extensions, as one table that
// the checker and the evaluator share. A new function is one line in one of the tables.
//
// `&&`, `||` and `?:` are not here: they do not need all their operands, the evaluator knows them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "rules/cel/type.hpp"
#include "rules/cel/value.hpp"

namespace autotune::cel {

using Arguments = std::span<const Value>;
enum class Style : std::uint8_t { global, member };

struct Overload {
    std::string_view function;  // "_+_", "size", "math.greatest"
    Style style = Style::global;
    std::vector<Kind> parameters;  // a member's receiver first; dyn: any
    Type result;
    Value (*apply)(Arguments) = nullptr;  // gets usable values of the kinds above
    bool variadic = false;                // one or more arguments, each of parameters[0]
    // Steps that it costs beside what its arguments weigh; null: none.
    std::uint64_t (*cost)(Arguments) = nullptr;
    // Of comparisons of two scalars of one kind, which most of a condition is: the same, of values that need not lie in an array.
    using Test = bool (*)(const Value&, const Value&);
    Test test = nullptr;
};

// Overloads of one function next to each other.
[[nodiscard]] std::span<const Overload> standard_library();
[[nodiscard]] std::span<const Overload> find_overloads(std::string_view function, Style style);
// Names to suggest for a function that is not known.
[[nodiscard]] std::vector<std::string_view> function_names(Style style);

// Its parts, one file each.
void add_arithmetic(std::vector<Overload>& table);
void add_comparison(std::vector<Overload>& table);
void add_strings(std::vector<Overload>& table);
void add_string_extension(std::vector<Overload>& table);
void add_conversions(std::vector<Overload>& table);
void add_times(std::vector<Overload>& table);
void add_math(std::vector<Overload>& table);
void add_encoders(std::vector<Overload>& table);

// No function makes a text or a list larger: it fails.
inline constexpr std::size_t kLongestText = std::size_t{1} << 20;  // bytes
inline constexpr std::size_t kLongestList = std::size_t{1} << 18;  // elements
[[nodiscard]] Value too_large();

template <class T>
const T& arg(Arguments a, std::size_t i) {
    return *a[i].get<T>();
}

// A regular expression, compiled (RE2 syntax; time linear in the text). Immutable, thread-safe.
class Pattern {
public:
    virtual ~Pattern() = default;
    [[nodiscard]] virtual bool found_in(const std::string& text) const = 0;
};
// Or why it is none. May take milliseconds: see pattern_cost().
[[nodiscard]] std::variant<std::shared_ptr<const Pattern>, std::string> compile_pattern(
    const std::string& pattern);
// Steps of an evaluation (some 50 ns each) that compiling it may take, at most about: an estimate from its
// text.
[[nodiscard]] std::uint64_t pattern_cost(std::string_view pattern);

// "%s and %d".format([…]) (strings extension).
[[nodiscard]] Value format(const std::string& pattern, const std::vector<Value>& arguments);

}  // namespace autotune::cel
