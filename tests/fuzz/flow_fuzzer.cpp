// Tables of flows: whatever they hold, what is read can be mined, and weights are no more than the flows.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/flows/flow_reader.hpp"
#include "analyzer/topology/dependencies.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FlowNames names(1'000);
    FlowReader reader(names);
    std::vector<Flow> flows;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (!reader.feed(text, flows) || !reader.finish(flows)) return 0;
    analysis::DependencyMiner miner(names, {.hold_back_ns = 1'000'000'000, .most_held = 100});
    for (const Flow& flow : flows) miner.add(flow);
    const analysis::Candidates found = miner.finish();
    double weight = 0;
    for (const analysis::Candidate& c : found.edges) weight += c.weight;
    fuzz::require(weight <= static_cast<double>(flows.size()) + 1e-6, "a flow weighs at most 1");
    (void)analysis::dependencies(
        found, names, {.least_flows = 1, .inference = analysis::InferenceOptions{}, .cluster_support = 1});
    return 0;
}
