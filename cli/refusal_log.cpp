#include "cli/refusal_log.hpp"

#include <algorithm>
#include <utility>

#include "rules/engine.hpp"

namespace autotune::cli {

namespace {
constexpr Nanos kSame = std::chrono::minutes(10);
// What stands is written that often: thousands may stand, and the record need not know it to the second.
constexpr Nanos kLag = std::chrono::minutes(5);
constexpr std::size_t kAtOnce = 200, kMostUnwritten = 20'000, kMostMet = 50'000, kMostLoaded = 10'000;

// None when the wall clock was set back: what was met is still the same.
Nanos since(WallTime then, WallTime now) { return std::max(now - then, Nanos(0)); }

std::string sentence(const Refusal& r) {
    return (r.change.empty() ? "" : r.change + " ") + "by rule " + r.rule + ": " + r.reason;
}
}  // namespace

RefusalLog::Key RefusalLog::key_of(const Refusal& r) { return {r.target, r.rule, rules::without_figures(r.reason)}; }

// It may have been met for longer than is on record: then it is the same still.
Status RefusalLog::load(WallTime now) {
    auto known = store_.refused({.from = now - kSame - kLag, .limit = kMostLoaded});
    if (!known) return known.forward("reading what was refused");
    for (RefusalRecord& r : *known) {
        const WallTime last = std::min(now, r.until + kLag);
        Key key = key_of(r.what);
        met_.try_emplace(std::move(key), Met{std::move(r), last});
    }
    return ok();
}

void RefusalLog::add(Refusal refusal, WallTime now) {
    const auto [known, is_new] = met_.try_emplace(key_of(refusal));
    Met& met = known->second;
    const bool same = !is_new && since(met.last, now) < kSame;
    met.last = now;
    if (same && since(met.kept.until, now) < kLag) return;
    if (refusal.change.empty()) refusal.change = met.kept.what.change;
    met.kept = {std::move(refusal), same ? met.kept.at : now, now};
    unwritten_.push_back(met.kept);
    if (unwritten_.size() > kMostUnwritten) {
        dropped_ += unwritten_.front().until == unwritten_.front().at;  // else it is on record, only not for how long
        unwritten_.pop_front();
    }
    if (met_.size() > kMostMet) forget_old(now);
}

void RefusalLog::forget_old(WallTime now) {
    std::erase_if(met_, [&](const auto& one) { return since(one.second.last, now) >= kSame; });
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
        if (std::get<1>(at->first) != but_rule && since(at->second.last, now) < kSame)
            out.push_back(sentence(at->second.kept.what));
    return out;
}

}  // namespace autotune::cli
