// Assembler: events in time order become invocation records.
//
// An invocation is open from InvocationStarted to InvocationEnded of one executor. It ends too by an
// out-of-memory kill in its sandbox, whoever the victim is; by the death of the executor's root process,
// at its deadline a timeout, else a crash; and as `unknown` when the executor asks for the next one although
// no end was seen. What happens in the sandbox in between belongs to it.
//
// A process that serves requests may have several open. Then analyzer/serving.hpp tells whose a deed is; what is
// ambiguous is counted on all whose it could be, and is in no record. One of them ends too by the death of the
// process that serves it, by an out-of-memory kill of that, and when another begins on its connection.
#pragma once

#include <deque>
#include <unordered_map>
#include <vector>

#include "analyzer/analyzer.hpp"
#include "analyzer/history.hpp"
#include "analyzer/process_table.hpp"
#include "analyzer/sandboxes.hpp"
#include "analyzer/service_map.hpp"
#include "analyzer/serving.hpp"
#include "core/event.hpp"

namespace autotune::analysis {

// How an invocation ended.
struct Ending {
    InvocationStatus status = InvocationStatus::unknown;
    Timestamp at;
    std::string error_type;
    const CgroupUsage* usage = nullptr;  // at that instant; null = the newest reading there was
    std::uint64_t memory_peak = 0;       // from the kernel's kill, exact; 0 = by watermark
    std::uint64_t memory_limit = 0;
    ThreadId thread{};                   // that answered
};

class Assembler {
public:
    Assembler(const AnalyzerOptions& options, AnalyzerCounters& counters, History& history,
              ServiceMap& services)
        : options_(options), counters_(counters), history_(history), services_(services) {}

    // Before the first apply() of a batch: its tables, and what to add to a Timestamp to get wall time.
    void begin_batch(const Tables& tables, Nanos wall_offset) {
        tables_ = &tables, wall_offset_ = wall_offset, serving_.use(tables);
    }

    // REQUIRES: begin_batch; events in time order, as far as they are to be had in it.
    void apply(const Event& event);

    // Would this event end an invocation by death? Then it is worth releasing at once.
    [[nodiscard]] bool is_urgent(const Event& event);

    // Now and then: books the traffic of what runs outside invocations, forgets what is over.
    void sweep(Timestamp now);

    std::vector<Invocation>& finished() { return finished_; }

private:
    void on(const Event& event, const IoDone& what);
    void on(const Event& event, const StackSample& what);
    void on(const Event& event, const ProcessStarted& what);
    void on(const Event& event, const ProcessExited& what);
    void on(const Event& event, const ExecutorSeen& what);
    void on(const Event& event, const ExecutorReady& what);
    void on(const Event& event, const InvocationStarted& what);
    void on(const Event& event, const InvocationEnded& what);
    void on(const Event& event, const InitFailed& what);
    void on(const Event& event, const MemoryMark& what);
    void on(const Event& event, const ThreadTimes& what);
    void on(const Event& event, const Killed& what);
    void on(const Event& event, const Throttled& what);
    void on(const Event&, const NameResolved& what);
    void on(const Event& event, const NotDecoded& what);
    void on(const Event& event, const SocketTrouble& what);
    void on(const Event& event, const HttpDone& what);
    void on(const Event& event, const Lost& what);
    // Exact calls, single waits, faults and variables do not enter records yet.
    void on(const Event&, const CallDone&) {}
    void on(const Event&, const CallTotals&) {}
    void on(const Event&, const SyscallDone&) {}
    void on(const Event&, const SyscallTotals&) {}
    void on(const Event&, const OffCpu&) {}
    void on(const Event&, const Fault&) {}
    void on(const Event&, const VariableSeen&) {}

    void keep(FunctionBook& book, const Sample& sample);
    // Gives an interval off the CPU to the invocations of its executor that it reached into, each its part. `executor`:
    // null when it is dead. False: there was none.
    bool share_out(Executor* executor, const Event& event, const StackSample& what);
    // Of those that are open the one that the event belongs to.
    [[nodiscard]] OpenInvocation* open_for(Executor& executor, const Event& event);
    [[nodiscard]] OpenInvocation make_open(Executor& executor, const Event& event, const InvocationStarted& what);
    void end_for_next(Executor& executor, const Event& event, const InvocationStarted& what);
    void die(Executor& executor, OpenInvocation& open, Timestamp at, const std::string& how);
    void die_with(Executor& executor, const ProcessId& process, Timestamp at, const std::string& how);
    void close(Executor& executor, OpenInvocation& open, const Ending& ending);
    void fill_usage(const Executor& executor, OpenInvocation& open, const Ending& ending) const;
    void fill_times(OpenInvocation& open) const;
    void fill_io(OpenInvocation& open) const;
    void book_traffic(Timestamp at, const ServiceNode& owner, const IoAccount& io);
    [[nodiscard]] Event of_victim(const Event& event, const Killed& what) const;
    [[nodiscard]] ServiceNode node_of(const Executor& executor) const;
    [[nodiscard]] ServiceNode node_of(const Event& event);
    [[nodiscard]] std::string_view text(StringId id) const { return tables_->strings[id]; }
    FunctionBook* book(const FunctionRef& function, Timestamp at);
    [[nodiscard]] std::string provider_of(Boundary boundary) const;

    const AnalyzerOptions& options_;
    AnalyzerCounters& counters_;
    History& history_;
    ServiceMap& services_;
    const Tables* tables_ = nullptr;
    Nanos wall_offset_{0};

    ProcessTable processes_;
    Sandboxes sandboxes_{processes_};
    Serving serving_{processes_};  // invocations that processes serve
    struct Stray {  // a traced process that is no executor's
        ServiceNode node;
        Connections connections;
        IoAccount io{connections};
    };
    std::unordered_map<std::int32_t, Stray> strays_;  // by pid
    // Invocations that are over, of executors that have one at a time: an interval off the CPU may still turn out to
    // have reached into them. By the executor's pid.
    struct Closed {
        std::uint64_t serial = 0;
        FunctionBook* book = nullptr;
        Timestamp start, end;
    };
    struct Past {
        ProcessId root;
        std::deque<Closed> newest;  // by start
    };
    std::unordered_map<std::int32_t, Past> past_;
    void remember(const Executor& executor, const OpenInvocation& open);

    std::uint64_t serial_ = kInitSerial;
    std::vector<Invocation> finished_;
};

}  // namespace autotune::analysis
