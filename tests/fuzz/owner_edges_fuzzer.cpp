// topology_edges.json, of any bytes: what is read is written the same again, and a cost model made of it is one that can be
// written down and billed, with as many calls as there were invocations.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/cost/bill.hpp"
#include "analyzer/cost/cost_meter.hpp"
#include "exporters/render/cost_model_yaml.hpp"
#include "exporters/render/owner_edges_reader.hpp"
#include "exporters/render/owner_graph.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

namespace {

std::vector<Tariff> tariffs() {
    Tariff tariff{.name = "aws-lambda-x86"};
    tariff.memory = Meter{.pool = "gb", .free_pool = "gb", .tiers = {{.usd = Decimal(1)}}};
    return {tariff};
}

void model_of(const OwnerGraph& graph) {
    static const std::vector<Tariff> kTariffs = tariffs();
    const WallTime to = *graph.wall_to;
    analysis::CostMeter meter({.from = to - std::chrono::hours(1), .to = to}, kTariffs, graph);
    for (const char* name : {"a", "b", "c"}) {
        Invocation i;
        i.function = {.provider = "aws-lambda", .name = name};
        i.wall_start = to;
        i.duration = Nanos(5'500'000);
        i.memory_mb = 512;
        meter.add(i);
    }
    const auto cost = meter.finish();
    fuzz::require(cost.has_value(), "there are invocations");
    const auto bill = analysis::bill_of(cost->model, kTariffs);
    fuzz::require(bill || bill.error().code == Errc::resource_exhausted, "a measured model can be billed");
    for (std::size_t i = 0; bill && i < cost->functions.size(); ++i)
        fuzz::require(std::abs(bill->endpoints[i].calls.approximate() - 730) < 1e-6, "whoever calls: as many as were invoked");
    fuzz::require(!render::cost_model_yaml(cost->model, cost->period_hours, cost->remarks).empty(), "it can be written down");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto graph = render::read_owner_edges(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!graph) {
        fuzz::require(graph.error().code == Errc::corrupt && !graph.error().message.empty(), "what is wrong is told");
        return 0;
    }
    const std::string text = render::owner_edges_json(*graph);
    const auto again = render::read_owner_edges(text);
    fuzz::require(again && render::owner_edges_json(*again) == text, "what was written is read");
    (void)render::owner_text(*graph), (void)render::owner_dot(*graph), (void)render::owner_mermaid(*graph);
    if (graph->wall_to && *graph->wall_to > WallTime(std::chrono::hours(2))) model_of(*graph);
    return 0;
}
