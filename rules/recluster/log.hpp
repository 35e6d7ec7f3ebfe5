// What was recorded of an application: invocations, who called whom, traces.
//
// Times are milliseconds on the clock of the machine that recorded them: only differences within one invocation
// mean anything. Passive; made by ReplayReader, completed by link().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace autotune::rules {

using FunctionId = std::uint32_t;  // index in CallLog::functions

struct RecordedCall {
    FunctionId callee = 0;
    double start_ms = 0, duration_ms = 0;  // as the caller waited
    bool sync = true;
    bool local = false;                        // inside a group: billed with the caller
    std::string callee_id;                     // empty: not known
    std::optional<std::uint32_t> invocation;   // in the same trace; after link()
};

struct RecordedInvocation {
    std::string id, parent;  // parent empty: none
    FunctionId function = 0;
    double memory_mb = 0, start_ms = 0, end_ms = 0, billed_ms = 0;
    bool cold = false;
    double peak_mb = 0, timeout_ms = 0;  // 0: not known
    std::optional<double> cpu_ms;        // on a CPU, or waiting for one; not known: none
    std::uint32_t line = 0;          // of the file
    std::vector<RecordedCall> calls; // after link(): by start
    enum class Reached : std::uint8_t { root, remote, asynchronous, local } reached = Reached::root;  // after link()
    bool assumed = false;            // not recorded: put there by link() for a call that was
    bool calls_known = true;         // no: it may have called whom `calls` does not name

    [[nodiscard]] double duration() const { return end_ms - start_ms; }
};

// One request: what it set off, the invocation that nobody called first in `root`.
struct Trace {
    std::string id;
    std::vector<RecordedInvocation> invocations;
    std::uint32_t root = 0;
    bool cold = false;  // any of them
};

struct CallLog {
    std::vector<std::string> functions;
    std::vector<Trace> traces;  // in the order of the file
    std::uint64_t invocations = 0;
    std::uint64_t left_out = 0;   // by requests_of(): requests of which not all calls are known
    std::unordered_map<std::string, FunctionId> by_name;  // of `functions`

    FunctionId function(const std::string& name) {
        const auto [it, fresh] = by_name.emplace(name, static_cast<FunctionId>(functions.size()));
        if (fresh) functions.push_back(name);
        return it->second;
    }
};

}  // namespace autotune::rules
