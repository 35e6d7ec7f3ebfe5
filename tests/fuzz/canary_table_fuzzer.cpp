// Tables of pairs: whatever they hold, what is read can be judged, and nothing is promoted on few pairs.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/tables/canary_rows.hpp"
#include "rules/canary/judge.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    CanaryRows table;
    std::vector<CanaryRow> rows;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t half = size / 2;
    if (!table.feed(text.substr(0, half), rows) || !table.feed(text.substr(half), rows) || !table.finish(rows)) return 0;
    rules::Trial trial;
    for (const CanaryRow& row : rows) {
        fuzz::require(!row.canary || row.canary->duration >= Nanos(0), "no time is negative");
        row.canary ? ++trial.canary.calls : ++trial.canary.unknown;
        row.baseline ? ++trial.baseline.calls : ++trial.baseline.unknown;
        if (!row.canary || !row.baseline) continue;
        const auto result = [](const CanaryCall& c) {
            using End = rules::CallResult::End;
            return rules::CallResult{c.duration, c.ok ? End::ok : c.out_of_memory ? End::out_of_memory : End::failed};
        };
        trial.pairs.push_back({.canary = result(*row.canary), .baseline = result(*row.baseline)});
    }
    const rules::JudgedPath judged = judge_with_path(trial, {}, rules::Horizon::reached);
    for (const rules::Evidences& e : judged.path)
        fuzz::require(std::isfinite(e.latency) && std::isfinite(e.errors) && std::isfinite(e.harm), "evidence is a number");
    fuzz::require(judged.report.decision != JudgeReport::Decision::promote || judged.report.pairs >= 5,
                  "nothing is promoted on fewer pairs than 1/α takes");
    return 0;
}
