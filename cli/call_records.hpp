// CallRecords: what the agent recorded of real invocations, put together as the log that `autotune fuse` reads.
//
// A call is recorded with its caller: whom it named, when, how long, the trace id. The invocation it set off is that of
// this function with that trace id which began during the call (of one that was only accepted: after it began). Where
// several calls of one function in one trace overlap, which of their invocations is whose is decided by the order in
// which they ended, and counted. What is missing is counted, never made up.
//
// Memory is bounded by a number of invocations and by bytes: one alone may have a thousand calls. Times of the log are CLOCK_MONOTONIC of the
// first one's boot, in ms; those of other boots are moved to where the wall clock has them. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/invocation.hpp"
#include "core/record_clock.hpp"
#include "rules/recluster/log.hpp"

namespace autotune::cli {

struct MissingRecords {
    std::uint64_t not_told = 0;       // invocations that the agent left out to keep its budget
    std::uint64_t elsewhere = 0;      // not of Lambda's Runtime API: nobody invokes them by name
    std::uint64_t not_ended = 0;      // their end was not seen, or a debugger held them
    std::uint64_t without_calls = 0;  // recorded before calls were, or while calls were given up to keep the budget
    std::uint64_t calls_not_kept = 0; // more than an invocation's record holds
    std::uint64_t calls_failed = 0;   // answered with an error by the platform, or not at all: nobody ran
    std::uint64_t by_order = 0;       // calls whose invocation was told from another's by the order of their ends
    std::uint64_t at_the_edge = 0;    // invocations whose caller began before the records, or has not ended yet
    std::uint64_t not_read = 0;       // older ones, for which there was no room
};

struct RecordedCalls {
    rules::CallLog log;  // not linked
    MissingRecords missing;
};

// Of what is held until finish() has its answer, that included.
struct CallBounds {
    std::size_t invocations = 200'000;
    std::size_t bytes = std::size_t{256} << 20;
};

class CallRecords {
public:
    explicit CallRecords(CallBounds most = {}) : most_(most) {}

    // In any order. False: there is room for no more, and it was not taken.
    bool add(const Invocation& invocation);
    [[nodiscard]] RecordedCalls finish() &&;
    [[nodiscard]] std::size_t bytes() const { return bytes_; }  // as counted

private:
    static constexpr std::size_t kNobody = ~std::size_t{0};
    struct Call {
        std::uint32_t callee = 0;
        std::uint64_t trace = 0;
        Timestamp start, end;
        bool sync = true;
        std::size_t work = kNobody;  // index into all_
    };
    struct One {
        rules::RecordedInvocation made;
        std::uint64_t trace = 0;
        Timestamp start, end;
        std::vector<Call> calls;
        std::size_t caller = kNobody;     // index into all_
        std::size_t log_trace = kNobody;  // index into log_.traces
    };

    using CallAt = std::pair<std::size_t, std::size_t>;  // index into all_, and into its calls

    [[nodiscard]] std::size_t bytes_of(const Invocation& invocation) const;
    void link();
    std::vector<std::size_t> give_out(std::vector<std::size_t> works, std::vector<CallAt> calls, bool awaited);
    [[nodiscard]] bool is_at_the_edge(const One& one, Timestamp first, Timestamp last) const;

    CallBounds most_;
    std::size_t bytes_ = 0;
    RecordClock clock_;
    rules::CallLog log_;
    std::vector<One> all_;
    std::vector<bool> is_called_;  // by function
    Nanos longest_call_{0};
    std::unordered_map<std::string, std::uint32_t> ids_;
    MissingRecords missing_;
};

// One invocation a line, as `autotune fuse --replay` reads them.
[[nodiscard]] std::string replay_lines(const rules::CallLog& log, std::size_t trace);

}  // namespace autotune::cli
