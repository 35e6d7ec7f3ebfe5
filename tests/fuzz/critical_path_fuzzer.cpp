// Works and calls of any times, parents and children: each nanosecond of a request is of one service, whatever they are.
//
// A line each: "w NODE START END OPEN ASKED_BY" and "c FROM TO START END STATUS PARENT CHILD"; -1: none.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <numeric>
#include <sstream>
#include <string>

#include "analyzer/topology/critical_path.hpp"
#include "core/owner_graph.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

namespace {

constexpr long long kNodes = 4, kLatest = 1LL << 40;

OwnerGraph graph_of(const std::string& text) {
    OwnerGraph graph;
    for (const char* name : {"a", "b", "c", "d"}) graph.nodes.push_back({.service = {.name = name}, .cgroups = {}, .pids = {}});
    std::istringstream lines(text);
    long long n[7] = {};
    for (std::string line; std::getline(lines, line) && graph.works.size() + graph.calls.size() < 400;) {
        const auto bounded = [&](int i, long long most) { return n[i] >= 0 && n[i] < most; };
        const auto index = [&](int i) { return n[i] < 0 ? kNone : static_cast<std::size_t>(n[i]); };
        if (std::sscanf(line.c_str(), "w %lld %lld %lld %lld %lld", n, n + 1, n + 2, n + 3, n + 4) == 5) {
            if (!bounded(0, kNodes) || !bounded(1, kLatest) || !bounded(2, kLatest)) continue;
            graph.works.push_back({.node = static_cast<std::size_t>(n[0]), .start = from_ns(n[1]), .end = from_ns(n[2]),
                                   .open = n[3] != 0, .what = n[3] > 1 ? "GET /" : "", .asked_by = index(4)});
        } else if (std::sscanf(line.c_str(), "c %lld %lld %lld %lld %lld %lld %lld", n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6) == 7) {
            if (!bounded(0, kNodes) || !bounded(1, kNodes) || !bounded(2, kLatest) || !bounded(3, kLatest)) continue;
            OwnerCall call;
            call.from = static_cast<std::size_t>(n[0]), call.to = static_cast<std::size_t>(n[1]);
            call.start = from_ns(n[2]), call.end = from_ns(n[3]);
            call.status = static_cast<std::uint16_t>(n[4]), call.parent = index(5), call.child = index(6);
            graph.calls.push_back(call);
        }
    }
    // Indexes are of what is there: that much the graph's maker promises.
    for (OwnerWork& w : graph.works)
        if (w.asked_by >= graph.calls.size()) w.asked_by = kNone;
    for (OwnerCall& c : graph.calls) {
        if (c.parent >= graph.works.size()) c.parent = kNone;
        if (c.child >= graph.works.size()) c.child = kNone;
    }
    return graph;
}

struct Sums {
    std::int64_t own = 0, between = 0, saves = 0;
    bool operator==(const Sums&) const = default;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const OwnerGraph graph = graph_of(std::string(reinterpret_cast<const char*>(data), size));
    const CriticalPaths paths = analysis::critical_paths(analysis::path_forest(graph));
    std::map<std::uint32_t, Sums> by_group, by_request;
    for (const PathGroup& g : paths.groups) {
        std::int64_t sum = 0;
        for (const PathShare& s : g.shares) {
            fuzz::require(s.own_ns >= 0 && s.between_ns >= 0 && s.requests <= g.requests, "shares are of the group");
            fuzz::require(s.saves_ns >= 0 && s.saves_ns <= s.own_ns / 10, "a tenth of its own is saved at most");
            sum += s.own_ns + s.between_ns;
            Sums& all = by_group[s.service];
            all.own += s.own_ns, all.between += s.between_ns, all.saves += s.saves_ns;
        }
        fuzz::require(sum == g.total_ns, "each nanosecond is of one service");
        fuzz::require(g.p50_ns <= g.p95_ns && g.p95_ns <= g.p99_ns, "percentiles rise");
    }
    for (const PathEdge& e : paths.edges)
        fuzz::require(e.on_path <= e.calls && e.not_waited <= e.calls && e.path_ns >= 0 && e.longer_ns >= 0, "an edge's calls are counted once");
    for (const PathRequest& r : paths.slowest) {
        std::int64_t at = 0;
        for (const PathStep& s : r.steps) {
            fuzz::require(s.at_ns == at && s.ns > 0, "steps follow each other");
            at += s.ns;
        }
        fuzz::require(r.cut ? at <= r.ns : at == r.ns, "steps make up the request");
    }
    const RequestPaths each = analysis::request_paths(graph);
    fuzz::require(each.shares.size() == graph.works.size(), "shares are by work");
    for (std::size_t i = 0; i < each.calls.size(); ++i) {
        fuzz::require(each.calls[i] < graph.calls.size(), "calls on paths are the graph's");
        fuzz::require(i == 0 || each.calls[i - 1] < each.calls[i], "a call is on one path once");
    }
    for (const auto& shares : each.shares)
        for (const RequestShare& s : shares) {
            Sums& all = by_request[s.service];
            all.own += s.own_ns, all.between += s.between_ns, all.saves += s.saves_ns;
        }
    fuzz::require(by_request == by_group, "requests one by one make up the groups");
    return 0;
}
