#include "cli/size_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "exporters/render/size_chart.hpp"
#include "exporters/render/text.hpp"
#include "rules/sizing/belief.hpp"

namespace autotune::cli {

namespace {

using Json = nlohmann::ordered_json;
using namespace rules::sizing;

// What a call is billed at a size, on average, where calls take `ms` on average.
struct Billed {
    double gb_s = 0;
    std::optional<double> usd;  // where the price is told
};
Billed billed(const SizeVerdict& v, const State& state, std::uint32_t mb, double ms) {
    const Price& prices = v.run.state.price;
    if (prices.at.empty()) {
        const double gb_s = static_cast<double>(mb) / 1024 * ms / 1000;
        return {gb_s, v.usd_per_gb_s > 0 ? std::optional(gb_s * v.usd_per_gb_s) : std::nullopt};
    }
    const auto& sizes = v.run.state.sizes_mb;
    const auto size = std::lower_bound(sizes.begin(), sizes.end(), mb);
    const SizePrice& price = prices.at[static_cast<std::size_t>(size - sizes.begin())];
    const double billed_ms = MeanBilled(prices, spread(state)).ms(ms);
    return {price.gb * billed_ms / 1000, price.usd_per_ms * billed_ms};
}

void add(Billed& sum, double weight, const Billed& part) {
    sum.gb_s += weight * part.gb_s;
    if (part.usd) sum.usd = sum.usd.value_or(0) + weight * *part.usd;
}

// Of a call at the chosen size.
Billed billed_there(const SizeVerdict& v) {
    const Choose& c = v.run.choice;
    if (v.buckets.empty()) return billed(v, v.run.state, c.memory_mb, c.expected_ms);
    Billed sum;
    for (const BucketChoice& b : v.buckets) add(sum, b.weight, billed(v, b.state, c.memory_mb, b.at_mix.expected_ms));
    return sum;
}

// Of all calls that were made.
Billed spent(const SizeVerdict& v) {
    const State& state = v.run.state;
    if (state.price.at.empty()) {
        const double gb_s = state.spent / 1024 / 1000;
        return {gb_s, v.usd_per_gb_s > 0 ? std::optional(gb_s * v.usd_per_gb_s) : std::nullopt};
    }
    return {v.run.spent_gb_s, state.spent};
}

bool is_slo(const SizeVerdict& v) { return v.run.state.objective.goal == Goal::slo; }
bool has_limit(const SizeVerdict& v) { return is_slo(v) || v.run.state.objective.goal == Goal::fastest_within; }
std::string quantile_name(const SizeVerdict& v) { return v.objective.substr(0, v.objective.find('<')); }

struct Line {
    std::uint32_t memory_mb = 0;
    std::size_t calls = 0, failed = 0;
    Expected expected;
    Billed cost;
};

void count(const State& state, Line& line) {
    const auto cell = state.cells.find(line.memory_mb);
    if (cell == state.cells.end()) return;
    const std::size_t failed = cell->second.errors + cell->second.killed;
    line.failed += failed, line.calls += failed + cell->second.ok_ms.size();
}

std::vector<Line> lines_of(const SizeVerdict& v, const State& state) {
    const std::vector<Expected> curve = expected(state);
    std::vector<Line> out;
    for (std::size_t i = 0; i < state.sizes_mb.size(); ++i) {
        Line line{.memory_mb = state.sizes_mb[i], .expected = curve.empty() ? Expected{} : curve[i], .cost = {}};
        line.cost = billed(v, state, line.memory_mb, line.expected.ms);
        count(state, line);
        out.push_back(line);
    }
    return out;
}

std::vector<Line> lines_of(const SizeVerdict& v) {
    if (v.buckets.empty()) return lines_of(v, v.run.state);
    std::vector<std::vector<Line>> parts;
    for (const BucketChoice& b : v.buckets) parts.push_back(lines_of(v, b.state));
    std::vector<Line> out;
    for (std::size_t i = 0; i < v.run.state.sizes_mb.size(); ++i) {
        Line line{.memory_mb = v.run.state.sizes_mb[i], .expected = v.mix_curve.empty() ? Expected{} : v.mix_curve[i], .cost = {}};
        for (std::size_t b = 0; b < parts.size(); ++b) {
            line.calls += parts[b][i].calls, line.failed += parts[b][i].failed;
            add(line.cost, v.buckets[b].weight, parts[b][i].cost);
        }
        out.push_back(line);
    }
    return out;
}

Json curve_json(const SizeVerdict& v, const std::vector<Line>& lines) {
    Json out = Json::array();
    for (const Line& line : lines) {
        const Expected& e = line.expected;
        const bool known = e.works > 0;
        out.push_back({{"memory_mb", line.memory_mb},
                       {"calls", line.calls},
                       {"failed", line.failed},
                       {"works", e.works},
                       {"duration_ms", known ? Json(e.ms) : Json()},
                       {"interval", known ? Json({e.low_ms, e.high_ms}) : Json()},
                       {"gb_s", known ? Json(line.cost.gb_s) : Json()}});
        if (!v.tariff.empty()) out.back()["usd"] = known ? Json(*line.cost.usd) : Json();
    }
    return out;
}

// memory_mb, predicted, interval, regret_bound, limit_kept; null where nothing was chosen.
Json choice_json(const SizeVerdict& v, const Choose& c, const Billed& cost) {
    const bool chosen = c.memory_mb > 0;
    Json predicted;
    if (chosen) predicted = {{"duration_ms", c.expected_ms}, {"gb_s", cost.gb_s}};
    if (chosen && !v.tariff.empty()) predicted["usd"] = *cost.usd;
    if (chosen && is_slo(v)) predicted[quantile_name(v) + "_ms"] = c.quantile_ms;
    return {{"memory_mb", chosen ? Json(c.memory_mb) : Json()},
            {"predicted", predicted},
            {"interval", chosen ? Json({c.low_ms, c.high_ms}) : Json()},
            {"regret_bound", chosen ? Json(c.regret_bound) : Json()},
            {"limit_kept", chosen ? Json(c.limit_kept) : Json()}};
}

Json buckets_json(const SizeVerdict& v) {
    Json out = Json::array();
    for (const BucketChoice& b : v.buckets) {
        Json one{{"bucket", render::clean_text(b.name)}, {"weight", b.weight}};
        one.update(choice_json(v, b.own, billed(v, b.state, b.own.memory_mb, b.own.expected_ms)));
        one["at_chosen"] = choice_json(v, b.at_mix, billed(v, b.state, b.at_mix.memory_mb, b.at_mix.expected_ms));
        one["curve"] = curve_json(v, lines_of(v, b.state));
        out.push_back(std::move(one));
    }
    return out;
}

// The rate of failures that so many clean calls do not rule out, at 95 %.
double unseen_failures(std::size_t calls) { return 1 - std::pow(0.05, 1.0 / static_cast<double>(calls)); }

std::string money(const Billed& cost) {
    return cost.usd ? fmt::format(" ({:.3g} USD)", *cost.usd) : std::string();
}

std::string head(const SizeVerdict& v) {
    const Choose& c = v.run.choice;
    return c.memory_mb == 0 ? "no size for " + v.objective
                            : fmt::format("{} MB for {}", c.memory_mb, v.objective);
}

std::string choice_text(const SizeVerdict& v) {
    const Choose& c = v.run.choice;
    const Billed cost = billed_there(v);
    std::string out = fmt::format("a call there  {:.4g} ms (90 %: {:.4g} to {:.4g}), {:.4g} GB-s{}\n",
                                  c.expected_ms, c.low_ms, c.high_ms, cost.gb_s, money(cost));
    if (is_slo(v)) out += fmt::format("{:<13} {:.4g} ms\n", quantile_name(v), c.quantile_ms);
    if (has_limit(v)) out += fmt::format("limit         kept with a probability of {:.0f} %\n", 100 * c.limit_kept);
    out += fmt::format("regret        at most {:.1f} % with a probability of 95 %, if the model holds\n",
                       100 * c.regret_bound);
    Line there{.memory_mb = c.memory_mb, .expected = {}, .cost = {}};
    count(v.run.state, there);
    for (const BucketChoice& b : v.buckets) count(b.state, there);
    if (there.failed == 0)
        out += fmt::format("failures      none in {} calls: up to {:.0f} % of calls may fail there\n", there.calls,
                           100 * unseen_failures(there.calls));
    return out;
}

std::string buckets_text(const SizeVerdict& v) {
    std::string out = fmt::format("\n{:<28} {:>8} {:>12} {:>12}   {}\n", "input bucket", "of calls", "would need", "a call", "at the one size");
    for (const BucketChoice& b : v.buckets) {
        std::string there = "–";
        if (b.at_mix.memory_mb > 0) {
            there = fmt::format("{:.4g} ms", b.at_mix.expected_ms);
            if (has_limit(v)) there += fmt::format(", limit kept with {:.0f} %", 100 * b.at_mix.limit_kept);
        }
        out += fmt::format("{:<28} {:>6.1f} % {:>12} {:>12}   {}\n", render::clean_text(b.name), 100 * b.weight,
                           b.own.memory_mb > 0 ? fmt::format("{} MB", b.own.memory_mb) : "–",
                           b.own.memory_mb > 0 ? fmt::format("{:.4g} ms", b.own.expected_ms) : "–", there);
    }
    return out;
}

}  // namespace

std::string size_json(const SizeVerdict& v) {
    const Billed paid = spent(v);
    Json samples = Json::array();
    for (const SizeRow& call : v.run.draws) {
        samples.push_back({{"memory_mb", call.memory_mb},
                           {"duration_ms", call.duration_ms},
                           {"status", to_string(call.end)}});
        if (!v.buckets.empty()) samples.back()["bucket"] = render::clean_text(call.bucket);
    }
    const Choose& c = v.run.choice;
    Json choice = choice_json(v, c, c.memory_mb > 0 ? billed_there(v) : Billed{});
    Json out{{"memory_mb", choice["memory_mb"]},
             {"objective", v.objective},
             {"predicted", choice["predicted"]},
             {"interval", choice["interval"]},
             {"regret_bound", choice["regret_bound"]},
             {"limit_kept", choice["limit_kept"]},
             {"spent_gb_s", paid.gb_s},
             {"spent_usd", paid.usd ? Json(*paid.usd) : Json()},
             {"samples", samples},
             {"curve", curve_json(v, lines_of(v))}};
    if (!v.tariff.empty()) out["tariff"] = v.tariff;
    if (!v.buckets.empty()) out["buckets"] = buckets_json(v);
    return out.dump() + "\n";
}

std::string size_text(const SizeVerdict& v) {
    const State& state = v.run.state;
    const Billed paid = spent(v);
    const std::vector<Line> lines = lines_of(v);
    const auto measured = std::count_if(lines.begin(), lines.end(), [](const Line& line) { return line.calls > 0; });
    std::string out = fmt::format("{}: {} call{} at {} of {} sizes, {:.4g} GB-s spent{}\n\n", head(v),
                                  v.run.draws.size(), v.run.draws.size() == 1 ? "" : "s", measured,
                                  state.sizes_mb.size(), paid.gb_s, money(paid));
    out += fmt::format("{:>10} {:>6} {:>7} {:>12} {:>25} {:>14}\n", "size", "calls", "failed", "a call",
                       "90 %", "costs");
    for (const Line& line : lines) {
        if (line.calls == 0) continue;
        const Expected& e = line.expected;
        out += fmt::format("{:>7} MB {:>6} {:>7} ", line.memory_mb, line.calls, line.failed);
        out += e.works > 0 ? fmt::format("{:>9.4g} ms {:>25} {:>9.4g} GB-s", e.ms,
                                         fmt::format("{:.4g} to {:.4g} ms", e.low_ms, e.high_ms), line.cost.gb_s)
                           : fmt::format("{:>12} {:>25} {:>14}", "–", "too small or it fails", "–");
        out += line.memory_mb == v.run.choice.memory_mb ? "  ←\n" : "\n";
    }
    if (v.run.choice.memory_mb > 0) out += "\n" + choice_text(v);
    return v.buckets.empty() ? out : out + buckets_text(v);
}

std::string size_picture(const SizeVerdict& v) {
    render::SizeChart chart{.title = head(v), .curve = {}, .calls = {}};
    chart.chosen_mb = v.run.choice.memory_mb;
    chart.usd_per_gb_s = v.usd_per_gb_s;
    if (!v.tariff.empty())
        chart.usd = [&v](double mb, double ms) { return *billed(v, v.run.state, static_cast<std::uint32_t>(mb), ms).usd; };
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
        if (state.budget > 0 && state.spent >= state.budget)
            return fmt::format("the budget was spent before {} calls had succeeded at any size", kLeastCalls);
        for (const BucketChoice& b : v.buckets)
            if (!feasible(b.state).some_work())
                return "no size could be chosen: no call of \"" + render::clean_text(b.name) +
                       "\" that was drawn succeeded at a size with room for the peak";
        return "no size could be chosen: no call that was drawn succeeded at a size with room for the peak";
    }
    if (state.sizes_mb.size() == 1) return "one size only: there is nothing to compare it with";
    if (has_limit(v) && v.run.choice.limit_kept < 0.5)
        return fmt::format("no size is likely to keep {}: {} MB comes nearest", v.objective,
                           v.run.choice.memory_mb);
    return "";
}

}  // namespace autotune::cli
