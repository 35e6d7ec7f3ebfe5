#include "rules/plan/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "rules/cel/duration.hpp"
#include "rules/plan/call_price.hpp"
#include "rules/plan/time_model.hpp"

namespace autotune::rules {

namespace {

constexpr double kBumpMb = 100, kBumpFactor = 1.2;
constexpr double kSafePartOfLimit = 0.8;
// From this rate on the 99th percentile is itself a killed call.
constexpr double kCensoredRate = 0.01;
// Most calls killed: nothing is known of their work but that it is more. One doubling costs a whole
// canary to learn one bit, so two are taken at once.
constexpr double kMostlyKilled = 0.5;
constexpr double kBoldFactor = 4, kLeastFactor = 2;

std::string mb(double v) {
    char text[40];
    std::snprintf(text, sizeof text, "%.0f MB", v);
    return text;
}
std::string percent(double share) {
    char text[40];
    std::snprintf(text, sizeof text, "%.0f %%", share * 100);
    return text;
}
std::string seconds(double s) {
    char text[40];
    std::snprintf(text, sizeof text, s < 10 ? "%.2f s" : "%.0f s", s);
    return text;
}

Unexpected refuse(std::string reason) { return fail(Errc::unsupported, std::move(reason)); }

// Up to the next size that the platform has; the platform's largest when there is none.
std::uint32_t platform_size(double wanted, const Capabilities& p) {
    const double step = std::max<std::uint32_t>(p.memory_step_mb, 1);
    const double least = p.memory_min_mb;
    const double rounded = wanted <= least ? least : least + std::ceil((wanted - least) / step) * step;
    return static_cast<std::uint32_t>(std::min<double>(rounded, p.memory_max_mb));
}

// What every strategy needs to know, or why it cannot.
struct Basis {
    double memory_mb = 0;
    double invocations = 0, failure_rate = 0;
    TimeModel model;
};
Result<Basis> basis(const SizingTask& task) {
    const FactSet& fn = task.facts.fn;
    const auto memory = fn.number(Fact::fn_memory_mb), invocations = fn.number(Fact::fn_invocations);
    if (!memory || *memory <= 0) return refuse("its memory size is not known");
    if (!invocations || *invocations <= 0) return refuse("no invocations in the window");
    if (task.platform.memory_max_mb == 0)
        return refuse("the platform does not say which memory sizes it has");
    if (*memory >= task.platform.memory_max_mb)
        return refuse("it already has the platform's largest size, " + mb(*memory));
    if (task.attempts.count >= task.step.max_bumps)
        return refuse(std::to_string(task.attempts.count) + " resizes in 30 days did not end it");
    const double share = fn.number(Fact::fn_oncpu_share).value_or(0);  // not known: time stays as it is
    return Basis{.memory_mb = *memory,
                 .invocations = *invocations,
                 .failure_rate = fn.number(Fact::fn_errors).value_or(0) / *invocations,
                 .model = {.from_mb = *memory, .cpu_share = std::clamp(share, 0.0, 1.0)}};
}

// The guardrail on cost; `cured` calls fail no longer. Its text is part of the prediction.
Result<std::string> cost(const SizingTask& task, const Basis& b, double to_mb, double cured) {
    const double after = std::clamp(b.failure_rate - cured / b.invocations, 0.0, 1.0);
    const CostChange change{to_mb, b.failure_rate, after};
    const Tariff* named = task.step.tariff.get();
    CallPrice price{.model = b.model, .tariff = named ? named : task.platform_tariff, .now = call_time(task.facts)};
    auto ratio = cost_ratio(price, change);
    // Nobody asked for the platform's own, so what it cannot say is no reason to do nothing.
    if (!ratio && !named) price.tariff = nullptr, ratio = cost_ratio(price, change);
    if (!ratio) return refuse("its cost cannot be told: " + ratio.error().message);
    if (*ratio == 0) return std::string("nothing succeeds now, so any cost is a gain");
    const double increase = (*ratio - 1) * 100;
    char number[40];
    std::snprintf(number, sizeof number, "%+.0f %%", increase);
    std::string text = std::string("cost of a successful call ") + number + (named ? " by " + named->name : "");
    if (task.max_cost_increase_pct && increase > *task.max_cost_increase_pct)
        return refuse("at " + mb(to_mb) + " the predicted " + text + " is above max_cost_increase_pct");
    return text;
}

Result<Sizing> bump(const SizingTask& task, const Basis& b) {
    const FactSet& fn = task.facts.fn;
    const double kills = fn.number(Fact::fn_oom_count).value_or(0);
    if (kills <= 0) return refuse("there were no out-of-memory kills in the window");
    // Killed at the limit: more than the limit was needed, whatever the watermark says.
    const double used = std::max({fn.number(Fact::fn_peak_memory_mb).value_or(0), b.memory_mb,
                                  static_cast<double>(task.attempts.largest_unproven_mb)});
    if (used >= task.platform.memory_max_mb)
        return refuse("it used " + mb(used) + ", the platform's largest size is " +
                      mb(task.platform.memory_max_mb));
    const std::uint32_t to = platform_size(std::max(used + kBumpMb, used * kBumpFactor), task.platform);
    const auto price = cost(task, b, to, kills);
    if (!price) return price.forward();
    return Sizing{{static_cast<std::uint32_t>(b.memory_mb), to},
                  std::to_string(std::llround(kills)) + " of " + std::to_string(std::llround(b.invocations)) +
                      " invocations were killed out of memory at " + mb(b.memory_mb) + "; used at least " +
                      mb(used),
                  "no out-of-memory kills up to " + mb(to) + "; " + *price};
}

// What is known of the slowest calls' duration.
struct Slowest {
    double seconds = 0;
    bool lower_bound = false;
    double least_factor = 1;
};
Slowest slowest(const FactSet& fn, double limit, double killed_rate) {
    if (killed_rate > kMostlyKilled) return {limit, true, kBoldFactor};
    if (killed_rate >= kCensoredRate) return {limit, true, kLeastFactor};
    const auto p99 = fn.number(Fact::fn_p99);
    return p99 ? Slowest{*p99, false, 1} : Slowest{limit, true, kLeastFactor};
}

Result<Sizing> more_cpu(const SizingTask& task, const Basis& b) {
    const FactSet& fn = task.facts.fn;
    const auto limit = fn.number(Fact::fn_timeout), share = fn.number(Fact::fn_oncpu_share);
    const double killed = fn.number(Fact::fn_timeouts).value_or(0);
    if (killed <= 0) return refuse("there were no timeouts in the window");
    if (!limit || *limit <= 0) return refuse("its time limit is not known");
    if (!share) return refuse("its share on CPU is not known, so neither is whether CPU would help");
    const double largest = std::min<double>(b.model.whole_cpu_mb, task.platform.memory_max_mb);
    if (b.memory_mb >= largest)
        return refuse("at " + mb(b.memory_mb) + " it already has as much CPU as one thread can use");
    const double unproven = task.attempts.largest_unproven_mb;
    if (unproven >= std::floor(largest)) return refuse("a whole CPU was tried and did not prove itself");

    const Slowest now = slowest(fn, *limit, killed / b.invocations);
    if (now.seconds < kSafePartOfLimit * *limit)
        return refuse("only single calls time out; the p99 of " + seconds(now.seconds) +
                      " is well below the limit of " + seconds(*limit));
    const double needed = b.model.memory_for(kSafePartOfLimit * *limit / now.seconds);
    const std::string waits = percent(1 - b.model.cpu_share) + " of its time it waits";
    if (needed > largest)
        return refuse("CPU does not help: " + waits + ", so even with a whole CPU the predicted p99 is " +
                      seconds(now.seconds * b.model.time_ratio(largest)) + " of a limit of " +
                      seconds(*limit));
    const double wanted =
        std::max({std::floor(needed) + 1, b.memory_mb * now.least_factor, unproven * kLeastFactor});
    const std::uint32_t to = platform_size(std::min(wanted, largest), task.platform);
    const auto price = cost(task, b, to, killed);
    if (!price) return price.forward();
    const std::string bound = now.lower_bound ? "at least " : "";
    return Sizing{{static_cast<std::uint32_t>(b.memory_mb), to},
                  percent(killed / b.invocations) + " of the invocations were killed at their limit of " +
                      seconds(*limit) + ", and " + percent(b.model.cpu_share) +
                      " of the time they wanted CPU" +
                      (now.lower_bound ? "; killed calls show their work only up to the kill" : ""),
                  "p99 from " + bound + seconds(now.seconds) + " to " + bound +
                      seconds(now.seconds * b.model.time_ratio(to)) + " at " + mb(to) +
                      (now.lower_bound ? ", a lower bound: the canary decides; " : "; ") + *price};
}

}  // namespace

Result<Sizing> choose_size(const SizingTask& task) {
    const auto b = basis(task);
    if (!b) return b.forward();
    const bool killed_for_memory = task.facts.fn.number(Fact::fn_oom_count).value_or(0) > 0;
    const bool by_memory = task.step.strategy == SizingStrategy::oom_bump ||
                           (task.step.strategy == SizingStrategy::automatic && killed_for_memory);
    return by_memory ? bump(task, *b) : more_cpu(task, *b);
}

}  // namespace autotune::rules
