// TraceTimeline: lines of one trace log to events: the invocation, each call with its exact duration and depth, files
// and connections as they appear. Pure.
//
// The log has durations but no times. A call is therefore put where it can have been at the earliest: after the calls
// before it in its caller; what a caller did by itself is at its end. Depths, durations and order are exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/logs/trace_line.hpp"
#include "core/event.hpp"

namespace autotune::logs {

class TraceTimeline {
public:
    struct Identity {
        std::string function;  // what the log is called for
        InvocationId id;
        std::uint64_t ordinal = 0;  // see log_events.hpp
    };
    TraceTimeline(Identity identity, Timestamp begin) : identity_(std::move(identity)), now_(begin) {}

    // Errors: corrupt: a return from a function that was not called. Nothing is told then.
    [[nodiscard]] Status add(const TraceLine& line, EventBatch& batch);
    // There will be no more: open calls are told as `cut`.
    void finish(EventBatch& batch);

private:
    struct Open {
        TracedFunction function;
        Timestamp begin;
        bool saw_exception = false;  // just now: nothing has been called since
    };
    // An exception that leaves a call shows in its caller next; so the last return waits for one more line.
    struct Returned {
        Event event;
        bool saw_exception = false;
        bool is_outermost = false;
    };

    void on_call(const CallLine& line, EventBatch& batch);
    [[nodiscard]] Status on_return(const ReturnLine& line, EventBatch& batch);
    void on_exception(const ExceptionLine& line, EventBatch& batch);
    void tell_io(IoDone io, EventBatch& batch) const;
    void settle(bool seen_in_caller, EventBatch& batch);
    void end_invocation(bool raised, EventBatch& batch);
    [[nodiscard]] Event call_event(const Open& call, CallEnd how, EventBatch& batch) const;

    Identity identity_;
    Timestamp now_;
    std::vector<Open> stack_;
    std::optional<Returned> returned_;
    enum class Stage : std::uint8_t { before, within, after } stage_ = Stage::before;
};

}  // namespace autotune::logs
