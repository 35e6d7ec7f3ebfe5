#include "cli/fuse_report.hpp"

#include <fmt/format.h>

#include "exporters/render/text.hpp"

namespace autotune::cli {

namespace {

std::string names_json(const FuseVerdict& v, const rules::Group& group) {
    std::string out = "[";
    for (const rules::FunctionId f : group) out += (out.size() > 1 ? "," : "") + render::json_string(v.log.functions[f]);
    return out + "]";
}

std::string names(const FuseVerdict& v, const rules::Group& group) {
    std::string out;
    for (const rules::FunctionId f : group) out += (out.empty() ? "" : ", ") + render::clean_text(v.log.functions[f]);
    return out;
}

std::string change_json(const rules::Change& c) {
    return fmt::format(R"({{"before":{:.9g},"after":{:.9g},"change_pct":{:.4f},"interval_pct":[{:.4f},{:.4f}]}})", c.before,
                       c.after, c.pct(), c.low_pct, c.high_pct);
}

std::string change_text(const char* what, const rules::Change& c, const char* unit) {
    return fmt::format("{:<22} {:>11.5g} → {:>11.5g} {:<4}  {:+.1f} %  (95 %: {:+.1f} to {:+.1f} %)\n", what, c.before, c.after,
                       unit, c.pct(), c.low_pct, c.high_pct);
}

template <class Each>
std::string list(std::size_t n, Each each) {
    std::string out = "[";
    for (std::size_t i = 0; i < n; ++i) out += (i > 0 ? "," : "") + each(i);
    return out + "]";
}

struct NamedCount {
    const char *name, *what;
    std::uint64_t count;
};

std::vector<NamedCount> named(const MissingRecords& m) {
    return {{"not_told", "invocations that the agent left out to keep its budget", m.not_told},
            {"not_invoked", "works that are no functions of Lambda's API", m.elsewhere},
            {"not_ended", "invocations whose end was not seen, or that a debugger held", m.not_ended},
            {"without_calls", "invocations whose calls were not recorded: by an older agent, or to keep its budget", m.without_calls},
            {"calls_not_kept", "calls beyond what an invocation's record holds", m.calls_not_kept},
            {"calls_failed", "calls that the platform refused or never answered", m.calls_failed},
            {"by_order", "calls whose invocation was told from another's by the order of their ends", m.by_order},
            {"at_the_edge", "invocations whose caller is older than the records, or still ran", m.at_the_edge},
            {"not_read", "older ones for which there was no room: --last says how far back", m.not_read}};
}

}  // namespace

std::string missing_text(const MissingRecords& missing) {
    std::string out;
    for (const auto& [name, what, count] : named(missing))
        if (count > 0) out += fmt::format("\nof the records: {} {}", count, what);
    return out;
}

std::string fuse_json(const FuseVerdict& v) {
    const rules::Regrouping& p = v.plan;
    std::string out = R"({"groups":)" + list(p.groups.size(), [&](std::size_t g) {
        return fmt::format(R"({{"functions":{},"memory_mb":{:.6g}}})", names_json(v, p.groups[g]), p.memory_mb[g]);
    });
    const auto operations = [&](const rules::Grouping& of, const char* op) {
        return list(of.size(), [&](std::size_t i) { return fmt::format(R"({{"op":"{}","functions":{}}})", op, names_json(v, of[i])); });
    };
    out += R"(,"fuse":)" + operations(p.fused, "fuse") + R"(,"split":)" + operations(p.split, "split");
    out += R"(,"gb_s_per_request":)" + change_json(p.gb_s) + R"(,"root_p50_ms":)" + change_json(p.root_p50) +
           R"(,"root_p99_ms":)" + change_json(p.root_p99);
    const auto bound = [&](const rules::Bound& b) {
        return fmt::format(R"({{"constraint":{},"functions":{},"gb_s_per_request":{:.6g}}})", render::json_string(b.constraint),
                           names_json(v, b.functions), b.lost);
    };
    out += R"(,"bound":)" + (p.bounds.empty() ? std::string("null") : bound(p.bounds[0]));
    out += R"(,"bounds":)" + list(std::min<std::size_t>(p.bounds.size(), 100), [&](std::size_t i) { return bound(p.bounds[i]); });
    out += fmt::format(R"(,"bounds_in_all":{},"exact":{},"overhead_ms":{:.6g},"overhead_calls":{},"traces":{},"traces_used":{},)"
                       R"("traces_cold":{},"invocations":{},"calls_assumed":{},"calls_elsewhere":{},"orphans":{}}})",
                       p.bounds.size(), p.exact, v.links.overheads.overall, v.links.overheads.measured, p.traces, p.used, p.cold,
                       v.log.invocations, v.links.assumed, v.links.elsewhere, v.links.orphans);
    if (v.missing) {
        out.pop_back();
        out += R"(,"records":{)";
        for (const auto& [name, what, count] : named(*v.missing)) out += fmt::format(R"("{}":{},)", name, count);
        out += fmt::format(R"("more":{}}}}})", v.missing->not_read > 0);
    }
    return out + "\n";
}

std::string fuse_text(const FuseVerdict& v) {
    const rules::Regrouping& p = v.plan;
    std::string out;
    for (std::size_t g = 0; g < p.groups.size(); ++g)
        out += fmt::format("group {:<3} {:>6.6g} MB  {}\n", g + 1, p.memory_mb[g], names(v, p.groups[g]));
    out += "\n";
    for (const rules::Group& g : p.fused) out += "fuse   " + names(v, g) + "\n";
    for (const rules::Group& g : p.split) out += "split  " + names(v, g) + "\n";
    if (p.fused.empty() && p.split.empty()) out += "nothing to change\n";
    out += "\n" + change_text("GB-s a request", p.gb_s, "GB-s") + change_text("root p50", p.root_p50, "ms") +
           change_text("root p99", p.root_p99, "ms") + "\n";
    for (std::size_t i = 0; i < std::min<std::size_t>(p.bounds.size(), 10); ++i)
        out += fmt::format("bound by {}: {} not together, {:.4g} GB-s a request\n", render::clean_text(p.bounds[i].constraint),
                           names(v, p.bounds[i].functions), p.bounds[i].lost);
    if (p.bounds.size() > 10) out += fmt::format("and {} more\n", p.bounds.size() - 10);
    const rules::Overheads& o = v.links.overheads;
    out += fmt::format("{} of {} traces ({} with cold starts); a remote call costs {:.3g} ms more ({}); {} search\n", p.used, p.traces,
                       p.cold, o.overall, o.measured > 0 ? fmt::format("median of {}", o.measured) : "not measured",
                       p.exact ? "exact" : "heuristic");
    if (v.links.assumed + v.links.elsewhere + v.links.orphans > 0)
        out += fmt::format("not recorded: {} callees, put together from their calls; {} calls of what is no function here; {} "
                           "callers\n",
                           v.links.assumed, v.links.elsewhere, v.links.orphans);
    if (v.missing)
        if (const std::string lacks = missing_text(*v.missing); !lacks.empty()) out += lacks.substr(1) + "\n";
    return out;
}

}  // namespace autotune::cli
