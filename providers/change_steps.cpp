// What each step of a change asks of the platform: the part of ChangeDriver that knows the way.
#include <fstream>
#include <sstream>
#include <utility>

#include "providers/change_driver.hpp"
#include "providers/change_state.hpp"
#include "providers/copies.hpp"
#include "providers/tuning.hpp"

namespace autotune {

// An older or newer program began it. Its layer is on the platform, or not; here it is not.
bool ChangeDriver::of_another_wrapper() const {
    const auto* wrap = std::get_if<Wrap>(&record_.action.change);
    return wrap != nullptr && wrap->layer != context_.options.layer.name;
}

// The wrapper's files, and the copies it sends calls to, must be there before a function names them. Nobody sees them before that, so what a
// crash leaves of it does no harm.
bool ChangeDriver::provide_layer() {
    const auto* wrap = std::get_if<Wrap>(&record_.action.change);
    if (wrap == nullptr || !layer_.empty() || of_another_wrapper()) return true;
    const auto places = places_of(*wrap);
    const Status copied = places ? provide_copies(*places, record_.action.target, record_.before.stable, context_.provider,
                                                  context_.options.reach)
                                 : Status(places.forward());
    if (!copied) return failed(copied.error()), false;
    auto layer = context_.provider.provide_layer(context_.options.layer);
    if (layer)
        layer_ = *std::move(layer);
    else
        failed(layer.error());
    return false;
}

Result<FunctionState> ChangeDriver::set_head() {
    const auto* deploy = std::get_if<Deploy>(&record_.action.change);
    if (deploy == nullptr)
        return context_.provider.configure(
            record_.action.target, difference(record_.before_head, tuned_by(record_, layer_), environment_), head_);
    std::ifstream file(deploy->package, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    if (!file) return fail(Errc::invalid_argument, "the package " + deploy->package + " cannot be read");
    std::string zip = std::move(bytes).str();
    // What is deployed must be what is put back: nothing else would be known for this change's.
    if (context_.provider.hash_of(zip) != deploy->code_hash)
        return fail(Errc::invalid_argument, "the package " + deploy->package + " is not what it was when this was asked for");
    return context_.provider.deploy(record_.action.target, {.zip = std::move(zip)}, head_);
}

void ChangeDriver::configure() {
    if (!provide_layer()) return;
    if (!look()) return;
    if (auto seen = std::exchange(seen_, std::nullopt)) {
        head_ = seen->etag;
        environment_ = std::move(seen->config.environment);
        switch (find_configured(record_, *seen)) {
            case Found::busy: return wait_for("an update of the function to finish");
            case Found::foreign: return give_up("somebody else changed the function meanwhile");
            case Found::done:
                look_ = false;
                go_to(Step::configured);
                return;
            case Found::not_done: break;
        }
    }
    if (of_another_wrapper()) return give_up("the program that began it had another wrapper than this one");
    const auto state = set_head();
    if (!state) return failed(state.error());
    if (const std::string other = differs(state->head.tuned, tuned_by(record_)); !other.empty())
        return give_up("the platform did not do as it was told: " + other);
    head_ = state->etag;
    look_ = false;
    go_to(Step::configured);
}

void ChangeDriver::publish() {
    if (!look()) return;
    ChangeRecord next = record_;
    next.step = Step::published;
    if (const auto seen = std::exchange(seen_, std::nullopt)) {
        head_ = seen->etag;
        switch (find_published(record_, *seen)) {
            case Found::busy: return wait_for("an update of the function to finish");
            case Found::foreign: return give_up("somebody else changed the function meanwhile");
            case Found::done: next.candidate = seen->versions.back(); break;
            case Found::not_done: break;
        }
    }
    if (next.candidate.empty()) {
        auto version = context_.provider.publish(record_.action.target, head_);
        if (!version) return failed(version.error());
        if (*version == record_.before.stable)
            return give_up("version " + *version + ", which serves already, is configured like that");
        next.candidate = *std::move(version);
    }
    next.candidate_published = context_.clock.wall();
    if (journal(std::move(next))) look_ = alias_.empty();
}

void ChangeDriver::route() {
    if (!look()) return;
    Routing split = canary_split(record_);
    if (const auto seen = std::exchange(seen_, std::nullopt)) {
        switch (find_routed(record_, *seen)) {
            case Found::busy:
            case Found::foreign: return give_up("somebody else changed the alias meanwhile");
            case Found::done: go_to(Step::observing); return;
            case Found::not_done: alias_ = find_alias(*seen, split.alias)->etag; break;
        }
    }
    split.etag = alias_;
    const auto now = context_.provider.route(record_.action.target, split);
    if (!now) return failed(now.error());
    go_to(Step::observing);
}

void ChangeDriver::promote() {
    look_ = true;  // much may have happened while the judge was watching
    if (!look()) return;
    const FunctionState seen = *std::exchange(seen_, std::nullopt);
    switch (find_promoted(record_, seen)) {
        case Found::busy:
        case Found::foreign: return give_up("somebody else changed the alias while the canary ran");
        case Found::done:
            if (lease_lost_)
                return close(Disposition::failed, record_.detail + "; version " + record_.candidate +
                                                      " serves already, and for some time another agent may have had the lease");
            return close(Disposition::promoted, record_.detail);
        case Found::not_done: break;
    }
    Routing whole = promoted_split(record_);
    whole.etag = find_alias(seen, whole.alias)->etag;
    const auto now = context_.provider.route(record_.action.target, whole);
    if (!now) return failed(now.error());
    close(Disposition::promoted, record_.detail);
}

// Looks, does the one thing that is missing, looks again, until nothing is missing.
void ChangeDriver::revert() {
    look_ = true;
    if (!look()) return;
    const FunctionState seen = *std::exchange(seen_, std::nullopt);
    const Routing* alias = find_alias(seen, record_.before.alias);
    const bool whole = alias != nullptr && same_split(*alias, promoted_split(record_));
    if (whole && record_.step != Step::undoing)
        return close(Disposition::failed, record_.detail + "; the alias serves only version " +
                                              alias->stable + " by now and was left so");
    const bool put_back = alias != nullptr && same_split(*alias, record_.before);
    const bool ours = whole || (alias != nullptr && same_split(*alias, canary_split(record_)));
    // Also when nothing seems to have come of an unanswered call: the new etag makes it fail if it is
    // still on its way. That is a precaution, so it is not insisted on.
    if (ours || (put_back && route_in_doubt_)) {
        Routing old = record_.before;
        old.etag = alias->etag;
        const auto now = context_.provider.route(record_.action.target, old);
        if (!now) failed(now.error());
        route_in_doubt_ =
            !ours && !now && unanswered(now.error().code) && failures_ < context_.options.max_attempts;
        return;
    }
    if (seen.update_in_progress) return wait_for("an update of the function to finish");
    if (!put_back && record_.disposition != Disposition::failed) {
        ChangeRecord next = record_;
        next.disposition = Disposition::failed;
        next.detail += "; somebody else changed the alias meanwhile, and it was left so";
        if (!journal(std::move(next))) return;
    }
    // Under another agent's lease the same change may have been made since: a head as the version that serves is not this one's.
    const auto serving = alias == nullptr ? seen.builds.end() : seen.builds.find(alias->stable);
    const bool leased = context_.leases != nullptr && context_.leases->are_taken();
    if (leased && !put_back && serving != seen.builds.end() && same_tuning(serving->second.tuned, seen.head.tuned))
        return close(record_.disposition, record_.detail);
    revert_head(seen);
}

// The code that was there is that of the version that serves: a change begins on no other head.
Result<FunctionState> ChangeDriver::put_head_back(const FunctionState& seen, const Tuning& back) {
    if (back.code_hash == seen.head.tuned.code_hash)
        return context_.provider.configure(
            record_.action.target, difference(seen.head.tuned, back, seen.config.environment), seen.etag);
    auto old = context_.provider.package(record_.action.target, record_.before.stable);
    if (!old) return old.forward();
    return context_.provider.deploy(record_.action.target, {.zip = std::move(old->zip)}, seen.etag);
}

void ChangeDriver::revert_head(const FunctionState& seen) {
    const Tuning back = taken_back(seen.head.tuned, record_.before_head, tuned_by(record_));
    if (back == seen.head.tuned) return close(record_.disposition, record_.detail);
    const auto state = put_head_back(seen, back);
    if (!state && !may_pass(state.error().code))
        return close(Disposition::failed,
                     record_.detail + "; the head could not be put back: " + state.error().message);
    if (!state) failed(state.error());
}

}  // namespace autotune
