// RegroupDesk: a rules::Regrouper that never holds the loop up: what takes seconds is worked out in a thread.
//
// One thing at a time; what is asked for meanwhile waits in a queue, so that no function starves another. What was
// found is good for a while, since it is asked for at every evaluation; then records and code are looked at anew. What
// may pass is tried again ever more seldom, and after a few tries told as a refusal, so that no rule waits forever.
#pragma once

#include <deque>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <tuple>

#include "core/time.hpp"
#include "rules/plan/regrouper.hpp"

namespace autotune::cli {

class RegroupDesk {
public:
    // `work` runs in another thread, never twice at once, and may throw. `hurry`: the desk closes; called once, while
    // work may run, so that it ends soon: the destructor waits for it. REQUIRES: `clock` (read in that thread too) and
    // what both use outlive the desk.
    RegroupDesk(const Clock& clock, rules::Regrouper work, std::function<void()> hurry = {})
        : clock_(clock), work_(std::move(work)), hurry_(std::move(hurry)) {}
    ~RegroupDesk();
    RegroupDesk(const RegroupDesk&) = delete;
    RegroupDesk& operator=(const RegroupDesk&) = delete;

    [[nodiscard]] Result<rules::Regrouped> ask(const FunctionRef& function, const rules::ReclusterStep& step);

private:
    using Question = std::tuple<FunctionRef, rules::ReclusterStep::Op, Nanos>;
    struct Made {
        Result<rules::Regrouped> what;
        Timestamp at;  // when it was done
    };
    struct Answer {
        Result<rules::Regrouped> what;
        Timestamp until;
        unsigned failures = 0;  // in a row, that may pass
    };
    struct Asked {
        Question question;
        rules::ReclusterStep step;
    };
    void take_answer();
    void begin_next();

    const Clock& clock_;
    rules::Regrouper work_;
    std::function<void()> hurry_;
    std::map<Question, Answer> answers_;  // kept for a while after their time, for the failures
    std::deque<Asked> waiting_;           // oldest first; while working_, the first one is being worked out
    std::optional<std::future<Made>> working_;
};

}  // namespace autotune::cli
