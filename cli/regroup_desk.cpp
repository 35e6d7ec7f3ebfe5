#include "cli/regroup_desk.hpp"

#include <utility>

namespace autotune::cli {

namespace {
constexpr Nanos kGood = std::chrono::minutes(10);   // an answer, also that it cannot be done
constexpr Nanos kAgain = std::chrono::seconds(30);  // after which is asked again what was not known or not reached

bool passes(Errc code) {
    return code == Errc::unavailable || code == Errc::timed_out || code == Errc::resource_exhausted || code == Errc::conflict;
}
}  // namespace

void RegroupDesk::take_answer() {
    if (!working_ || working_->wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    auto what = working_->get();
    working_.reset();
    const bool may_pass = !what && passes(what.error().code);
    if (may_pass) what = fail(Errc::unavailable, what.error().message);
    const Timestamp until = clock_.now() + (may_pass ? kAgain : kGood);
    answers_.insert_or_assign(asked_, Answer{std::move(what), until});
}

Result<rules::Regrouped> RegroupDesk::ask(const FunctionRef& function, const rules::ReclusterStep& step) {
    take_answer();
    std::erase_if(answers_, [&](const auto& one) { return one.second.until <= clock_.now(); });
    const Question question{function, step.op, step.last};
    if (const auto known = answers_.find(question); known != answers_.end()) return known->second.what;
    if (!working_) {
        asked_ = question;
        working_ = std::async(std::launch::async, [this, function, step] { return work_(function, step); });
    }
    return fail(Errc::unavailable, "what it could be one with is being worked out");
}

}  // namespace autotune::cli
