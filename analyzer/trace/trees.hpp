// Trees: events in time order become one tree per invocation and one per thread of what is outside of any.
//
// An invocation gets what its process, and the processes it started, did from its start to its end. Where a
// process may serve several, analyzer/serving.hpp tells whose a deed is; what could be anybody's stays with the
// process, and is counted as ambiguous on all whose it could be. A function that sends the answer returns after
// it: calls that began on the invocation's thread before its answer are its too, whole.
#pragma once

#include <iterator>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/process_table.hpp"
#include "analyzer/serving.hpp"
#include "analyzer/trace/forest.hpp"
#include "analyzer/trace/functions.hpp"
#include "analyzer/trace/sums.hpp"
#include "analyzer/trace/thread_stack.hpp"
#include "analyzer/trace/trace_builder.hpp"
#include "core/trace.hpp"

namespace autotune::analysis {

class Trees {
public:
    Trees(const TraceOptions& options, Functions& functions, const Sums& sums)
        : options_(options), functions_(functions), sums_(sums), forest_(options.nodes) {}

    // What kinds of functions there are, what texts say. REQUIRES: before the first event that speaks of them; the
    // tables stay until the next call.
    void learn(const Tables& tables);
    // REQUIRES: in time order, as far as they are to be had in it.
    void add(const Event& event);

    // Everything that is still open ends here. REQUIRES: called once, before fill().
    void close();
    // Fills in nodes, processes and the trees of invocations; `records`: what else is known of them.
    void fill(Trace& trace, const std::vector<Invocation>& records, const Tables& tables) const;

    [[nodiscard]] std::uint64_t calls() const { return calls_; }

private:
    struct Thread {
        ProcessId process;
        ThreadId id{};
        Timestamp used;
        ThreadStack stack;
    };
    struct Process {
        TracedProcess told;
        Forest::NodeId root = kNoNode;  // its children are threads
        std::size_t threads = 0;        // that have a node of their own
    };
    struct Open {
        InvocationId id;
        ProcessId process;
        Timestamp start;
        StringId function{};
        std::int32_t fd = -1;
        Serving::Serial serial = 0;
        std::uint64_t ambiguous = 0;
        ThreadId thread{};
        Timestamp answered;  // of those that linger
    };
    struct Finished {
        InvocationId id;
        ProcessId process;
        Timestamp start, end;
        Forest::NodeId root = kNoNode;
        std::uint64_t ambiguous = 0;
        StringId function{};
        std::uint64_t merged = 1;  // invocations that this tree is of
    };

    void on(const Event& event, const ProcessStarted& what);
    void on(const Event& event, const ProcessExited& what);
    void on(const Event& event, const ExecutorReady& what);
    void on(const Event& event, const InvocationStarted& what);
    void on(const Event& event, const InvocationEnded& what);
    void on(const Event& event, const Killed& what);
    void on(const Event& event, const CallDone& what);
    void on(const Event& event, const IoDone& what);
    void on(const Event& event, const HttpDone& what);
    void on(const Event& event, const OffCpu& what);
    void on(const Event& event, const SyscallDone& what);
    void on(const Event& event, const Fault& what);
    void on(const Event& event, const VariableSeen& what);
    template <class Other>
    void on(const Event&, const Other&) {}

    [[nodiscard]] static Deed deed_of(ThreadId id) {
        return {.kind = DeedKind::thread, .number = static_cast<std::uint32_t>(id)};
    }
    [[nodiscard]] Thread& thread(const Event& event);
    // Sources know a process' start to the nanosecond, to the clock tick or not at all: the id that stands
    // for all of these.
    [[nodiscard]] ProcessId canonical(const ProcessId& id);
    [[nodiscard]] Process& process(const ProcessId& id);
    void settle(Thread& thread);
    // The invocation that a deed of that length was done for, whole; 0: none.
    [[nodiscard]] Serving::Serial owner_of(const Event& event, Nanos length);
    std::list<Open>::iterator end(std::list<Open>::iterator open, Timestamp at);
    // Answered, but calls of its thread are still to return.
    void answer(std::list<Open>::iterator open, const Event& event);
    // What lingers and fits is over.
    template <class Which>
    void let_go(Which&& which);
    void finish(const Open& open, Timestamp at);
    [[nodiscard]] Serving::Serial lingering_owner(const Event& event, Nanos length);
    template <class Which>
    void end_all(Timestamp at, Which&& which);
    [[nodiscard]] Finished& tree_for(const Open& open, Timestamp at);

    const TraceOptions& options_;
    Functions& functions_;
    const Sums& sums_;
    Forest forest_;
    ProcessTable table_;
    Serving serving_{table_};
    Serving::Serial serial_ = 0;
    std::map<ProcessId, Process> processes_;
    std::unordered_map<std::int32_t, ProcessId> by_pid_;                    // the newest of each pid
    std::unordered_map<std::uint64_t, std::list<Thread>::iterator> by_id_;  // pid and thread
    std::list<Thread> threads_;                                             // last used first
    std::list<Open> open_, lingering_;  // oldest first
    std::unordered_map<Serving::Serial, Open*> by_serial_;
    std::vector<Finished> finished_;
    std::unordered_map<StringId, std::size_t>
        shared_;  // of a function: index in finished_ of the tree of the rest
    std::vector<bool> is_native_;  // by FrameId
    std::uint64_t calls_ = 0;
};

template <class Which>
void Trees::let_go(Which&& which) {
    for (auto open = lingering_.begin(); open != lingering_.end();) {
        if (!which(*open)) {
            ++open;
            continue;
        }
        finish(*open, open->answered);
        open = lingering_.erase(open);
    }
}

template <class Which>
void Trees::end_all(Timestamp at, Which&& which) {
    for (auto open = open_.begin(); open != open_.end();)
        open = which(*open) ? end(open, at) : std::next(open);
}

}  // namespace autotune::analysis
