// What each step of a change of reserved concurrency asks of the platform. It is of no version, so there are fewer of them:
//
//   intended → configuring → observing → promoting → closed (promoted)
//                                      → reverting → closed (reverted, rolled_back, failed)
//   undoing → closed (rolled_back, failed)
//
// Lambda gives such a reservation no RevisionId, so what is compared before each setting is the number itself: one that is
// neither what was there before nor what this change sets is somebody else's, and stays. Between looking and setting lies
// one call; who sets it then is overwritten, and nothing of the API could tell.
#include <utility>

#include "providers/change_driver.hpp"

namespace autotune {

namespace {
std::string told(const std::optional<std::uint32_t>& limit) { return limit ? std::to_string(*limit) : "none"; }
}  // namespace

void ChangeDriver::step_reserve(const Reserve& reserve) {
    switch (record_.step) {
        case Step::intended: go_to(Step::configuring); break;
        case Step::configuring: set_reserve(reserve); break;
        case Step::promoting: keep_reserve(reserve); break;
        case Step::reverting:
        case Step::undoing: put_reserve_back(reserve); break;
        case Step::configured:
        case Step::publishing:
        case Step::published:
        case Step::routing:
        case Step::waiting:
        case Step::observing:
        case Step::closed: break;
    }
}

// One call of the platform; the next step() acts on what was seen.
bool ChangeDriver::look_at_reserve() {
    if (limit_) return true;
    auto limit = context_.provider.reserved(record_.action.target);
    if (limit)
        limit_ = *limit;
    else if (limit.error().code == Errc::not_found && record_.step != Step::configuring)
        close(Disposition::failed, record_.detail + "; the function is gone: " + limit.error().message);
    else
        failed(limit.error());
    return false;
}

void ChangeDriver::set_reserve(const Reserve& reserve) {
    if (!look_at_reserve()) return;
    const auto now = *std::exchange(limit_, std::nullopt);
    if (now != reserve.to && now != reserve.from)
        return give_up("somebody else reserved " + told(now) + " for the function meanwhile");
    if (now == reserve.from) {
        const Status set = context_.provider.reserve(record_.action.target, reserve.to);
        if (!set) {
            reserve_in_doubt_ |= unanswered(set.error().code);
            return failed(set.error());
        }
    }
    ChangeRecord next = record_;
    next.step = Step::observing;
    next.candidate_published = context_.clock.wall();  // since then it is judged
    journal(std::move(next));
}

void ChangeDriver::keep_reserve(const Reserve& reserve) {
    if (!look_at_reserve()) return;
    const auto now = *std::exchange(limit_, std::nullopt);
    if (now == reserve.to) return close(Disposition::promoted, record_.detail);
    give_up("somebody else reserved " + told(now) + " for the function while it was observed");
}

void ChangeDriver::put_reserve_back(const Reserve& reserve) {
    if (!look_at_reserve()) return;
    const auto now = *std::exchange(limit_, std::nullopt);
    const bool is_back = now == reserve.from;
    if (is_back && !reserve_in_doubt_) return close(record_.disposition, record_.detail);
    if (!is_back && now != reserve.to)
        return close(Disposition::failed, record_.detail + "; " + told(now) + " is reserved by now, and was left so");
    // Also when nothing seems to have come of an unanswered call: that one is over, then, before this one is answered, or
    // never was there. A precaution, so it is not insisted on.
    const Status set = context_.provider.reserve(record_.action.target, reserve.from);
    if (!set && !is_back && !may_pass(set.error().code))
        return close(Disposition::failed, record_.detail + "; it could not be put back: " + set.error().message);
    if (!set) failed(set.error());
    reserve_in_doubt_ = is_back && !set && unanswered(set.error().code) && failures_ < context_.options.max_attempts;
}

}  // namespace autotune
