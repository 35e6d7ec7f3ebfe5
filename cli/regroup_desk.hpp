// RegroupDesk: a rules::Regrouper that never holds the loop up: what takes seconds is worked out in a thread of its own.
//
// One thing at a time, whatever is asked for meanwhile. What was found is good for a while, since it is asked for at every
// evaluation; then records and code are looked at anew. The destructor waits for what is being worked out.
#pragma once

#include <future>
#include <map>
#include <optional>
#include <tuple>

#include "core/time.hpp"
#include "rules/plan/regrouper.hpp"

namespace autotune::cli {

class RegroupDesk {
public:
    // `work` runs in another thread, never twice at once. REQUIRES: `clock` and what `work` uses outlive the desk.
    RegroupDesk(const Clock& clock, rules::Regrouper work) : clock_(clock), work_(std::move(work)) {}

    [[nodiscard]] Result<rules::Regrouped> ask(const FunctionRef& function, const rules::ReclusterStep& step);

private:
    using Question = std::tuple<FunctionRef, rules::ReclusterStep::Op, Nanos>;
    struct Answer {
        Result<rules::Regrouped> what;
        Timestamp until;
    };
    void take_answer();

    const Clock& clock_;
    rules::Regrouper work_;
    std::map<Question, Answer> answers_;
    Question asked_;  // being worked out
    std::optional<std::future<Result<rules::Regrouped>>> working_;
};

}  // namespace autotune::cli
