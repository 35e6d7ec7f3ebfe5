// On whose behalf was each call made, and which work did it ask for?
//
// A call that began while a process served one work at a time is that work's. Where several were open it is
//   1. that of the one whose thread made it (the thread that received the request, unless in that process others
//      were seen to answer than received: there work goes from thread to thread);
//   2. else that of the one with its trace id;
//   3. else ambiguous: any of those that were open, and marked so. Never guessed.
// What a thread that serves makes while it serves nobody is nobody's, though another thread serves then.
//
// What it asked for: the request that was served on the other end of the connection within it; of an invocation through
// Lambda's API the one invocation of that function with the trace id that the request carried or the answer told.
// When several fit, none is taken.
//
// Pure. Works may come in any order.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/endpoint.hpp"
#include "core/owner_graph.hpp"

namespace autotune::analysis {

// What joining needs to know of a work beside what is told of it.
struct WorkClue {
    std::uint64_t trace = 0;    // trace_root(); 0: none
    bool one_at_a_time = false; // its executor asks for work: never two
    ThreadId answered_by{};     // 0: not seen
    Endpoint local, peer;       // of the connection it was served on, where known
    std::size_t serves = kNone; // the function's node, of an invocation
};
struct CallClue {
    std::int32_t server = 0;    // pid on whose works it may depend: its own, or that of the nearest process above that serves
    std::uint64_t trace = 0;
    Endpoint local, peer;
    std::size_t invokes = kNone; // node of the function, through Lambda's API
    bool is_event = false;       // the invocation may begin after the answer
};

// Fills in parent, by, candidates, child and asked_by. REQUIRES: a clue for each work and call, works by start.
void join_calls(OwnerGraph& graph, const std::vector<WorkClue>& works, const std::vector<CallClue>& calls);

// Asks the resolver for what join_calls left ambiguous. Guesses that are none of a call's candidates are not taken.
void resolve_joins(OwnerGraph& graph, const JoinResolver& resolver);

}  // namespace autotune::analysis
