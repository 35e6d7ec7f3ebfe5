// Observations: what only the platform sees of calls: those that it refused before they reached a sandbox, and what
// answered which input. Nothing secret: inputs and outputs are told by hashes under a key that the platform keeps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace autotune {

struct ThrottledCall {
    FunctionRef function;
    WallTime at;
    std::optional<std::uint32_t> limit;  // the function's reservation, which was used up; unset: the account's
};

struct AnsweredCall {  // that ended well
    FunctionRef function;
    WallTime at;
    InvocationId id;
    std::string version;       // and what was published or set as it: of equal ones code and configuration are the same
    std::uint64_t input = 0;   // hashes of all that the function was given, and of all that it answered: of two different ones
    std::uint64_t output = 0;  // both are alike with probability 2^-64
};

// In place of where to go on: all that the platform still has.
inline constexpr std::string_view kOldestObservation = "oldest";

struct Observations {
    std::vector<ThrottledCall> throttled;  // oldest first
    std::vector<AnsweredCall> answered;    // likewise
    std::string next;                      // where to go on
    bool more = false;                     // there is more to be had at once
    std::uint64_t missed = 0;              // since `after`, and forgotten before they were asked for
};

}  // namespace autotune
