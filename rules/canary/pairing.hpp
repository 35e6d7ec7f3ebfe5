// Pairs the calls of a canary with calls of the version it would replace.
//
// Each canary call gets a baseline call of the same input bucket, the nearest in time that is not yet
// used. Calls are taken in the order in which they ended, and a pair is made as soon as both of its
// calls have ended: so calls that end later never change earlier pairs, and pairing a longer record of
// the same calls gives the same pairs and then more. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/function.hpp"
#include "core/invocation.hpp"
#include "core/time.hpp"
#include "rules/canary/judge.hpp"

namespace autotune::rules {

struct PairingOptions {
    Version baseline;  // versions as in Invocation::version
    Version candidate;
    WallTime from;                             // calls that started earlier do not count
    Nanos max_gap = std::chrono::minutes(15);  // between the ends of a pair's calls
};

// REQUIRES: all invocations are of one function. Order does not matter. Calls of other versions are
// passed over; calls whose end is not known are counted, never paired.
[[nodiscard]] Trial pair_calls(std::span<const Invocation> invocations, const PairingOptions& options);

}  // namespace autotune::rules
