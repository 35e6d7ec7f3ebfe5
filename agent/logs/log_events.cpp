#include "agent/logs/log_events.hpp"

#include <algorithm>
#include <string>

namespace autotune::logs {
namespace {

constexpr std::uint64_t kScopes = std::uint64_t{1} << 51;  // beyond every inode number, exact as a double
constexpr std::uint64_t kProcesses = std::uint64_t{1} << 30;

}  // namespace

Event make_log_event(std::uint64_t ordinal, Timestamp at, EventBody body) {
    const auto process = -static_cast<std::int32_t>(ordinal % kProcesses) - 1;
    return {.at = at,
            .process = {process, ordinal},
            .thread = ThreadId(process),
            .cgroup = CgroupId(kScopes + ordinal),
            .by = Backend::provider_log,
            .body = body};
}

void tell_call(const LoggedCall& call, std::uint64_t ordinal, Timestamp end, EventBatch& batch) {
    StringTable& strings = batch.tables.strings;
    const InvocationId id("log-" + std::to_string(ordinal));
    InvocationStarted started{.id = id, .function = strings.intern(call.function)};
    started.qualifier = strings.intern(call.source);
    const Timestamp begin = std::max(end - call.duration, Timestamp{});
    batch.events.push_back(make_log_event(ordinal, begin, started));
    InvocationEnded ended{.id = id, .kind = call.succeeded ? EndKind::response : EndKind::error};
    batch.events.push_back(make_log_event(ordinal, end, ended));
}

}  // namespace autotune::logs
