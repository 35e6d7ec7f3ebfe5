// What events of logs have in common. Their processes never were any of this machine's: the numbers are negative, and
// each invocation has a scope of its own, because logs do not say who ran beside whom.
#pragma once

#include <cstdint>

#include "agent/logs/call_log.hpp"
#include "core/event.hpp"

namespace autotune::logs {

// `ordinal`: counts invocations of all logs of a source, from 1.
[[nodiscard]] Event make_log_event(std::uint64_t ordinal, Timestamp at, EventBody body);

// The beginning and the end of an execution that ended at `end`.
void tell_call(const LoggedCall& call, std::uint64_t ordinal, Timestamp end, EventBatch& batch);

}  // namespace autotune::logs
