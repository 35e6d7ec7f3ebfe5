// Sink: where results go: metrics, notifications, files. Called by the pipeline's thread once a
// step; must not block for long (network sinks queue and send on a thread of their own).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/facts.hpp"
#include "core/invocation.hpp"
#include "core/knowledge_store.hpp"
#include "core/plan.hpp"
#include "core/profile.hpp"
#include "core/result.hpp"
#include "core/service_graph.hpp"

namespace autotune {

// What the agent says of itself.
struct AgentHealth {
    bool attached = false;
    std::uint64_t events = 0;                         // decoded so far
    std::map<std::string, std::uint64_t> lost;        // by kind, so far
    double cpu_seconds = 0;                           // own CPU so far
    std::uint64_t resident_bytes = 0;
    double bpf_seconds = 0;                           // run time of the BPF programs, 0 = not known
    double budget_cores = 0;                          // what it may use, 0 = no budget
    double load_cores = 0;                            // what it used lately, both times together
    std::map<std::string, bool> shed;                 // what can be given up for the budget: is it now?
    double invocations_told = 1;                      // share, of those that end well; the others are all told
    std::vector<std::string> missing;                 // what this kernel or user does not allow
    bool rules_loaded = true;
    std::uint64_t notifications_dropped = 0;          // messages to people that did not arrive, so far
};

// Everything one step of the loop produced. Views: valid during the call only.
struct Publication {
    WallTime at;
    std::span<const Invocation> invocations;          // ended since the last step
    std::span<const FunctionFacts> facts;
    const Plan* plan = nullptr;                       // null when nothing was evaluated
    std::span<const Outcome> outcomes;                // new since the last step
    std::span<const ChangeRecord> changes;            // unfinished ones, as they stand
    const AgentHealth* health = nullptr;
};

class Sink {
public:
    virtual ~Sink() = default;
    virtual Status publish(const Publication& step) = 0;
};

}  // namespace autotune
