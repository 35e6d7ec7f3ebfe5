// An hour of invocations on record, and what they cost by the tariffs that are known.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "analyzer/cost/bill.hpp"
#include "analyzer/cost/cost_meter.hpp"
#include "knowledge/tariffs.hpp"
#include "rules/cost/tariff.hpp"

namespace autotune {

inline const std::vector<Tariff>& tariffs() {
    static const std::vector<Tariff> all = [] {
        std::vector<Tariff> out;
        for (const TariffText& text : tariff_texts())
            if (auto loaded = rules::load_tariff(text.text); loaded.tariff) out.push_back(*loaded.tariff);
        return out;
    }();
    return all;
}

inline constexpr Nanos kHour = std::chrono::hours(1);
inline const WallTime kFrom{Nanos(1'700'000'000'000'000'000)};
inline const WallTime kTo = kFrom + kHour;

inline Invocation called(const std::string& function, double ms, std::uint32_t mb = 512) {
    Invocation i;
    i.function = {.provider = "aws-lambda", .name = function};
    i.wall_start = kFrom + kHour / 2;
    i.duration = Nanos(static_cast<std::int64_t>(ms * 1e6));
    i.memory_mb = mb;
    return i;
}

inline Invocation cold(Invocation i, double init_ms) {
    i.cold = true;
    i.init = Nanos(static_cast<std::int64_t>(init_ms * 1e6));
    return i;
}

// Functions but those whose name has a colon; edges as (from, to, calls).
inline OwnerGraph graph(const std::vector<std::tuple<std::string, std::string, std::uint64_t>>& edges) {
    OwnerGraph g;
    g.to = g.from + kHour;
    g.wall_to = kTo;
    const auto node = [&](const std::string& name) {
        for (std::size_t i = 0; i < g.nodes.size(); ++i)
            if (g.nodes[i].service.name == name) return i;
        const NodeKind kind = name.find(':') == std::string::npos ? NodeKind::function : NodeKind::external;
        g.nodes.push_back({.service = {.name = name, .kind = kind}, .cgroups = {}, .pids = {}});
        return g.nodes.size() - 1;
    };
    for (const auto& [from, to, calls] : edges) {
        const std::size_t a = node(from), b = node(to);
        g.edges.push_back({.from = a, .to = b, .calls = calls, .bytes_sent = 100 * calls, .bytes_received = 50 * calls});
    }
    return g;
}

inline MeasuredCost measured(const std::vector<Invocation>& invocations, const OwnerGraph& calls = {}) {
    analysis::CostMeter meter({.from = kFrom, .to = kTo}, tariffs(), calls);
    for (const Invocation& i : invocations) meter.add(i);
    auto out = meter.finish();
    EXPECT_TRUE(out) << out.error().message;
    return out ? *out : MeasuredCost{};
}

inline std::string total(CostModel model, bool free_tier = false) {
    model.free_tier = free_tier;
    const auto bill = analysis::bill_of(model, tariffs());
    return bill ? bill->charges.total().text() : bill.error().message;
}

inline const CostEndpoint& endpoint(const CostModel& model, const std::string& name) {
    for (const CostEndpoint& e : model.endpoints)
        if (e.name == name) return e;
    ADD_FAILURE() << "no " << name;
    return model.endpoints.front();
}

inline std::vector<Invocation> times(std::size_t count, const Invocation& one) { return std::vector<Invocation>(count, one); }

inline std::vector<Invocation> all(std::vector<Invocation> a, const std::vector<Invocation>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

}  // namespace autotune
