#include "providers/change_driver.hpp"

#include <utility>

#include "net/retry.hpp"

namespace autotune {

namespace {
// Once the verdict is in, the alias must get to one side or the other, however long that takes.
bool must_arrive(Step step) { return step == Step::promoting || goes_back(step); }
}  // namespace

ChangeDriver ChangeDriver::begun(DriverContext context, ChangeRecord record, const FunctionState& state) {
    ChangeDriver driver(context, std::move(record));
    driver.head_ = state.etag;
    driver.environment_ = state.config.environment;
    driver.alias_ = driver.record_.before.etag;
    return driver;
}

ChangeDriver ChangeDriver::resumed(DriverContext context, ChangeRecord record) {
    ChangeDriver driver(context, std::move(record));
    driver.look_ = true;
    return driver;
}

ChangeRecord ChangeDriver::shown() const {
    ChangeRecord copy = record_;
    if (!trouble_.empty()) copy.detail = trouble_;
    return copy;
}

bool ChangeDriver::can_go_on() const {
    return record_.step != Step::observing && record_.step != Step::closed &&
           context_.clock.now() >= not_before_;
}

void ChangeDriver::step() {
    const bool ended = record_.step == Step::closed || record_.step == Step::waiting;
    if (ended || (hold_ == Hold::held && !has_lease())) return;  // which is kept while a call waits to be tried again
    if (context_.clock.now() < not_before_ || !has_lease() || !can_go_on()) return;
    if (const auto setting = setting_of(record_.action.change)) return step_setting(*setting);
    switch (record_.step) {
        case Step::intended:
            if (go_to(Step::configuring)) configure();
            break;
        case Step::configuring: configure(); break;
        case Step::configured:
            if (go_to(Step::publishing)) publish();
            break;
        case Step::publishing: publish(); break;
        case Step::published:
            if (go_to(Step::routing)) route();
            break;
        case Step::routing: route(); break;
        case Step::promoting: promote(); break;
        case Step::reverting:
        case Step::undoing: revert(); break;
        case Step::waiting:
        case Step::observing:
        case Step::closed: break;
    }
}

// One call of the platform; the next step() acts on what was seen.
bool ChangeDriver::look() {
    if (!look_ || seen_) return true;
    auto state = context_.provider.get(record_.action.target);
    if (!state) {
        if (state.error().code == Errc::not_found && must_arrive(record_.step))
            close(Disposition::failed, record_.detail + "; the function is gone: " + state.error().message);
        else
            failed(state.error());
        return false;
    }
    seen_ = *std::move(state);
    return false;
}

Status ChangeDriver::decide(const JudgeReport& report, Disposition how) {
    if (record_.step != Step::observing)
        return fail(Errc::invalid_argument, "a verdict is for a change that is observing; this one is " +
                                                std::string(to_string(record_.step)));
    const bool up = how == Disposition::promoted;
    if (!up && how != Disposition::rolled_back && how != Disposition::reverted)
        return fail(Errc::invalid_argument, "\"" + std::string(to_string(how)) + "\" is not a verdict");
    ChangeRecord next = record_;
    next.step = up ? Step::promoting : Step::reverting;
    next.disposition = up ? Disposition::in_progress : how;
    next.judged = report;
    next.detail = report.reason;
    next.updated = context_.clock.wall();
    if (const Status saved = context_.store.save_change(next); !saved) return saved;
    take(std::move(next));
    return ok();
}

// Once it was to be promoted the alias may serve the candidate alone already: then that goes back, too.
Status ChangeDriver::withdraw(const std::string& why) {
    if (goes_back(record_.step) || record_.step == Step::closed)
        return fail(Errc::invalid_argument, "it goes back already");
    ChangeRecord next = record_;
    next.step = record_.step == Step::promoting ? Step::undoing : Step::reverting;
    next.disposition = Disposition::reverted;
    next.detail = why;
    next.updated = context_.clock.wall();
    if (const Status saved = context_.store.save_change(next); !saved) return saved;
    take(std::move(next));
    look_ = true;
    seen_.reset();
    number_.reset();
    return ok();
}

void ChangeDriver::note(const JudgeReport& report) {
    if (record_.step != Step::observing) return;
    record_.judged = report;
    const WallTime now = context_.clock.wall();
    if (now - noted_ < context_.options.note_interval) return;
    noted_ = now;
    record_.updated = now;
    // A note that cannot be written is no reason to stop: the next one may be.
    (void)context_.store.save_change(record_);
}

bool ChangeDriver::journal(ChangeRecord next) {
    next.updated = context_.clock.wall();
    if (const Status saved = context_.store.save_change(next); !saved) {
        trouble_ = "the journal cannot be written: " + saved.error().message;
        look_ = true;
        seen_.reset();
        number_.reset();
        back_off();
        return false;
    }
    take(std::move(next));
    return true;
}

void ChangeDriver::take(ChangeRecord next) {
    record_ = std::move(next);
    failures_ = 0;
    not_before_ = Timestamp();
    trouble_.clear();
}

bool ChangeDriver::go_to(Step step) {
    ChangeRecord next = record_;
    next.step = step;
    return journal(std::move(next));
}

void ChangeDriver::close(Disposition disposition, std::string detail) {
    ChangeRecord next = record_;
    next.step = Step::closed;
    next.disposition = disposition;
    next.detail = std::move(detail);
    journal(std::move(next));
}

void ChangeDriver::give_up(const std::string& reason) {
    ChangeRecord next = record_;
    next.step = Step::reverting;
    next.disposition = Disposition::failed;
    next.detail = reason;
    journal(std::move(next));
}

void ChangeDriver::failed(const Error& error) {
    look_ = true;
    seen_.reset();
    trouble_ = error.message;
    back_off();
    const bool unanswered = error.code == Errc::timed_out || error.code == Errc::unavailable;
    if (unanswered && (record_.step == Step::routing || record_.step == Step::promoting))
        route_in_doubt_ = true;
    if (goes_back(record_.step)) return;
    const bool too_often = failures_ >= context_.options.max_attempts && !must_arrive(record_.step);
    if (!may_pass(error.code) || too_often) give_up(error.message);
}

void ChangeDriver::wait_for(const std::string& what) {
    look_ = true;
    trouble_ = "waiting for " + what;
    back_off();
    if (!must_arrive(record_.step) && failures_ >= context_.options.max_attempts)
        give_up("waited in vain for " + what);
}

void ChangeDriver::back_off() {
    const net::RetryPolicy policy{.base = context_.options.first_delay,
                                  .cap = context_.options.longest_delay};
    const double random = std::uniform_real_distribution<double>(0, 1)(random_);
    not_before_ = context_.clock.now() + net::backoff(policy, static_cast<unsigned>(failures_), random);
    ++failures_;
}

bool unanswered(Errc code) { return code == Errc::timed_out || code == Errc::unavailable; }

bool may_pass(Errc code) {
    switch (code) {
        case Errc::conflict:
        case Errc::resource_exhausted:
        case Errc::unavailable:
        case Errc::timed_out: return true;
        default: return false;
    }
}

}  // namespace autotune
