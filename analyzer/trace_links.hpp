// Who called whom, as far as trace ids tell: invocations of one trace, nested in time.
//
// All that is known is that two invocations carry the same root and that one ran within the other. The
// caller is taken to be the shortest that encloses the callee; where two of equal bounds enclose
// it, none is. Parallel siblings of which one happens to enclose the other are mistaken for a call.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"

namespace autotune::analysis {

// Hash of the part of a trace header that all calls of one request share: X-Ray's Root, W3C's trace id,
// else the whole text. 0 for an empty one.
[[nodiscard]] std::uint64_t trace_root(std::string_view header);

struct TracedCall {
    std::uint64_t root = 0;
    Timestamp start, end;
    std::size_t owner = 0;  // the caller's of this function to interpret
};

// Pairs (caller's owner, callee's owner), one for each call found. Calls with root 0 are left out.
[[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> trace_links(std::vector<TracedCall> calls);

}  // namespace autotune::analysis
