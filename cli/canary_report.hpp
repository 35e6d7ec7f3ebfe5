// What `autotune canary` prints of a verdict.
#pragma once

#include <string>
#include <vector>

#include "core/plan.hpp"
#include "exporters/render/evidence_chart.hpp"
#include "rules/canary/correlation.hpp"
#include "rules/canary/judge.hpp"

namespace autotune::cli {

struct CanaryVerdict {
    CanaryPolicy policy;
    rules::Trial trial;
    rules::JudgedPath judged;
    rules::SignCorrelation correlation;
    std::uint64_t rows = 0;     // of the table
    std::uint64_t every = 1;    // pairs used of it
    struct Bucket {
        std::string name;
        std::uint64_t pairs = 0, slower = 0, faster = 0;
    };
    std::vector<Bucket> buckets;  // by name; of pairs before and after the decision
};

[[nodiscard]] std::string canary_json(const CanaryVerdict& verdict);  // one line, ends in a newline
[[nodiscard]] std::string canary_text(const CanaryVerdict& verdict);
// The curves that decide: latency, errors, harm.
[[nodiscard]] std::vector<render::EvidenceCurve> canary_curves(const CanaryVerdict& verdict);

}  // namespace autotune::cli
