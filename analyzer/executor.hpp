// What the assembler knows of one sandbox and of the executor in it. Passive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/history.hpp"
#include "analyzer/io_account.hpp"
#include "core/event.hpp"
#include "core/invocation.hpp"

namespace autotune::analysis {

// Who a process says it is (ExecutorSeen).
struct Identity {
    ProcessId process;
    std::string function, version;
    std::uint32_t memory_mb = 0;
    bool kept_warm = false;
};

struct OpenInvocation {
    Invocation record;  // filled in as it becomes known
    std::uint64_t serial = 0;
    FunctionBook* book = nullptr;       // null: too many functions, or no name
    std::int32_t fd = -1;               // connection that it is served on
    CgroupUsage first;                  // reading at its start
    std::optional<CgroupUsage> latest;  // newest reading since, for one that ends in death
    ThreadId thread{};                  // that got the work
    std::optional<ThreadTimes> first_times, latest_times;  // of that thread
    std::uint64_t lost_before = 0;      // machine-wide losses until it began
    Nanos sampled{0};                   // sum of its stack samples' periods
    IoAccount io;
    std::unordered_map<StackId, std::size_t> memory;  // where among the book's samples its one of a stack is
};

// A process (with its descendants) that asks for one invocation after another, or serves them.
struct Executor {
    ProcessId root;  // it lives and dies with this process
    Identity identity;
    FunctionBook* book = nullptr;      // of identity; null: too many functions, or no name yet
    std::optional<Timestamp> started;  // of the root, if it was seen
    std::optional<Timestamp> ready;    // first time
    std::uint64_t invocations = 0;     // begun
    Connections connections;
    std::vector<OpenInvocation> open;  // oldest first; of one that asks for work one at most
    // What threads told of themselves on their way to a boundary; the next boundary takes it, or nobody.
    std::vector<std::pair<ThreadId, ThreadTimes>> approaching;
    InvocationId last;                 // newest that was closed
    bool shares_cgroup = false;        // another executor lives, or lived, in the same one
    IoAccount io{connections};         // of what it does outside of invocations, and of what is ambiguous
    std::vector<IoAccount> spare;      // to be used again
};

// A cgroup. One executor is the rule; several are told apart by their process trees.
struct Sandbox {
    std::vector<Identity> identities;  // newest last
    std::vector<std::unique_ptr<Executor>> executors;
    Timestamp last_seen;
};

}  // namespace autotune::analysis
