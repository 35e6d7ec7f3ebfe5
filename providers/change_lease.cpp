// How a change gets the lease of its function, keeps it, and gives it back: a part of ChangeDriver.
#include <utility>

#include "providers/change_driver.hpp"

namespace autotune {

namespace {
// What was begun on the platform must end there, one way or the other.
bool is_begun(Step step) { return step != Step::intended; }
}  // namespace

// True: the function is this agent's until the time is over. Asks the platform at most twice, mostly not at all.
bool ChangeDriver::has_lease() {
    if (context_.leases == nullptr || !context_.leases->are_taken()) return true;
    const LeaseTerms& terms = context_.leases->terms();
    const Timestamp now = context_.clock.now();
    if (hold_ == Hold::held && now - renewed_ < terms.good_for / 3) return true;
    if (hold_ == Hold::held && now - renewed_ < terms.good_for) renew();
    if (hold_ == Hold::held && context_.clock.now() - renewed_ < terms.good_for) return true;  // renewing may have taken long
    if (hold_ == Hold::held) {  // this process stood still for so long that another may have taken it
        hold_ = Hold::none;
        was_ours_ = lease_;
    }
    if (hold_ == Hold::written)
        confirm_lease();
    else
        take_lease();
    return hold_ == Hold::held;
}

// Nobody may take it yet, so nothing has to be looked at. If it fails, there is still time to try again.
void ChangeDriver::renew() {
    const Timestamp now = context_.clock.now();
    if (now < renew_not_before_) return;
    auto text = context_.leases->write(record_.action.target);
    if (text) {
        lease_ = *std::move(text);
        renewed_ = now;
    } else {
        renew_not_before_ = now + context_.leases->terms().good_for / 20;
    }
}

void ChangeDriver::lease_failed(const Error& error) {
    const bool for_good = !may_pass(error.code) || failures_ >= context_.options.max_attempts;
    if (for_good && is_begun(record_.step)) {
        hold_ = Hold::held;  // what is begun must be ended; the steps look for themselves at what is there
        renewed_ = context_.clock.now();
        return;
    }
    if (for_good) return close(Disposition::refused, "the lease could not be taken: " + error.message);
    trouble_ = "no lease: " + error.message;
    back_off();
}

void ChangeDriver::take_lease() {
    const Timestamp looked = context_.clock.now();
    const auto state = context_.provider.get(record_.action.target);
    if (!state) return lease_failed(state.error());
    const Holder holder = context_.leases->look(record_.action.target, state->lease);
    if (holder == Holder::another) {
        lease_lost_ = is_begun(record_.step);
        if (!lease_lost_) return close(Disposition::refused, context_.leases->who(state->lease));
        trouble_ = "waiting until it may: " + context_.leases->who(state->lease);
        back_off();
        return;
    }
    // Somebody had it since, or took the text away.
    if (is_begun(record_.step) && (holder != Holder::this_agent || (!was_ours_.empty() && was_ours_ != state->lease)))
        lease_lost_ = true;
    auto text = context_.leases->write(record_.action.target);
    if (!text) return lease_failed(text.error());
    const LeaseTerms& terms = context_.leases->terms();
    const Timestamp now = context_.clock.now();
    lease_ = *std::move(text);
    was_ours_ = lease_;
    if (now - looked > terms.settle / 2)  // who looked in between may have it already
        return lease_failed({Errc::timed_out, "the platform is too slow for it"});
    hold_ = Hold::written;
    written_ = now;
    not_before_ = now + terms.settle;
}

void ChangeDriver::confirm_lease() {
    const auto state = context_.provider.get(record_.action.target);
    if (!state) return lease_failed(state.error());
    const LeaseTerms& terms = context_.leases->terms();
    if (state->lease != lease_ || context_.clock.now() - written_ >= terms.good_for) {
        hold_ = Hold::none;
        if (state->lease.empty())
            lease_failed({Errc::unavailable, "what was written does not show; reading it takes lambda:ListTags, too"});
        return;
    }
    hold_ = Hold::held;
    renewed_ = written_;
    failures_ = 0;
    look_ = true;
    seen_.reset();
    number_.reset();
    if (record_.step == Step::promoting) return;  // promote() sees to it, and keep_setting() compares
    if (std::exchange(lease_lost_, false) && !goes_back(record_.step))
        give_up("for some time the lease was not this agent's: another may have changed the function");
}

// What has ended. Best effort: it expires by itself.
void ChangeDriver::release_lease() {
    if (hold_ != Hold::held || context_.clock.now() - renewed_ >= context_.leases->terms().good_for || lease_.empty()) return;
    (void)context_.leases->release(record_.action.target);
    hold_ = Hold::none;
}

}  // namespace autotune
