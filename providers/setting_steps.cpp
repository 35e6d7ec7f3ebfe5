// What each step of a change of no version asks of the platform: reserved concurrency, environments kept warm. Both are one
// number, or none, and take fewer steps than a version does:
//
//   intended → configuring → observing → promoting → closed (promoted)
//                                      → reverting → closed (reverted, rolled_back, failed)
//   undoing → closed (rolled_back, failed)
//
// Lambda gives such a number no RevisionId, so what is compared before each setting is the number itself: one that is
// neither what was there before nor what this change sets is somebody else's, and stays. Between looking and setting lies
// one call; who sets it then is overwritten, and nothing of the API could tell.
//
// Environments take their time to be ready, on Lambda minutes: only then is it observed.
#include <utility>

#include "providers/change_driver.hpp"

namespace autotune {

namespace {
constexpr Nanos kReadyWithin = std::chrono::minutes(15);
}  // namespace

void ChangeDriver::step_setting(const Setting& setting) {
    switch (record_.step) {
        case Step::intended: go_to(Step::configuring); break;
        case Step::configuring: set_setting(setting); break;
        case Step::promoting: keep_setting(setting); break;
        case Step::reverting:
        case Step::undoing: put_setting_back(setting); break;
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
bool ChangeDriver::look_at_setting() {
    if (number_) return true;
    auto number = read_setting(context_.provider, record_.action);
    if (number)
        number_ = *std::move(number);
    else if (number.error().code == Errc::not_found && record_.step != Step::configuring)
        close(Disposition::failed, record_.detail + "; the function, or its alias, is gone: " + number.error().message);
    else
        failed(number.error());
    return false;
}

void ChangeDriver::set_setting(const Setting& setting) {
    if (!look_at_setting()) return;
    const SettingSeen now = *std::exchange(number_, std::nullopt);
    if (now.number != setting.to && now.number != setting.from)
        return give_up("somebody else " + told_setting(record_.action.change, now.number) + " meanwhile");
    if (now.number == setting.from) {
        const Status set = write_setting(context_.provider, record_.action, setting.to);
        if (!set) {
            setting_in_doubt_ |= unanswered(set.error().code);
            return failed(set.error());
        }
        if (now.may_take_time) return wait_until_ready();
    } else if (!now.failed.empty()) {
        return give_up("the environments could not be made ready: " + now.failed);
    } else if (!now.ready) {
        return wait_until_ready();
    }
    ChangeRecord next = record_;
    next.step = Step::observing;
    next.candidate_published = context_.clock.wall();  // since then it is judged
    journal(std::move(next));
}

void ChangeDriver::wait_until_ready() {
    const Timestamp now = context_.clock.now();
    if (!ready_until_) ready_until_ = now + kReadyWithin;
    if (now >= *ready_until_) return give_up("the environments were not ready within 15 minutes");
    trouble_ = "waiting for the environments to be ready";
    failures_ = looks_++;  // so that the pauses grow; but the platform did answer
    back_off();
    failures_ = 0;
}

void ChangeDriver::keep_setting(const Setting& setting) {
    if (!look_at_setting()) return;
    const SettingSeen now = *std::exchange(number_, std::nullopt);
    if (now.number == setting.to) return close(Disposition::promoted, record_.detail);
    give_up("somebody else " + told_setting(record_.action.change, now.number) + " while it was observed");
}

void ChangeDriver::put_setting_back(const Setting& setting) {
    if (!look_at_setting()) return;
    const SettingSeen now = *std::exchange(number_, std::nullopt);
    const bool is_back = now.number == setting.from;
    if (is_back && !setting_in_doubt_) return close(record_.disposition, record_.detail);
    if (!is_back && now.number != setting.to)
        return close(Disposition::failed, record_.detail + "; " + left_setting(record_.action.change, now.number));
    // Also when nothing seems to have come of an unanswered call: that one is over, then, before this one is answered, or
    // never was there. A precaution, so it is not insisted on.
    const Status set = write_setting(context_.provider, record_.action, setting.from);
    if (!set && !is_back && !may_pass(set.error().code))
        return close(Disposition::failed, record_.detail + "; it could not be put back: " + set.error().message);
    if (!set) failed(set.error());
    setting_in_doubt_ = is_back && !set && unanswered(set.error().code) && failures_ < context_.options.max_attempts;
}

}  // namespace autotune
