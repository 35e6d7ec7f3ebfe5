#include "rules/condition.hpp"

#include <algorithm>

#include "rules/cel/program.hpp"

namespace autotune::rules {

namespace {

// Variables of conditions: the facts in the order of the catalogue, then slo.*.
cel::Environment make_environment() {
    cel::Environment environment;
    for (const FactInfo& f : fact_catalogue())
        environment.variables.push_back({std::string(f.name), cel::type_of(f.type)});
    for (const SloInfo& s : slo_catalogue())
        environment.variables.push_back({std::string(s.name), cel::type_of(s.type)});
    return environment;
}
const cel::Environment& environment() {
    static const cel::Environment environment = make_environment();
    return environment;
}

// The facts of dependencies are the last ones of the catalogue.
constexpr auto kFirstOfDependency = static_cast<std::size_t>(Fact::dep_name);
bool of_dependency(std::size_t variable) { return variable >= kFirstOfDependency && variable < kFactCount; }

// Where the values of one evaluation come from.
struct Source {
    const FunctionFacts& facts;
    const SloValues& slo;
    const FactSet* dependency;  // null: none

    [[nodiscard]] const FactValue& fact(std::size_t variable) const {
        static const FactValue unknown;
        if (variable >= kFactCount) return slo[variable - kFactCount];
        const auto f = static_cast<Fact>(variable);
        if (variable >= kFirstOfDependency) return dependency ? (*dependency)[f] : unknown;
        return facts.fn[f];
    }
};

struct ToCel {
    std::string_view name;
    cel::Value operator()(std::monostate) const { return cel::Unknown{std::string(name)}; }
    template <class T>
    cel::Value operator()(const T& value) const {
        return value;
    }
};

Verdict verdict(const Condition& condition, const Source& source) {
    const auto lookup = [&](std::size_t variable) -> cel::Value {
        const FactValue& fact = source.fact(variable);
        if (const auto* number = std::get_if<double>(&fact)) return *number;  // most are
        return std::visit(ToCel{environment().variables[variable].name}, fact);
    };
    const cel::Value value = condition.program->evaluate(lookup);
    if (const bool* b = value.get<bool>()) return {.truth = *b ? Truth::yes : Truth::no};
    if (const auto* u = value.get<cel::Unknown>()) return {.why_unknown = u->what + " is not known"};
    return {.why_unknown = to_string(value)};
}

}  // namespace

const std::array<SloInfo, kSloFactCount>& slo_catalogue() {
    static constexpr std::array<SloInfo, kSloFactCount> catalogue{{
        {"slo.p50", FactType::duration, "Objective for the median duration."},
        {"slo.p95", FactType::duration, "Objective for the 95th percentile of the duration."},
        {"slo.p99", FactType::duration, "Objective for the 99th percentile of the duration."},
        {"slo.error_rate", FactType::number, "Objective for the share of failed invocations."},
    }};
    return catalogue;
}

std::vector<ExpressionIssue> check_expression(std::string_view text, const cel::Definitions& definitions) {
    std::vector<ExpressionIssue> out;
    for (cel::Issue& issue : cel::compile(text, environment(), cel::Checking::full, definitions).issues)
        out.push_back({issue.offset, std::move(issue.message)});
    return out;
}

CompiledCondition compile_condition(std::string_view text, const cel::Definitions& definitions) {
    CompiledCondition out;
    cel::Compilation compilation = cel::compile(text, environment(), cel::Checking::full, definitions);
    for (cel::Issue& issue : compilation.issues)
        out.issues.push_back({issue.offset, std::move(issue.message)});
    if (!compilation.program) return out;
    if (!agree(compilation.program->type(), cel::Kind::boolean))
        out.issues.push_back(
            {0, "a condition must be bool, this is " + to_string(compilation.program->type())});
    else
        out.condition =
            Condition{.text = std::string(text), .program = std::move(compilation.program), .at = {}};
    if (!out.condition) return out;
    const auto used = out.condition->program->variables();
    out.condition->asks_dependency = std::any_of(used.begin(), used.end(), of_dependency);
    return out;
}

Verdict holds(const Condition& condition, const FunctionFacts& facts, const SloValues& slo) {
    if (!names_dependency(condition)) return verdict(condition, {facts, slo, nullptr});
    // Any one dependency that satisfies the whole; without dependencies there is none.
    Verdict out{.truth = Truth::no};
    for (std::size_t i = 0; i < facts.deps.size(); ++i) {
        const Verdict v = verdict(condition, {facts, slo, &facts.deps[i]});
        if (v.truth == Truth::yes) {
            out.truth = Truth::yes;
            out.dependencies.push_back(i);
        } else if (v.truth == Truth::unknown && out.truth == Truth::no) {
            out = v;
        }
    }
    if (out.truth == Truth::yes) out.why_unknown.clear();
    return out;
}

std::vector<std::pair<std::string, std::string>> facts_seen(const Condition& condition,
                                                            const FunctionFacts& facts, const SloValues& slo,
                                                            std::optional<std::size_t> dependency) {
    const FactSet* dep = dependency && *dependency < facts.deps.size() ? &facts.deps[*dependency] : nullptr;
    const Source source{facts, slo, dep};
    std::vector<std::pair<std::string, std::string>> out;
    for (const std::size_t variable : condition.program->variables())
        out.emplace_back(environment().variables[variable].name, to_string(source.fact(variable)));
    return out;
}

bool names(const Condition& condition, std::string_view fact) {
    const auto used = condition.program->variables();
    return std::any_of(used.begin(), used.end(),
                       [&](std::size_t v) { return environment().variables[v].name == fact; });
}

bool names_dependency(const Condition& condition) { return condition.asks_dependency; }

}  // namespace autotune::rules
