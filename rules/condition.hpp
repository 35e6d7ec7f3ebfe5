// Condition: a CEL expression over the facts of one function (fn.*), of one of its dependencies
// (dep.*) and the objectives declared for it (slo.*).
//
// A fact that was not measured is unknown, and so is what depends on it; only a condition that is
// known to be true holds. A condition that names dep.* holds if any ONE dependency satisfies the
// whole of it. Pure, thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/facts.hpp"
#include "rules/cel/definitions.hpp"
#include "rules/diagnostic.hpp"

namespace autotune::cel {
class Program;
}

namespace autotune::rules {

enum class SloFact : std::uint8_t { p50, p95, p99, error_rate, count_ };
inline constexpr std::size_t kSloFactCount = static_cast<std::size_t>(SloFact::count_);
struct SloInfo {
    std::string_view name;  // "slo.p95"
    FactType type{};
    std::string_view help;
};
[[nodiscard]] const std::array<SloInfo, kSloFactCount>& slo_catalogue();
using SloValues = std::array<FactValue, kSloFactCount>;  // monostate: none declared

struct Condition {
    std::string text;
    std::shared_ptr<const cel::Program> program;  // never null once loaded
    Position at;                                  // of the text in its file
    bool asks_dependency = false;                 // it names dep.*
};

// Where an expression is wrong: byte offset into its text.
struct ExpressionIssue {
    std::size_t offset = 0;
    std::string message;
};

// The compiled condition, or why there is none. It must be of type bool.
struct CompiledCondition {
    std::optional<Condition> condition;
    std::vector<ExpressionIssue> issues;  // empty exactly when there is a condition
};
[[nodiscard]] CompiledCondition compile_condition(std::string_view text,
                                                  const cel::Definitions& definitions = {});
// What is wrong with an expression that others may use by a name: of any type.
[[nodiscard]] std::vector<ExpressionIssue> check_expression(std::string_view text,
                                                            const cel::Definitions& definitions);

enum class Truth : std::uint8_t { no, yes, unknown };

struct Verdict {
    Truth truth = Truth::unknown;
    std::string why_unknown;                // the evaluation error or the unmeasured fact
    std::vector<std::size_t> dependencies;  // indices into FunctionFacts::deps that satisfied it
    [[nodiscard]] std::optional<std::size_t> dependency() const {  // the first of them
        return dependencies.empty() ? std::nullopt : std::optional(dependencies.front());
    }
};
[[nodiscard]] Verdict holds(const Condition& condition, const FunctionFacts& facts, const SloValues& slo);

// Names and values of the facts that the condition looks at; dep.* of `dependency`.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> facts_seen(
    const Condition& condition, const FunctionFacts& facts, const SloValues& slo,
    std::optional<std::size_t> dependency);

// True when the condition names the fact "slo.p95", "dep.calls", ….
[[nodiscard]] bool names(const Condition& condition, std::string_view fact);
[[nodiscard]] bool names_dependency(const Condition& condition);

// Text with {{fact}} in it. The first unknown name, if any; expansion writes "unknown" for values
// that are not known.
[[nodiscard]] std::optional<ExpressionIssue> check_template(std::string_view text);
[[nodiscard]] std::string expand_template(std::string_view text, const FunctionFacts& facts,
                                          std::optional<std::size_t> dependency);

}  // namespace autotune::rules
