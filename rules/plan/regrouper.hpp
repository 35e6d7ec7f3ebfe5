// What the plan step `recluster` asks of whoever knows the calls on record and the code of functions: the package by which a
// function becomes one with those that it waits for, or again itself.
//
// Given to the engine with the facts, as the engine itself does no I/O. It is asked at every evaluation in which the step
// could be carried out, so it answers at once, and says `unavailable` until it knows.
#pragma once

#include <functional>
#include <string>

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

// Errors: unavailable: not known yet, ask again; any other: it cannot be done, with a sentence that says why.
using Regrouper = std::function<Result<Regrouped>(const FunctionRef& function, const ReclusterStep& step)>;

}  // namespace autotune::rules
