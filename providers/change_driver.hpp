// ChangeDriver: one change on its way from step to step. Executor's inside; for this room only.
//
// Each step() writes to the journal and asks the platform at most once. What is in doubt, after a crash
// or any failed call, is looked at first (`look_`), so that nothing is done twice.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>

#include "core/knowledge_store.hpp"
#include "core/provider.hpp"
#include "core/time.hpp"
#include "providers/executor.hpp"
#include "providers/lease.hpp"
#include "providers/setting.hpp"

namespace autotune {

// REQUIRES: all outlive the driver.
struct DriverContext {
    Provider& provider;
    KnowledgeStore& store;
    const Clock& clock;
    const ExecutorOptions& options;
    Leases* leases = nullptr;  // null: none are taken
};
// Whether the change is on its way back.
[[nodiscard]] inline bool goes_back(Step step) { return step == Step::reverting || step == Step::undoing; }

// Whether the same call may succeed later.
[[nodiscard]] bool may_pass(Errc code);
// Whether the call may have taken effect all the same.
[[nodiscard]] bool unanswered(Errc code);

class ChangeDriver {
public:
    // A change that was journalled just now, on a function in `state`.
    static ChangeDriver begun(DriverContext context, ChangeRecord record, const FunctionState& state);
    // A change found in the journal: nothing is known of where the platform stands.
    static ChangeDriver resumed(DriverContext context, ChangeRecord record);

    [[nodiscard]] const ChangeRecord& record() const { return record_; }
    // The record, with what holds it up as its detail.
    [[nodiscard]] ChangeRecord shown() const;
    [[nodiscard]] bool can_go_on() const;

    void step();
    Status decide(const JudgeReport& report, Disposition how);
    void note(const JudgeReport& report);
    // Goes back from where it is. `why`: its detail. Errors: invalid_argument: it goes back already; the store's.
    Status withdraw(const std::string& why);
    // REQUIRES: closed.
    void release_lease();

private:
    ChangeDriver(DriverContext context, ChangeRecord record)
        : context_(context), record_(std::move(record)) {}

    bool has_lease();
    void renew();
    void take_lease();
    void confirm_lease();
    void lease_failed(const Error& error);
    bool look();  // true: seen_ is fresh, or looking is not needed
    [[nodiscard]] bool of_another_wrapper() const;
    bool provide_layer();  // true: it is there, or none is needed
    void configure();
    Result<FunctionState> set_head();
    Result<FunctionState> put_head_back(const FunctionState& seen, const Tuning& back);
    void publish();
    void route();
    void promote();
    void revert();
    void revert_head(const FunctionState& seen);

    // setting_steps.cpp
    void step_setting(const Setting& setting);
    bool look_at_setting();
    void set_setting(const Setting& setting);
    void wait_until_ready();
    void keep_setting(const Setting& setting);
    void put_setting_back(const Setting& setting);

    bool journal(ChangeRecord next);  // with the time; false: not written, and to be tried again
    void take(ChangeRecord next);     // what the journal has now
    bool go_to(Step step);
    void close(Disposition disposition, std::string detail);
    void give_up(const std::string& reason);
    void failed(const Error& error);
    void wait_for(const std::string& what);
    void back_off();

    DriverContext context_;
    ChangeRecord record_;
    bool look_ = false;
    std::optional<FunctionState> seen_;  // by the last look, until it was acted on
    Etag head_;                          // of the head as this change last saw or left it
    Etag alias_;                         // likewise of the alias
    // The head's variables as last seen: they are set as a whole. Not journalled: they may hold secrets.
    std::map<std::string, std::string> environment_;
    std::string layer_;                  // ARN of the wrapper's; "" when not asked for yet
    enum class Hold : std::uint8_t { none, written, held } hold_ = Hold::none;  // of the lease
    std::string lease_, was_ours_;       // its text as written last; as this process held it before it stood still
    Timestamp written_, renewed_, renew_not_before_;
    bool lease_lost_ = false;            // another may have had it meanwhile
    bool route_in_doubt_ = false;        // a call to route went unanswered and may yet take effect
    std::optional<SettingSeen> number_;  // of a change of no version, by the last look, until it was acted on
    bool setting_in_doubt_ = false;      // likewise of a call that sets it
    int looks_ = 0;                      // at what was set and is not ready yet
    std::optional<Timestamp> ready_until_;  // what was set must be so; unset: nothing is waited for
    int failures_ = 0;                   // in a row
    Timestamp not_before_;
    WallTime noted_;
    std::string trouble_;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace autotune
