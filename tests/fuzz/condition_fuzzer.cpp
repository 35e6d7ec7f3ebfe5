// Any text compiles or is refused with a reason; what compiles can be evaluated whatever was measured.
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "rules/condition.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;
using fuzz::require;

namespace {

struct Measured {
    FunctionFacts facts;
    rules::SloValues slo;
};

template <class T>
using Limits = std::numeric_limits<T>;

FactValue least_and_oddest(FactType type) {
    switch (type) {
        case FactType::boolean: return false;
        case FactType::integer: return Limits<std::int64_t>::min();
        case FactType::number: return std::nan("");
        case FactType::text: return std::string("\xff{{fn.name}}\0", 13);
        case FactType::duration: return Nanos::min();
    }
    return {};
}

FactValue largest(FactType type) {
    switch (type) {
        case FactType::boolean: return true;
        case FactType::integer: return Limits<std::int64_t>::max();
        case FactType::number: return Limits<double>::infinity();
        case FactType::text: return std::string("orders");
        case FactType::duration: return Nanos::max();
    }
    return {};
}

Measured everything(FactValue (*value)(FactType)) {
    Measured m;
    m.facts.deps.resize(2);
    for (const FactInfo& fact : fact_catalogue()) {
        m.facts.fn.set(fact.fact, value(fact.type));
        m.facts.deps[1].set(fact.fact, value(fact.type));  // the first is of unknown facts
    }
    for (std::size_t i = 0; i < m.slo.size(); ++i) m.slo[i] = value(rules::slo_catalogue()[i].type);
    return m;
}

const std::vector<Measured>& measurements() {
    static const std::vector<Measured> all = {{}, everything(least_and_oddest), everything(largest)};
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const rules::CompiledCondition compiled = rules::compile_condition(text);
    require(compiled.condition.has_value() == compiled.issues.empty(), "a condition exactly when no issue");
    for (const rules::ExpressionIssue& issue : compiled.issues)
        require(issue.offset <= size, "the issue is inside the text");

    const bool is_template = !rules::check_template(text);
    for (const Measured& m : measurements()) {
        if (is_template) (void)rules::expand_template(text, m.facts, std::nullopt);
        if (!compiled.condition) continue;
        const rules::Verdict verdict = rules::holds(*compiled.condition, m.facts, m.slo);
        for (const std::size_t i : verdict.dependencies)
            require(i < m.facts.deps.size(), "the dependency exists");
        (void)rules::facts_seen(*compiled.condition, m.facts, m.slo, verdict.dependency());
    }
    return 0;
}
