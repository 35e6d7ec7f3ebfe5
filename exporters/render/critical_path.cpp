#include "exporters/render/critical_path.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "exporters/render/text.hpp"

namespace autotune::render {

namespace {

using Json = nlohmann::ordered_json;

std::string duration(std::int64_t ns) { return human_duration(static_cast<double>(ns) / 1e9); }

double share(const PathShare& s, const PathGroup& group) {
    const double part = static_cast<double>(s.own_ns) + static_cast<double>(s.between_ns);
    return group.total_ns > 0 ? part / static_cast<double>(group.total_ns) : 0;
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Of a request, in the mean.
std::string mean(std::int64_t ns, std::uint64_t requests) {
    return duration(requests > 0 ? ns / static_cast<std::int64_t>(requests) : 0);
}

std::string percent(double part) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %%", 100 * part);
    return text;
}

// Columns: the first to the left, the others to the right.
std::string row(const std::vector<std::string>& cells, std::size_t first) {
    constexpr std::size_t kWidth = 11;
    std::string out = "  " + cells[0] + std::string(first - std::min(first, length_of(cells[0])), ' ');
    for (std::size_t i = 1; i < cells.size(); ++i) out += "  " + std::string(kWidth - std::min(kWidth, length_of(cells[i])), ' ') + cells[i];
    return out + "\n";
}

std::string group_text(const CriticalPaths& paths, const PathGroup& g) {
    std::string out = clean_text(g.what) + ": " +
                      counted(g.requests, g.detached ? "work that nobody waited for" : "request",
                              g.detached ? "works that nobody waited for" : "requests") +
                      ", p50 " + duration(g.p50_ns) + ", p95 " + duration(g.p95_ns) + ", p99 " + duration(g.p99_ns) + "\n";
    std::size_t first = 7;
    for (const PathShare& s : g.shares) first = std::max(first, length_of(clean_text(paths.names[s.service])));
    out += row({"service", "of the path", "own", "on the way", "saves", "that is"}, first);
    for (const PathShare& s : g.shares)
        out += row({clean_text(paths.names[s.service]), percent(share(s, g)), mean(s.own_ns, g.requests), mean(s.between_ns, g.requests),
                    s.asked ? mean(s.saves_ns, g.requests) : "not asked",
                    s.asked && g.total_ns > 0 ? percent(static_cast<double>(s.saves_ns) / static_cast<double>(g.total_ns)) : ""},
                   first);
    return out + "\n";
}

}  // namespace

std::string critical_paths_text(const CriticalPaths& paths) {
    std::string out;
    for (const PathGroup& group : paths.groups) out += group_text(paths, group);
    if (!paths.groups.empty())
        out += "own, on the way: of a request, in the mean; saves: so much less were what is the service's own done in 10 % less time\n";
    if (paths.groups.empty()) out += "no request was seen from its start to its end\n";
    for (const PathEdge& e : paths.edges)
        if (e.not_waited > 0)
            out += clean_text(paths.names[e.from]) + " → " + clean_text(paths.names[e.to]) + ": " + std::to_string(e.not_waited) + " of " +
                   counted(e.calls, "call", "calls") + " went on without being waited for, " + mean(e.longer_ns, e.not_waited) +
                   " longer in the mean\n";
    if (paths.open > 0) out += counted(paths.open, "work", "works") + " had not ended: on no path\n";
    if (paths.unknown > 0)
        out += counted(paths.unknown, "call", "calls") + " of which nobody knows what they were made for: on no path\n";
    if (paths.not_kept > 0) out += counted(paths.not_kept, "call", "calls") + " more than there is room for: on no path\n";
    return out;
}

std::string critical_paths_json(const CriticalPaths& paths) {
    Json groups = Json::array(), edges = Json::array(), slowest = Json::array();
    for (const PathGroup& g : paths.groups) {
        Json services = Json::array();
        for (const PathShare& s : g.shares)
            services.push_back({{"name", paths.names[s.service]},
                                {"requests", s.requests},
                                {"own_ns", s.own_ns},
                                {"between_ns", s.between_ns},
                                {"share", share(s, g)},
                                {"saves_ns", s.asked ? Json(s.saves_ns) : Json()}});
        groups.push_back({{"what", g.what},
                          {"detached", g.detached},
                          {"requests", g.requests},
                          {"total_ns", g.total_ns},
                          {"p50_ns", g.p50_ns},
                          {"p95_ns", g.p95_ns},
                          {"p99_ns", g.p99_ns},
                          {"services", services}});
    }
    for (const PathEdge& e : paths.edges)
        edges.push_back({{"from", paths.names[e.from]},
                         {"to", paths.names[e.to]},
                         {"calls", e.calls},
                         {"on_path", e.on_path},
                         {"path_ns", e.path_ns},
                         {"not_waited", e.not_waited},
                         {"longer_ns", e.longer_ns}});
    for (const PathRequest& r : paths.slowest) {
        Json steps = Json::array();
        for (const PathStep& s : r.steps)
            steps.push_back({{"service", paths.names[s.service]},
                             {"between", s.between},
                             {"depth", s.depth},
                             {"at_ns", s.at_ns},
                             {"ns", s.ns}});
        slowest.push_back({{"what", r.what}, {"id", r.id}, {"ns", r.ns}, {"cut", r.cut}, {"path", steps}});
    }
    return Json{{"groups", groups},   {"edges", edges},         {"slowest", slowest},
                {"open", paths.open}, {"unknown", paths.unknown}, {"not_kept", paths.not_kept}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace autotune::render
