#include "cli/size_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "exporters/render/size_chart.hpp"
#include "rules/sizing/belief.hpp"

namespace autotune::cli {

namespace {

using Json = nlohmann::ordered_json;
using namespace rules::sizing;

double gb_s(double mb, double ms) { return mb / 1024 * ms / 1000; }

bool is_slo(const SizeVerdict& v) { return v.run.state.objective.goal == Goal::slo; }

struct Line {
    std::uint32_t memory_mb = 0;
    std::size_t calls = 0, failed = 0;
    Expected expected;
};

std::vector<Line> lines_of(const SizeVerdict& v) {
    const State& state = v.run.state;
    const std::vector<Expected> curve = expected(state);
    std::vector<Line> out;
    for (std::size_t i = 0; i < state.sizes_mb.size(); ++i) {
        Line line{.memory_mb = state.sizes_mb[i], .expected = curve.empty() ? Expected{} : curve[i]};
        if (const auto cell = state.cells.find(line.memory_mb); cell != state.cells.end()) {
            line.failed = cell->second.errors + cell->second.killed;
            line.calls = line.failed + cell->second.ok_ms.size();
        }
        out.push_back(line);
    }
    return out;
}

Json curve_json(const SizeVerdict& v) {
    Json out = Json::array();
    for (const Line& line : lines_of(v)) {
        const Expected& e = line.expected;
        const bool known = e.works > 0;
        out.push_back({{"memory_mb", line.memory_mb},
                       {"calls", line.calls},
                       {"failed", line.failed},
                       {"works", e.works},
                       {"duration_ms", known ? Json(e.ms) : Json()},
                       {"interval", known ? Json({e.low_ms, e.high_ms}) : Json()},
                       {"gb_s", known ? Json(gb_s(line.memory_mb, e.ms)) : Json()}});
    }
    return out;
}

// The rate of failures that so many clean calls do not rule out, at 95 %.
double unseen_failures(std::size_t calls) { return 1 - std::pow(0.05, 1.0 / static_cast<double>(calls)); }

std::string money(const SizeVerdict& v, double gb_seconds) {
    return v.usd_per_gb_s > 0 ? fmt::format(" ({:.3g} USD)", gb_seconds * v.usd_per_gb_s) : std::string();
}

std::string head(const SizeVerdict& v) {
    const Choose& c = v.run.choice;
    return c.memory_mb == 0 ? "no size for " + v.objective
                            : fmt::format("{} MB for {}", c.memory_mb, v.objective);
}

std::string choice_text(const SizeVerdict& v) {
    const Choose& c = v.run.choice;
    const double cost = gb_s(c.memory_mb, c.expected_ms);
    std::string out = fmt::format("a call there  {:.4g} ms (90 %: {:.4g} to {:.4g}), {:.4g} GB-s{}\n",
                                  c.expected_ms, c.low_ms, c.high_ms, cost, money(v, cost));
    if (is_slo(v))
        out += fmt::format("{:<13} {:.4g} ms\n", v.objective.substr(0, v.objective.find('<')), c.quantile_ms);
    if (is_slo(v) || v.run.state.objective.goal == Goal::fastest_within)
        out += fmt::format("limit         kept with a probability of {:.0f} %\n", 100 * c.limit_kept);
    out += fmt::format("regret        at most {:.1f} % with a probability of 95 %, if the model holds\n",
                       100 * c.regret_bound);
    const Cell& cell = v.run.state.cells.at(c.memory_mb);
    if (cell.errors + cell.killed == 0)
        out += fmt::format("failures      none in {} calls: up to {:.0f} % of calls may fail there\n",
                           cell.ok_ms.size(), 100 * unseen_failures(cell.ok_ms.size()));
    return out;
}

}  // namespace

std::string size_json(const SizeVerdict& v) {
    const Choose& c = v.run.choice;
    const double spent = v.run.state.spent_mb_ms / 1024 / 1000;
    Json samples = Json::array();
    for (const SizeRow& call : v.run.draws)
        samples.push_back({{"memory_mb", call.memory_mb},
                           {"duration_ms", call.duration_ms},
                           {"status", to_string(call.end)}});
    const bool chosen = c.memory_mb > 0;
    Json predicted;
    if (chosen) predicted = {{"duration_ms", c.expected_ms}, {"gb_s", gb_s(c.memory_mb, c.expected_ms)}};
    if (chosen && is_slo(v)) predicted[v.objective.substr(0, v.objective.find('<')) + "_ms"] = c.quantile_ms;
    Json out{{"memory_mb", chosen ? Json(c.memory_mb) : Json()},
             {"objective", v.objective},
             {"predicted", predicted},
             {"interval", chosen ? Json({c.low_ms, c.high_ms}) : Json()},
             {"regret_bound", chosen ? Json(c.regret_bound) : Json()},
             {"limit_kept", chosen ? Json(c.limit_kept) : Json()},
             {"spent_gb_s", spent},
             {"spent_usd", v.usd_per_gb_s > 0 ? Json(spent * v.usd_per_gb_s) : Json()},
             {"samples", samples},
             {"curve", curve_json(v)}};
    return out.dump() + "\n";
}

std::string size_text(const SizeVerdict& v) {
    const State& state = v.run.state;
    const double spent = state.spent_mb_ms / 1024 / 1000;
    std::string out = fmt::format("{}: {} call{} at {} of {} sizes, {:.4g} GB-s spent{}\n\n", head(v),
                                  v.run.draws.size(), v.run.draws.size() == 1 ? "" : "s", state.cells.size(),
                                  state.sizes_mb.size(), spent, money(v, spent));
    out += fmt::format("{:>10} {:>6} {:>7} {:>12} {:>25} {:>14}\n", "size", "calls", "failed", "a call",
                       "90 %", "costs");
    for (const Line& line : lines_of(v)) {
        if (line.calls == 0) continue;
        const Expected& e = line.expected;
        out += fmt::format("{:>7} MB {:>6} {:>7} ", line.memory_mb, line.calls, line.failed);
        out += e.works > 0 ? fmt::format("{:>9.4g} ms {:>25} {:>9.4g} GB-s", e.ms,
                                         fmt::format("{:.4g} to {:.4g} ms", e.low_ms, e.high_ms),
                                         gb_s(line.memory_mb, e.ms))
                           : fmt::format("{:>12} {:>25} {:>14}", "–", "too small or it fails", "–");
        out += line.memory_mb == v.run.choice.memory_mb ? "  ←\n" : "\n";
    }
    return v.run.choice.memory_mb == 0 ? out : out + "\n" + choice_text(v);
}

std::string size_picture(const SizeVerdict& v) {
    render::SizeChart chart{.title = head(v), .curve = {}, .calls = {}};
    chart.chosen_mb = v.run.choice.memory_mb;
    chart.usd_per_gb_s = v.usd_per_gb_s;
    for (const Line& line : lines_of(v))
        if (const Expected& e = line.expected; e.works > 0)
            chart.curve.push_back({static_cast<double>(line.memory_mb), e.ms, e.low_ms, e.high_ms});
    for (const SizeRow& call : v.run.draws)
        chart.calls.push_back(
            {static_cast<double>(call.memory_mb), call.duration_ms, call.end == SizeRow::End::ok});
    return render::size_svg(chart);
}

std::string finding(const SizeVerdict& v) {
    const State& state = v.run.state;
    if (v.run.choice.memory_mb == 0) {
        if (state.budget_mb_ms > 0 && state.spent_mb_ms >= state.budget_mb_ms)
            return fmt::format("the budget was spent before {} calls had succeeded at any size", kLeastCalls);
        return "no size could be chosen: no call that was drawn succeeded at a size with room for the peak";
    }
    if (state.sizes_mb.size() == 1) return "one size only: there is nothing to compare it with";
    if (is_slo(v) && v.run.choice.limit_kept < 0.5)
        return fmt::format("no size is likely to keep {}: {} MB comes nearest", v.objective,
                           v.run.choice.memory_mb);
    return "";
}

}  // namespace autotune::cli
