#include "cli/reports.hpp"

#include <algorithm>
#include <fstream>

#include "analyzer/topology/critical_path.hpp"
#include "exporters/render/flame_svg.hpp"
#include "exporters/render/folded.hpp"
#include "exporters/render/graph.hpp"
#include "exporters/render/owner_graph.hpp"

namespace autotune::cli {

namespace {
constexpr std::int64_t kReportRest = 10'000;  // writing what nobody may look at takes at most such a part of the time
constexpr Nanos kLatestReport = std::chrono::seconds(30);

// A function's name as one path component: platforms allow no '/' in it, but events come from anywhere.
std::string file_name(std::string name) {
    for (char& c : name)
        if (c == '/' || c == '\0') c = '_';
    return name.empty() || name.front() == '.' ? "_" + name : name;
}
}  // namespace

Status Reports::update(const Analyzer& analyzer, const Tables& tables, Timestamp now) {
    if (now - written_ < std::max(options_.interval, std::min(kReportRest * took_, kLatestReport))) return ok();
    const SystemClock clock;
    const Timestamp begun = clock.now();
    Status done = flush(analyzer, tables, now);
    took_ = clock.now() - begun;
    return done;
}

Status Reports::flush(const Analyzer& analyzer, const Tables& tables, Timestamp now) {
    written_ = now;
    if (Status s = write_flames(analyzer, tables, now); !s) return s;
    return write_topology(analyzer, now);
}

Status Reports::write_flames(const Analyzer& analyzer, const Tables& tables, Timestamp now) {
    for (const FunctionRef& function : analyzer.functions(now)) {
        const Profile profile =
            analyzer.profile({.function = function.name, .from = now - options_.window}, tables);
        std::uint64_t& drawn = drawn_[function.name];
        const std::uint64_t total = profile.total();
        if (total == 0 || total == drawn) continue;
        drawn = total;
        const std::filesystem::path base = std::filesystem::path("flames") / file_name(function.name);
        if (Status s = write(base.string() + ".svg", render::flame_svg(profile)); !s) return s;
        if (Status s = write(base.string() + ".folded", render::folded(profile)); !s) return s;
        const Profile slow = analyzer.profile({.function = function.name,
                                               .part = ProfilePart::slow_against_median,
                                               .from = now - options_.window},
                                              tables);
        if (slow.total() == 0) continue;
        if (Status s = write(base.string() + ".slow.svg", render::flame_svg(slow)); !s) return s;
    }
    return ok();
}

Status Reports::write_topology(const Analyzer& analyzer, Timestamp now) {
    const ServiceGraph graph = analyzer.graph(options_.window, now);
    if (graph.nodes.empty()) return ok();
    if (Status s = write("topology.json", render::graph_json(graph) + "\n"); !s) return s;
    if (Status s = write("topology.dot", render::graph_dot(graph)); !s) return s;
    return write("topology.mmd", render::graph_mermaid(graph));
}

Status Reports::update_page(OwnerTopology& owners, Timestamp now, bool asked) {
    page_wanted_ |= asked;
    const Nanos every = page_wanted_ ? options_.interval : options_.page_interval;
    if (page_written_ && now - *page_written_ < every) return ok();
    return flush_page(owners, now);
}

Status Reports::flush_page(OwnerTopology& owners, Timestamp now) {
    OwnerGraph graph = owners.so_far(now, options_.window);
    graph.wall_to = wall_at(SystemClock(), graph.to);
    if (!page_written_ && graph.nodes.empty()) return ok();  // as soon as there is something
    page_written_ = now;
    page_wanted_ = false;
    if (Status s = write("topology_edges.json", render::owner_edges_json(graph) + "\n"); !s) return s;
    return write("topology.html", render::owner_html(graph, analysis::request_paths(graph), "who calls whom, last " + std::to_string(std::chrono::duration_cast<std::chrono::minutes>(options_.window).count()) + " minutes"));
}

Status Reports::write(const std::filesystem::path& name, const std::string& text) const {
    const std::filesystem::path path = options_.folder / name;
    const std::filesystem::path fresh = path.string() + ".new";
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file)
        return fail(Errc::unavailable,
                    "writing " + fresh.string() + " failed (disk full, or no permission?)");
    std::filesystem::rename(fresh, path, error);
    if (error) return fail(Errc::unavailable, "writing " + path.string() + ": " + error.message());
    return ok();
}

}  // namespace autotune::cli
