#include "cli/refusal_log.hpp"

#include <algorithm>
#include <utility>

#include "rules/engine.hpp"

namespace autotune::cli {

namespace {
constexpr Nanos kSame = std::chrono::minutes(10);
constexpr std::size_t kAtOnce = 200, kMostUnwritten = 20'000, kMostMet = 50'000, kMostLoaded = 10'000;

// None when the wall clock was set back: what was met is still the same.
Nanos since(WallTime then, WallTime now) { return std::max(now - then, Nanos(0)); }

std::string sentence(const Refusal& r) {
    return (r.change.empty() ? "" : r.change + " ") + "by rule " + r.rule + ": " + r.reason;
}
}  // namespace

Status RefusalLog::load(WallTime now) {
    const auto known = store_.refused({.from = now - kSame, .limit = kMostLoaded});
    if (!known) return known.forward("reading what was refused");
    for (const RefusalRecord& r : *known)
        met_.try_emplace({r.what.target, r.what.rule, rules::without_figures(r.what.reason)}, Met{now, sentence(r.what)});
    return ok();
}

void RefusalLog::add(Refusal refusal, WallTime now) {
    Met met{now, sentence(refusal)};
    const auto [known, is_new] =
        met_.try_emplace({refusal.target, refusal.rule, rules::without_figures(refusal.reason)}, met);
    const bool same = !is_new && since(known->second.at, now) < kSame;
    known->second = std::move(met);
    if (same) return;
    unwritten_.push_back({std::move(refusal), now});
    if (unwritten_.size() > kMostUnwritten) {
        unwritten_.pop_front();
        ++dropped_;
    }
    if (met_.size() > kMostMet) forget_old(now);
}

void RefusalLog::forget_old(WallTime now) {
    std::erase_if(met_, [&](const auto& one) { return since(one.second.at, now) >= kSame; });
    if (met_.size() > kMostMet) met_.clear();  // then some are told twice
}

Status RefusalLog::write() {
    if (unwritten_.empty()) return ok();
    const auto some = static_cast<std::ptrdiff_t>(std::min(kAtOnce, unwritten_.size()));
    const std::vector<RefusalRecord> batch(unwritten_.begin(), unwritten_.begin() + some);
    if (const Status kept = store_.keep(batch); !kept) return kept.forward("putting on record what was refused");
    unwritten_.erase(unwritten_.begin(), unwritten_.begin() + some);
    if (dropped_ == 0) return ok();
    return fail(Errc::resource_exhausted,
                std::to_string(std::exchange(dropped_, 0)) + " refusals are not on record: there were too many at once");
}

std::vector<std::string> RefusalLog::lately(const FunctionRef& function, const std::string& but_rule, WallTime now) const {
    std::vector<std::string> out;
    for (auto at = met_.lower_bound({function, "", ""}); at != met_.end() && std::get<0>(at->first) == function; ++at)
        if (std::get<1>(at->first) != but_rule && since(at->second.at, now) < kSame) out.push_back(at->second.sentence);
    return out;
}

}  // namespace autotune::cli
