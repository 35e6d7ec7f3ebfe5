// CriticalPaths: where the time of requests went that nothing else went on beside, and what a faster service would save.
//
// Passive result of the analyzer. A *work* is something that was asked of a service (a request served, an invocation), a
// *call* what a work asked of another service. Times are nanoseconds. docs/topology.md tells the method.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace autotune {

// Of one service, summed over the requests of a group.
struct PathShare {
    std::uint32_t service = 0;    // index into names
    std::uint64_t requests = 0;   // on whose path it is
    std::int64_t own_ns = 0;      // of the path: its own work; all of a call that nobody saw it serve
    std::int64_t between_ns = 0;  // of the path: calls to it, less what it took to serve them: network, queues
    std::int64_t saves_ns = 0;    // of all the group's time, were its own work done in nine tenths of its time
    bool asked = false;           // whether saves_ns was worked out: of the services with the most time only
};

// Works of one kind that no work waited for, each with all that was done for it. own_ns and between_ns of all shares
// add up to total_ns.
struct PathGroup {
    std::string what;       // service, or service and operation
    bool detached = false;  // a work asked for them and did not wait for their end
    std::uint64_t requests = 0;
    std::int64_t total_ns = 0, p50_ns = 0, p95_ns = 0, p99_ns = 0;
    std::vector<PathShare> shares;  // most time first
};

// What works of one service waited for at another: one level, of every work, whoever asked for it.
struct PathEdge {
    std::uint32_t from = 0, to = 0;  // indexes into names
    std::uint64_t calls = 0;
    std::uint64_t on_path = 0;      // of calls: of their caller's path
    std::int64_t path_ns = 0;       // those, from sending to answer
    std::uint64_t not_waited = 0;   // of calls: they, or what they asked for, went on after their caller did
    std::int64_t longer_ns = 0;     // by how much, all of those together
};

struct PathStep {
    std::uint32_t service = 0;
    bool between = false;   // network and queues on the way to it; else its own
    std::uint32_t depth = 0;
    std::int64_t at_ns = 0, ns = 0;  // after the request's start; steps follow each other without a gap
};

struct PathRequest {
    std::string what, id;
    std::int64_t ns = 0;
    bool cut = false;  // more steps than are told
    std::vector<PathStep> steps;
};

// Of one service in one request.
struct RequestShare {
    std::uint32_t service = 0;  // index into the graph's nodes
    std::int64_t own_ns = 0, between_ns = 0;  // as in PathShare
    std::int64_t saves_ns = 0;  // of the request's time, were its own work done in nine tenths of its time
    bool asked = false;         // whether that was worked out
};

// The critical path of each request of an OwnerGraph by itself.
struct RequestPaths {
    std::vector<std::uint32_t> calls;               // indexes into the graph's, rising: those on their request's path
    std::vector<std::vector<RequestShare>> shares;  // by the graph's work, most time first; empty where it has no path of its own
};

struct CriticalPaths {
    std::vector<std::string> names;      // of services
    std::vector<PathGroup> groups;       // most time first, detached ones last
    std::vector<PathEdge> edges;         // by (from, to)
    std::vector<PathRequest> slowest;    // of those that somebody waited for, slowest first
    std::uint64_t open = 0;              // works whose end was not seen: in no group
    std::uint64_t unknown = 0;           // works that were asked for, nobody knows by which: in no group
    std::uint64_t not_kept = 0;          // calls there was no room for
};

}  // namespace autotune
