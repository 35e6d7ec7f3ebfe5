// What the plan step `recluster` asks of whoever knows the calls on record and the code of functions: the package by which a
// function becomes one with those that it waits for, or again itself.
//
// Given to the engine with the facts, as the engine itself does no I/O. It is asked at every evaluation in which the step
// could be carried out, so it answers at once, and says `unavailable` until it knows.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/function.hpp"
#include "core/plan.hpp"
#include "core/result.hpp"
#include "rules/rule_set.hpp"

namespace autotune::rules {

struct Regrouped {
    Deploy deploy;
    std::string because;    // may be empty
    std::string predicted;  // "GB-s a request 0.4 → 0.1 (…)"
};

// Errors: unavailable: not known yet, ask again, and being_worked_out() where that is a matter of seconds; any other: it
// cannot be done, with a sentence that says why.
using Regrouper = std::function<Result<Regrouped>(const FunctionRef& function, const ReclusterStep& step)>;

inline constexpr std::string_view kBeingWorkedOut = "what it could be one with is being worked out";
[[nodiscard]] inline Unexpected being_worked_out() { return fail(Errc::unavailable, std::string(kBeingWorkedOut)); }
[[nodiscard]] inline bool is_being_worked_out(const Error& error) {
    return error.code == Errc::unavailable && error.message == kBeingWorkedOut;
}

}  // namespace autotune::rules
