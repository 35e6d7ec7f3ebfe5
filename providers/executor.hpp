// Executor: carries out Actions on a platform so that a crash at any point leaves no half-done change.
//
// Each step is journalled before the platform is asked ("-ing") and after it said yes; every changing
// call is a compare-and-swap; whatever is in doubt (a crash, a timeout, a lost race) is looked up on the
// platform before it is done again. A change ends either fully new (promoted) or fully old.
//
//   intended → configuring → configured → publishing → published → routing → observing
//     → promoting → closed (promoted)          when decide() says so
//     → reverting → closed (rolled_back, reverted, failed)
//   undoing → closed (rolled_back, failed)     what roll_back() makes of one that was promoted
//
// Reserved concurrency and environments kept warm are of no version and take fewer steps (setting_steps.cpp).
//
// What needs an approval is `waiting` before that; approve() takes the pre-image and makes it `intended`, or
// refuses it where the function is no longer as it was planned for. Not approved in time it closes as
// refused.
//
// A failed call is tried again with growing delays; after `max_attempts` the change goes back. Going
// back is tried for ever, since a split alias must not stay. If somebody else moves the alias or the
// head meanwhile theirs stands: the change closes as failed and says so.
// If the journal cannot be written the platform is not asked.
// With an owner, a function is changed only under its lease (providers/lease.hpp); a change that finds another agent's
// does not begin, and what an agent left half-way whose lease has expired is put back first, as a change of its own.
// One thread uses an executor at a time. REQUIRES: provider, store and clock outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/knowledge_store.hpp"
#include "core/plan.hpp"
#include "core/provider.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "providers/copies.hpp"

namespace autotune {

struct ExecutorOptions {
    std::string alias;     // the one to steer; "": the function's only alias, else "live"
    int max_attempts = 8;  // failed calls in a row before a change is given up
    Nanos first_delay = std::chrono::milliseconds(100);  // before the second attempt; then doubled
    Nanos longest_delay = std::chrono::seconds(30);
    Layer layer;  // with the wrapper (runtimes/remedy.hpp); empty: functions cannot be wrapped
    Reach reach;  // to other places, for relocations; empty: none is carried out
    Nanos note_interval = std::chrono::seconds(60);  // how often note() reaches the journal
    // Of the leases by which several agents keep out of each other's way (docs/rules.md).
    std::string owner;  // this agent, the same after a restart; "": no leases are taken
    Nanos lease = std::chrono::seconds(60);        // how long one is good for without a renewal
    Nanos lease_settle = std::chrono::seconds(1);  // how long it is waited whether another was quicker
};

class Executor {
public:
    Executor(Provider& provider, KnowledgeStore& store, const Clock& clock, ExecutorOptions options = {});
    ~Executor();
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;

    // Once, before anything else: takes up the changes that an earlier run left unfinished.
    Status recover();

    // Journals intent and pre-image of a change; step() carries it out. nullopt: nothing was begun, and
    // take_outcomes() and the journal say why (dry run: planned, with the exact requests; refused; notified).
    // Errors: the platform or the store could not be asked, or (conflict) an update of the function is under way or
    // another agent has its lease: nothing was begun and nothing is on record, so ask again.
    Result<std::optional<ChangeId>> start(const Action& action);

    // People approved the change, `who` among them: begins it. Nothing is begun, and the outcome says why,
    // where the function changed meanwhile. Errors: not_found: it does not wait; else as start(): it still
    // waits, ask again.
    Status approve(ChangeId id, const std::string& who);

    // Drives each open change, or `only` that one, by at most one platform call, and those for its lease. True: some change can go on at once, so
    // call again; false: all wait for a verdict or for the time of their next attempt.
    bool step(std::optional<ChangeId> only = std::nullopt);

    // The verdict on a change that is `observing`: promoted, rolled_back or reverted. The way there is
    // taken by step(). Errors: invalid_argument, not_found, the store's (then nothing has changed).
    Status decide(ChangeId id, const JudgeReport& report, Disposition how);

    // People take a change back, `who` among them. One that waits for an approval is closed as refused, one under way goes
    // back from where it is (reverted), and of one that was promoted a change of its own is begun that routes the
    // alias to the version before and puts the head back (rolled_back): without a canary, since that version has
    // served. step() carries it out. Returns the change to follow. Errors: not_found; invalid_argument: there is
    // nothing to take back, or something came after it, with a sentence that says what; conflict: an update of the
    // function is under way; else the store's or the platform's.
    Result<ChangeId> roll_back(ChangeId id, const std::string& who);

    // What the judge has seen so far, for people; persisted now and then. Unknown ids are ignored.
    void note(ChangeId id, const JudgeReport& report);

    // Changes under way, oldest first. Valid until the next call of a non-const member.
    [[nodiscard]] std::span<const ChangeRecord> open() const;
    // Likewise those that wait for an approval.
    [[nodiscard]] std::span<const ChangeRecord> waiting() const;

    // What has ended since the last call.
    [[nodiscard]] std::vector<Outcome> take_outcomes();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune
