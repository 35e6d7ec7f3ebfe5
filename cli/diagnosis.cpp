#include "cli/diagnosis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "cli/cost_files.hpp"

namespace autotune::cli {

namespace {

constexpr double kDay = 86'400;

std::string number(double value) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), std::abs(value) < 1000 ? "%.3g" : "%.0f", value);
    return text.data();
}

std::string percent(double share) { return number(share * 100) + " %"; }

std::string count(double value) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.0f", value);
    return text.data();
}

std::string between(const Interval& i) { return "95 %: " + percent(i.low) + " to " + percent(i.high); }

double of(const Seen& seen, Fact fact) { return seen.facts != nullptr ? seen.facts->fn.number(fact).value_or(0) : 0; }

bool speaks_of(const Evidence& evidence, std::string_view prefix) {
    return std::any_of(evidence.facts.begin(), evidence.facts.end(),
                       [&](const auto& fact) { return fact.first.starts_with(prefix); });
}

void put_price(Impact& impact, const Price& price) {
    if (impact.watched <= Nanos(0)) return;
    const double days = to_seconds(impact.watched) / kDay;
    const double failed_error = 1.96 * std::sqrt(impact.failed);
    impact.usd_a_day = (impact.gb_seconds * price.gb_second + impact.failed * price.request) / days;
    impact.usd_a_day_error = (impact.gb_seconds_error * price.gb_second + failed_error * price.request) / days;
    impact.tariff = price.name;
}

enum class Grade { low, medium, high };

Confidence confidence_of(const Evidence& evidence, const Seen& seen) {
    const double calls = of(seen, Fact::fn_invocations), errors = of(seen, Fact::fn_errors);
    Grade grade = calls >= 100 ? Grade::high : calls >= 20 ? Grade::medium : Grade::low;
    std::string rests = count(calls) + " invocations";
    if (errors > 0)
        rests += ", of which " + count(errors) + " failed (" + percent(errors / std::max(calls, 1.0)) + "; " +
                 between(wilson(std::min(errors, calls), calls)) + ")";
    const double killed = (speaks_of(evidence, "fn.oom") ? of(seen, Fact::fn_oom_count) : 0) +
                          (speaks_of(evidence, "fn.timeout_rate") || speaks_of(evidence, "fn.timeouts") ? of(seen, Fact::fn_timeouts) : 0) +
                          (speaks_of(evidence, "fn.crashes") ? of(seen, Fact::fn_crashes) : 0);
    if (killed > 0) {
        const double boxes = std::min(static_cast<double>(seen.boxes.value_or(0)), killed);
        const Interval witnessed = wilson(boxes, killed);
        grade = witnessed.low >= 0.8 ? Grade::high : witnessed.low >= 0.4 ? Grade::medium : Grade::low;
        rests += "; " + count(boxes) + " of " + count(killed) + " kills have a black box (" + between(witnessed) + ")";
    }
    const double lost = of(seen, Fact::fn_events_lost);
    const double told = seen.facts != nullptr ? seen.facts->fn.number(Fact::fn_told_share).value_or(1) : 1;
    rests += lost > 0 ? "; " + count(lost) + " events were lost meanwhile" : "; no event was lost";
    if (lost > 0 || told < 0.5) grade = std::min(grade, Grade::medium);
    constexpr std::array<const char*, 3> kNames{"low", "medium", "high"};
    return {kNames[static_cast<std::size_t>(grade)], std::move(rests)};
}

std::vector<std::string> missing_of(const Evidence& evidence, const Seen& seen) {
    std::vector<std::string> out;
    const Impact& impact = *evidence.impact;
    if (impact.watched < seen.window)
        out.push_back("of the window of " + count(to_seconds(seen.window)) + " s only " + count(to_seconds(impact.watched)) +
                      " s were watched");
    if (seen.price == nullptr) out.emplace_back("what it costs: there is no tariff");
    if (impact.unsized > 0) out.push_back("the memory of " + count(impact.unsized) + " invocations: they are in no costs");
    if (impact.slow_over == Nanos(0)) out.emplace_back("an objective (slo) that says what is slow: only failures are in the costs");
    const bool killed = evidence.kill_time.has_value();
    if (killed && !seen.boxes) out.emplace_back("black boxes: this kernel or user does not allow them");
    if (killed && seen.boxes && *seen.boxes == 0) out.emplace_back("a black box of the kill");
    if (evidence.hottest_frame.empty()) out.emplace_back("stack samples of the function");
    const double told = seen.facts != nullptr ? seen.facts->fn.number(Fact::fn_told_share).value_or(1) : 1;
    if (told < 1)
        out.push_back(percent(1 - told) + " of the invocations were not seen one by one, to keep the budget: counts are estimates");
    if (const double lost = of(seen, Fact::fn_events_lost); lost > 0) out.push_back(count(lost) + " events that were lost");
    if (seen.health != nullptr)
        for (const std::string& what : seen.health->missing) out.push_back(what + ": not allowed here (autotune doctor)");
    return out;
}

// What the word of a rule would be as a step of its plan, what that should do, and what of it may go wrong.
struct Remedy {
    std::string_view word, step, predicted;
};
constexpr std::array<Remedy, 4> kRemedies{{
    {"map-reduce", "map_reduce: {over: event.items}", "each invocation gets a part of the list, and needs memory for that part only"},
    {"cache", "cache: {ttl: 1m}", "what was fetched within the minute before is not waited for again"},
    {"handover", "handover: {}", "what does not end in time goes on in another invocation, and its caller sees one answer"},
    {"relocate", "relocate: {places: [{region: REGION}]}", "waits for the data get shorter by the way that is saved"},
}};

