// Analyzer: events in, knowledge out: invocation records, facts over windows, who calls whom, profiles.
//
// Pure: it reads no clock and opens nothing; the same events in the same batches give the same
// bytes. Not thread-safe: one owner, the pipeline's thread. Memory is bounded by AnalyzerOptions;
// what a bound or a gap in the events made it drop is counted in AnalyzerCounters.
//
//     analyzer.ingest(batch, {clock.now(), clock.wall()});
//     batch.events.clear();                                  // never batch.tables
//     store.append(analyzer.take_finished());
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "core/facts.hpp"
#include "core/ids.hpp"
#include "core/invocation.hpp"
#include "core/observations.hpp"
#include "core/plan.hpp"
#include "core/profile.hpp"
#include "core/service_graph.hpp"
#include "core/time.hpp"

namespace autotune {

struct AnalyzerOptions {
    std::string provider = "aws-lambda";  // of every FunctionRef it gives out

    // Events are put into time order by holding them back this long after they happened. At least
    // the longest time between the polls of two sources that share a batch.
    Nanos hold_back = std::chrono::milliseconds(25);
    // A process that dies this much before its deadline still died of it.
    Nanos timeout_tolerance = std::chrono::milliseconds(20);

    Nanos history = std::chrono::hours(2);       // longest window that can be asked for
    std::size_t records_per_function = 50'000;   // newest win
    std::size_t samples_per_function = 100'000;  // newest win
    std::size_t functions = 4'096;               // further ones are counted, not kept
};

// The instant of an ingest(): when the poll returned (replay: the time of the last event), by both
// clocks.
struct Instant {
    Timestamp at;
    WallTime wall;
};

// Since the analyzer was made. Everything it could not use is here.
struct AnalyzerCounters {
    std::uint64_t events = 0;
    std::uint64_t invocations = 0;         // finished
    std::uint64_t ends_without_start = 0;  // attached in the middle, or the start was lost
    std::uint64_t missing_ends = 0;        // closed as `unknown` when the next one began
    std::uint64_t late = 0;                // came later than hold_back allows; used all the same
    std::uint64_t unattributed_io = 0;     // of a shared cgroup, by a process of no known executor
    std::uint64_t failed_inits = 0;
    std::uint64_t idle_oom_kills = 0;  // while no invocation was open: init or background work
    std::uint64_t throttled = 0;
    std::uint64_t lost = 0;               // sum of Lost
    std::uint64_t samples_replaced = 0;   // by newer ones, beyond AnalyzerOptions::samples_per_function
    std::uint64_t functions_dropped = 0;  // records of functions beyond AnalyzerOptions::functions
};

enum class ProfilePart : std::uint8_t {
    invocations,  // while one was open
    init,         // before the sandbox's first
    // A comparison: the slowest 1 % of those that ended in [from, to), at least one; `before` is the median:
    // the middle tenth of them, at least one. Empty when there were fewer than three.
    slow_against_median,
};

enum class ProfileOf : std::uint8_t {
    cpu,
    off_cpu,  // of each interval what fell into the invocation
    wall,     // both
    memory,
};

struct ProfileQuery {
    std::string function;
    std::optional<InvocationId> invocation;  // only this one
    ProfilePart part = ProfilePart::invocations;
    Timestamp from = Timestamp::min(), to = Timestamp::max();  // [from, to)
    ProfileOf of = ProfileOf::cpu;
};

class Analyzer {
public:
    explicit Analyzer(AnalyzerOptions options = {});
    ~Analyzer();
    Analyzer(Analyzer&&) noexcept;
    Analyzer& operator=(Analyzer&&) noexcept;

    // Takes in what happened. Call it after idle polls too, with no events: that releases what is
    // held back. REQUIRES: the same batch.tables in every call; `now` never goes back.
    //
    // A kill for lack of memory, a signal that ends a process and the exit of an executor are acted
    // upon in this very call: the cgroup's events up to them are released at once.
    void ingest(const EventBatch& batch, Instant now);

    // Takes in what the platform told of calls. From then on the facts of it are known, also of functions of which it told
    // nothing: of those nothing was refused.
    void observe(const Observations& told, Instant now);

    // Releases everything that is held back: the recording is over.
    void finish(const EventBatch& batch, Instant now);

    // Invocations that ended, by end, each given out once.
    [[nodiscard]] std::vector<Invocation> take_finished();

    // Those that were seen within the history, by name.
    [[nodiscard]] std::vector<FunctionRef> functions(Timestamp now) const;

    // One entry for each function that was seen within the history, by name, over [now - window, now];
    // a window longer than the history is the history.
    // Counts are 0 and rates unknown where nothing ended in the window. `labels` are the caller's to
    // fill in. fn.version, fn.memory_mb: of the version that served most of the window.
    [[nodiscard]] std::vector<FunctionFacts> facts(Nanos window, Timestamp now) const;

    // What the function's invocations of [now - window, now] that failed, or took longer than `slow_over` (0: none is
    // slow), took; analyzer/impact.hpp. Goes through all of them: for what is told to people, not for every turn.
    [[nodiscard]] Impact impact(const FunctionRef& function, Nanos window, Timestamp now, Nanos slow_over) const;

    // Who called whom in the window, rounded out to whole minutes. Socket ends are matched where both
    // were seen; a function that calls another through the platform's invoke API owns a socket to the
    // platform, and that edge is shown; where both invocations carry one trace id, the edge from
    // function to function is added (ServiceEdge::by_trace).
    [[nodiscard]] ServiceGraph graph(Nanos window, Timestamp now) const;

    // Time or memory by stack. `tables`: those of the batches. Empty when there are no samples.
    [[nodiscard]] Profile profile(const ProfileQuery& query, const Tables& tables) const;

    [[nodiscard]] const AnalyzerCounters& counters() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace autotune
