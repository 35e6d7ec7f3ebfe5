#include "cli/regroup_desk.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace autotune::cli {

namespace {
constexpr Nanos kGood = std::chrono::minutes(10);     // an answer, also that it cannot be done
constexpr Nanos kAgain = std::chrono::minutes(10);    // after the first failure that may pass; doubled after each more
constexpr Nanos kSeldom = std::chrono::hours(4);      // but no longer
constexpr unsigned kMostFailures = 3;                 // in a row: then it is a refusal like any other
constexpr Nanos kForgotten = std::chrono::hours(1);   // nobody asked again

bool passes(Errc code) {
    return code == Errc::unavailable || code == Errc::timed_out || code == Errc::resource_exhausted ||
           code == Errc::conflict;
}

Nanos rest_after(unsigned failures) {
    Nanos rest = kAgain;
    for (unsigned i = 1; i < failures && rest < kSeldom; ++i) rest *= 2;
    return std::min(rest, kSeldom);
}

// Nothing may be thrown across the thread: whoever takes the answer is the loop.
Result<rules::Regrouped> caught(const rules::Regrouper& work, const FunctionRef& function,
                                const rules::ReclusterStep& step) {
    try {
        return work(function, step);
    } catch (const std::exception& e) {
        return fail(Errc::internal, std::string("working it out failed: ") + e.what());
    } catch (...) {
        return fail(Errc::internal, "working it out failed");
    }
}
}  // namespace

RegroupDesk::~RegroupDesk() {
    if (hurry_) hurry_();
}

void RegroupDesk::take_answer() {
    if (!working_ || working_->wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
    Made made = working_->get();
    working_.reset();
    Answer& answer = answers_.try_emplace(waiting_.front().question, Answer{made.what, made.at}).first->second;
    waiting_.pop_front();
    answer.what = std::move(made.what);
    if (answer.what || !passes(answer.what.error().code)) {
        answer.failures = 0;
        answer.until = made.at + kGood;
        return;
    }
    ++answer.failures;
    answer.until = made.at + rest_after(answer.failures);
    // What passes is waited for: no other step is taken meanwhile, and nobody is told. So not for long.
    const bool waited_for = answer.failures < kMostFailures;
    std::string why = answer.what.error().message;
    if (!waited_for) why += " (tried " + std::to_string(answer.failures) + " times)";
    answer.what = fail(waited_for ? Errc::unavailable : Errc::unsupported, std::move(why));
}

void RegroupDesk::begin_next() {
    if (working_ || waiting_.empty()) return;
    try {
        working_ = std::async(std::launch::async, [this, next = waiting_.front()] {
            auto what = caught(work_, std::get<FunctionRef>(next.question), next.step);
            return Made{std::move(what), clock_.now()};
        });
    } catch (const std::system_error&) {
        // No thread to be had just now; it is asked for again soon, and waits where it is.
    }
}

Result<rules::Regrouped> RegroupDesk::ask(const FunctionRef& function, const rules::ReclusterStep& step) {
    take_answer();
    std::erase_if(answers_, [&](const auto& one) { return one.second.until + kForgotten <= clock_.now(); });
    const Question question{function, step.op, step.last};
    const auto known = answers_.find(question);
    const bool is_good = known != answers_.end() && clock_.now() < known->second.until;
    const auto asks_the_same = [&](const Asked& one) { return one.question == question; };
    if (!is_good && std::none_of(waiting_.begin(), waiting_.end(), asks_the_same)) waiting_.push_back({question, step});
    begin_next();
    return is_good ? known->second.what : rules::being_worked_out();
}

}  // namespace autotune::cli
