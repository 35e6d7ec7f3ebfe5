// Logs of invocations: whatever is read can be grouped, each function once, and costs are numbers.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rules/recluster/predict.hpp"
#include "rules/recluster/replay.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    rules::ReplayReader reader;
    if (!reader.feed(text.substr(0, size / 2)) || !reader.feed(text.substr(size / 2))) return 0;
    auto log = reader.finish();
    if (!log) return 0;
    const auto links = rules::link(*log, std::nullopt);
    if (!links || log->functions.size() > 300) return 0;
    const rules::SearchMethod method =
        log->functions.size() > 8 ? rules::SearchMethod::heuristic : rules::SearchMethod::automatic;
    const auto plan = rules::regroup(*log, *links, {}, {.method = method, .samples = 5, .groups = {}});
    std::size_t functions = 0;
    for (const rules::Group& g : plan.groups) functions += g.size();
    fuzz::require(functions == log->functions.size(), "each function is in a group");
    for (const rules::Change* c : {&plan.gb_s, &plan.root_p50, &plan.root_p99})
        fuzz::require(std::isfinite(c->before) && std::isfinite(c->after) && c->after >= 0, "what changes is a number");
    return 0;
}
