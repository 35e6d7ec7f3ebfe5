// The mean request as a graph: what each function takes, who waits for whom; what a group would cost.
//
// The cost of a grouping is the sum of its groups' costs, each of its own members only: what makes the exact search
// a dynamic programme.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/recluster/constraints.hpp"
#include "rules/recluster/link.hpp"

namespace autotune::rules {

struct PatternCall {
    FunctionId callee = 0;
    double offset_ms = 0;    // from the start of the pattern
    double callee_ms = 0;    // the callee's own time
    double overhead_ms = 0;  // of the call, while it is remote
};

// Synchronous calls of one caller that overlap.
struct CallPattern {
    double rate = 0;   // a request
    double wait_ms = 0;  // of the caller, as recorded
    std::vector<PatternCall> calls;
};

struct FunctionNode {
    std::string name;
    double memory_mb = 128;
    double own_ms = 0;     // a request, without waits for calls that are part of a pattern
    double extra_ms = 0;   // billed beyond the time it ran, a request
    double p99_ms = 0;     // of one invocation
    FunctionTraits traits;
    std::vector<CallPattern> patterns;
    std::vector<FunctionId> neighbours;  // synchronous calls, either way; each once
};

struct CallGraph {
    std::vector<FunctionNode> nodes;
    GroupConstraints constraints;
    std::vector<bool> alone;                          // by node
    std::vector<std::vector<std::uint32_t>> apart;    // by node: which of constraints.apart it is in
};

using Group = std::vector<FunctionId>;     // sorted
using Grouping = std::vector<Group>;       // each function once

// `log` linked.
[[nodiscard]] CallGraph build_graph(const CallLog& log, const Links& links, const GroupConstraints& constraints,
                                    const std::vector<std::uint32_t>& traces);
// Fills in what follows from the rest: neighbours, alone, apart.
void complete(CallGraph& graph);

[[nodiscard]] double group_memory(const CallGraph& graph, const Group& group);
// GB-s a request.
[[nodiscard]] double group_cost(const CallGraph& graph, const Group& group);
// What forbids it, in words; nullopt: nothing does.
[[nodiscard]] std::optional<std::string> forbidden(const CallGraph& graph, const Group& group);

// How long a caller waits for a pattern. `local(i)`: whether call i is made inside the group; `time(i)`: of its callee.
// Local calls that overlap share one thread as far as `share(i)` of their time is CPU.
template <class Local, class Time, class Share>
double pattern_length(const std::vector<PatternCall>& calls, Local local, Time time, Share share) {
    double longest = 0, busy = 0, first = -1;
    for (std::size_t i = 0; i < calls.size(); ++i) {
        const bool inside = local(i);
        const double takes = time(i);
        longest = std::max(longest, calls[i].offset_ms + takes + (inside ? 0 : calls[i].overhead_ms));
        if (!inside) continue;
        if (first < 0) first = calls[i].offset_ms;
        busy += share(i) * takes;
    }
    return std::max(longest, first < 0 ? 0 : first + busy);
}

// The share of time that is CPU when nothing is known: overlapping local calls run one after the other.
inline constexpr double kUnknownShare = 1;
// How much longer `own` time takes with memory `to` than with `from`: CPU in proportion up to 1769 MB.
[[nodiscard]] double time_scale(const std::optional<double>& cpu_share, double from_mb, double to_mb);

// Runs of synchronous calls of one invocation that overlap, by index [begin, end); more than 1 ms and 5 % of the
// shorter one count, so that times in whole ms do not. `calls` holds the indices of the synchronous ones, by start.
[[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> clusters(const RecordedInvocation& invocation,
                                                                        std::vector<std::size_t>& calls);
// How long the caller waited for one of them: from its first call's start to the end of the last that ends.
[[nodiscard]] double waited(const RecordedInvocation& invocation, const std::vector<std::size_t>& calls,
                            std::pair<std::size_t, std::size_t> cluster);

}  // namespace autotune::rules
