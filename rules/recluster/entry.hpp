// The group of one function: what would be cheaper if only this function's deployment were to hold others, too.
//
// The deployments of the others stay as they are, so that only requests of this function change: they are looked at, each
// with the function's invocation as its root, whoever called it.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "rules/recluster/predict.hpp"

namespace autotune::rules {

inline constexpr std::uint64_t kFewestRequests = 30;  // warm ones; of fewer the intervals say nothing

// What each invocation of `entry` set off, where all calls are known. `log` not linked, and neither is what is returned.
[[nodiscard]] CallLog requests_of(const CallLog& log, const std::string& entry);

// Whether there are enough of them for a group to be looked for, before anything dear is done. Errors: unavailable, not yet.
[[nodiscard]] Status enough_requests(const CallLog& requests);

struct EntryGroup {
    std::vector<std::string> members;  // the entry first
    Change gb_s, p50, p99;             // of the entry's requests, while all else stays as it is
    std::uint64_t requests = 0;        // of which it was told
    std::uint64_t cold = 0;            // left out, as sandboxes were started for them
};

// `requests` as requests_of() gives them; what `constraints` leave open is taken from there. Errors, for people: unavailable:
// there are too few requests yet; unsupported: by the 95 % interval of the saving there may be none; else as link().
[[nodiscard]] Result<EntryGroup> group_of(CallLog requests, const std::string& entry, GroupConstraints constraints);

}  // namespace autotune::rules
