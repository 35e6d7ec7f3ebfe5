// CallGraph: the functions of a process, who calls whom, and where the time goes: self and total.
//
// A passive result of the analyzer, self-contained. Weights are in `unit`: exact where every call was traced, else sums of
// samples. A function's total holds each stack once, however often the function is in it: that of its outermost call, which
// is also whose edge has the weight. So the edges to a function add up to its total, less what nobody called, and calls
// from within itself weigh nothing. What functions that call each other spend cannot be told apart by totals: such a
// cycle's members are marked (as gprof does; Graham, Kessler and McKusick 1982).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/profile.hpp"

namespace autotune {

struct CalledFunction {
    std::string name;  // never empty
    std::string module;
    FrameKind kind = FrameKind::unknown;
    std::uint64_t self = 0;
    std::uint64_t total = 0;   // callees included
    std::uint64_t calls = 0;   // 0: not known, of samples
    std::uint32_t cycle = 0;   // functions of one number can reach each other by calls; 0: of none
    bool calls_itself = false;
    bool operator==(const CalledFunction&) const = default;
};

struct CallEdge {
    std::uint32_t from = 0, to = 0;  // indices of functions
    std::uint64_t weight = 0;        // of `to` and its callees, of outermost calls that `from` made
    std::uint64_t calls = 0;         // 0: not known
    bool operator==(const CallEdge&) const = default;
};

struct CallGraph {
    std::string title;
    std::string measure;  // what the weights are: cpu, wall, …
    ProfileUnit unit = ProfileUnit::nanoseconds;
    bool exact = false;   // every call was traced
    std::uint64_t total = 0;
    std::uint64_t truncated = 0;  // of it: stacks that do not reach the thread's start
    std::vector<CalledFunction> functions;  // most total first, then by name
    std::vector<CallEdge> edges;            // by `from`, then the heaviest first
};

}  // namespace autotune
