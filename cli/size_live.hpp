// Sizing of a function that runs: calls of a copy of it, which nobody else calls.
//
// The copy, NAME-autotune-size, has the code and the configuration of the version that serves; each size is a version of
// the copy, so that its sandboxes stay warm from call to call. Of the function itself nothing is changed, not even its
// unpublished head. The copy is removed at the end; what a death leaves of it the next search takes over.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/size_buckets.hpp"
#include "cli/size_replay.hpp"
#include "core/provider.hpp"
#include "core/result.hpp"

namespace autotune::cli {

struct LiveSize {
    std::string function, alias;  // alias: whose version is copied; "": the only one, else "live"
    std::vector<std::uint32_t> sizes_mb;
    std::vector<std::string> payloads;  // of the calls, in turn; not empty
    SizeOrder order;
    CallsBySize known;  // calls on record: believed from the start, and free
    std::function<bool()> stop = [] { return false; };  // asked between calls: the search then ends with what it has
    std::function<void(const SizeRow&)> progress = [](const SizeRow&) {};
};

// Makes the copy, searches, removes the copy. Errors: the platform's; unsupported: the function cannot be copied, or somebody
// else has a function of the copy's name.
[[nodiscard]] Result<SizeRun> size_live(const LiveSize& wish, Provider& provider);

// Each payload an input bucket of its own, with its share of the function's calls; `known` is not looked at, since it does not tell which
// payload a call had. Errors: as of size_live. REQUIRES: as many shares as payloads.
[[nodiscard]] Result<MixRun> size_live_mix(const LiveSize& wish, const std::vector<BucketShare>& shares, rules::sizing::Limit limit,
                                           Provider& provider);

// What the log's last lines and the answer say of a call. `told_ms`: by our own clock, where the log tells nothing.
[[nodiscard]] SizeRow size_row_of(const Answer& answer, std::uint32_t memory_mb, double told_ms);

}  // namespace autotune::cli