std::string canary_words(const CanaryPolicy& canary) {
    const bool waits = canary.on_hold == CanaryPolicy::OnHold::keep_waiting;
    return percent(canary.weight) + " of the calls go to the new version, " +
           (waits ? "until it is proved" : "for at most " + number(to_seconds(canary.horizon) / 3600) + " h") +
           "; harm takes it back, and is overlooked with a probability of at most " + percent(canary.alpha);
}

std::string before_and_after_words(std::string_view bad, const CanaryPolicy& canary) {
    const std::string whole = "it is for all calls at once, and taken back ";
    if (canary.on_hold == CanaryPolicy::OnHold::keep_waiting) return whole + "when a larger share of them is " + std::string(bad);
    return whole + "unless within " + number(to_seconds(canary.horizon) / 3600) + " h it is used and a smaller share of them is " + std::string(bad);
}

// What they cost at most: calls that they serve may be cheaper than others, and some may be kept already.
std::string kept_words(double environments, const Seen& seen) {
    const std::string text = "costs up to " + count(environments) + " environments that wait";
    const double mb = of(seen, Fact::fn_memory_mb);
    if (mb <= 0) return text + ", of a size that is not known";
    if (seen.price == nullptr || !seen.price->kept_gb_second) return text + ", at a price that is not known";
    const double usd_a_day = environments * mb / 1024 * kDay * *seen.price->kept_gb_second;
    return text + ", " + number(usd_a_day) + " USD a day at " + count(mb) + " MB (" + seen.price->name + ")";
}

std::string reserved_words(const Setting& setting, double more) {
    const std::string taken = count(more) + " more of the account's concurrent calls are this function's alone";
    return setting.from ? taken : taken + ", and it can never run more at a time than those " + count(more);
}

std::string risk_of(const Change& change, const CanaryPolicy& canary, const Seen& seen) {
    const auto setting = setting_of(change);
    if (!setting) return canary_words(canary);
    const double more = static_cast<double>(setting->to.value_or(0)) - setting->from.value_or(0);
    const std::string judged = before_and_after_words(setting->bad, canary);
    if (more <= 0) return judged;
    if (std::holds_alternative<KeepWarm>(change)) return kept_words(more, seen) + "; " + judged;
    return reserved_words(*setting, more) + "; " + judged;
}

void advise(Action& action, const Seen& seen) {
    if (changes_function(action.change)) {
        if (action.canary) action.risk = risk_of(action.change, *action.canary, seen);
        return;
    }
    const std::string& name = action.target.name;
    const std::string& word = std::get<Notify>(action.change).suggest;
    const auto remedy = std::find_if(kRemedies.begin(), kRemedies.end(), [&](const Remedy& r) { return r.word == word; });
    if (remedy != kRemedies.end()) {
        action.next = "in " + seen.rules_file + ", rule " + action.rule + ", first in its plan: - {" + std::string(remedy->step) +
                      "}; then: autotune apply " + name + " --rules " + seen.rules_file;
        action.predicted = remedy->predicted;
        action.risk = canary_words({});
        return;
    }
    if (word == "recluster: fuse") {
        action.next = "autotune fuse" + (seen.state.empty() ? "" : " --state " + seen.state) + " --functions DIR --package ./groups";
        action.predicted = "says which functions should be one and what that saves, and packs them, with the way back";
        action.risk = "none: it changes nothing";
        return;
    }
    const bool killed = !action.evidence.black_box.empty();
    action.next = killed ? "autotune profile --black-box " + action.evidence.black_box
                         : "autotune profile --function " + name + " --mode wall --duration 60 -o " + name + ".html";
    action.predicted = killed ? "shows the stack, the last system calls and the memory at the moment of the kill"
                              : "shows where the time of the next minute's invocations goes";
    action.risk = "none: it only looks";
}

}  // namespace

Interval wilson(double part, double whole) {
    if (whole <= 0) return {};
    constexpr double z = 1.959964;
    const double share = part / whole, d = 1 + z * z / whole;
    const double middle = (share + z * z / (2 * whole)) / d;
    const double half = z / d * std::sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole));
    return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Result<Price> price_of(const std::string& tariff) {
    const bool file = tariff.ends_with(".yaml") || tariff.ends_with(".yml");
    const auto known = known_tariffs(file ? std::vector{tariff} : std::vector<std::string>());
    if (!known) return known.forward("the tariff");
    std::string names;
    for (const Tariff& t : *known) {
        names += (names.empty() ? "" : ", ") + t.name;
        if (!file && t.name != tariff) continue;  // a file's comes first
        Price price{.name = t.title + ", prices of " + t.as_of};
        if (t.memory) price.gb_second = t.memory->tiers.front().usd.approximate();
        if (t.requests) price.request = t.requests->tiers.front().usd.approximate();
        if (t.kept) price.kept_gb_second = t.kept->tiers.front().usd.approximate();
        if (t.memory) return price;
        return fail(Errc::invalid_argument, "the tariff " + t.name + " has no price for GB-seconds");
    }
    return fail(Errc::not_found, "there is no tariff \"" + tariff + "\"; there are: " + names);
}

void diagnose(Action& action, const Seen& seen) {
    Evidence& evidence = action.evidence;
    if (!evidence.impact) evidence.impact.emplace();
    if (seen.price != nullptr) put_price(*evidence.impact, *seen.price);
    if (seen.facts != nullptr) evidence.confidence = confidence_of(evidence, seen);
    evidence.missing = missing_of(evidence, seen);
    advise(action, seen);
}

}  // namespace autotune::cli
