// Assembler, the part about ends: by an answer, by a death, by a kill, or unseen.
#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "analyzer/assembler.hpp"

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostOpen = 1'024;  // of one executor; the oldest are closed as unknown

std::string describe(const ProcessExited& exit) {
    if (exit.signal != 0) return "signal " + std::to_string(exit.signal);
    return "exit status " + std::to_string(exit.exit_code);
}

}  // namespace

void Assembler::on(const Event& event, const InvocationEnded& what) {
    Executor* found = nullptr;
    OpenInvocation* open = nullptr;
    bool already_closed = false;
    if (Sandbox* sandbox = sandboxes_.find(event))
        for (const auto& executor : sandbox->executors) {
            for (OpenInvocation& one : executor->open)
                if (one.record.id == what.id) found = executor.get(), open = &one;
            already_closed |= executor->last == what.id;
        }
    if (found == nullptr) {
        if (!already_closed) ++counters_.ends_without_start;
        return;
    }
    open->record.response_bytes = what.response_bytes;
    const bool good = what.kind == EndKind::response;
    close(*found, *open, {.status = good ? InvocationStatus::ok : InvocationStatus::error,
                          .at = event.at,
                          .error_type = std::string(text(what.error_type)),
                          .usage = &what.usage,
                          .thread = event.thread});
}

// Of which no end was seen: of the one before, if the executor asks for its work; of that which its connection
// brought; of too many.
void Assembler::end_for_next(Executor& executor, const Event& event, const InvocationStarted& what) {
    for (std::size_t i = executor.open.size(); i-- > 0;) {
        OpenInvocation& open = executor.open[i];
        const bool asks = what.boundary == Boundary::runtime_api || open.record.boundary == Boundary::runtime_api;
        const bool same_connection =
            open.fd >= 0 && open.fd == what.fd && same_process(open.record.process, event.process);
        if (!asks && !same_connection && (i > 0 || executor.open.size() < kMostOpen)) continue;
        ++counters_.missing_ends;
        close(executor, open, {.status = InvocationStatus::unknown, .at = event.at, .error_type = {}});
    }
}

void Assembler::on(const Event& event, const ProcessExited& what) {
    processes_.exited(event);
    if (const auto stray = strays_.find(event.process.pid); stray != strays_.end()) {
        book_traffic(event.at, stray->second.node, stray->second.io);
        strays_.erase(stray);
    }
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor == nullptr) return serving_.exited(event);
    die_with(*executor, event.process, event.at, describe(what));
    serving_.exited(event);
    if (!same_process(executor->root, event.process))
        return executor->connections.forget_process(event.process.pid);
    book_traffic(event.at, node_of(*executor), executor->io);
    if (Sandbox* sandbox = sandboxes_.find(event)) sandboxes_.erase(*sandbox, *executor);
}

// With its root all that an executor has open dies; with another process, what that one serves.
void Assembler::die_with(Executor& executor, const ProcessId& process, Timestamp at, const std::string& how) {
    const bool is_root = same_process(executor.root, process);
    for (std::size_t i = executor.open.size(); i-- > 0;) {
        const Invocation& record = executor.open[i].record;
        const bool is_served = record.boundary != Boundary::runtime_api && same_process(record.process, process);
        if (is_root || is_served) die(executor, executor.open[i], at, how);
    }
}

void Assembler::die(Executor& executor, OpenInvocation& open, Timestamp at, const std::string& how) {
    const Invocation& record = open.record;
    if (record.held)  // for how long, only the host knows: nor whether its deadline was over
        return close(executor, open, {.status = InvocationStatus::unknown,
                                      .at = at,
                                      .error_type = how + ", held for a debugger before"});
    const bool deadline =
        record.time_limit.count() > 0 && at >= record.start + record.time_limit - options_.timeout_tolerance;
    close(executor, open, {.status = deadline ? InvocationStatus::timeout : InvocationStatus::crash,
                           .at = at,
                           .error_type = deadline ? std::string() : how});
}

Event Assembler::of_victim(const Event& event, const Killed& what) const {
    Event victim = event;  // the kill may be reported from the context of whoever wanted the page
    if (what.victim_pid != 0 && what.victim_pid != event.process.pid) victim.process = {what.victim_pid, 0};
    return victim;
}

void Assembler::on(const Event& event, const Killed& what) {
    const Event victim = of_victim(event, what);
    Executor* executor = sandboxes_.owner_of(victim).executor;
    if (what.reason == KillReason::out_of_memory) {
        const std::uint64_t peak = what.memory_peak != 0 ? what.memory_peak : what.memory_limit;
        bool is_anybodys = false;
        for (std::size_t i = executor != nullptr ? executor->open.size() : 0; i-- > 0;) {
            OpenInvocation& open = executor->open[i];
            const bool asks = open.record.boundary == Boundary::runtime_api;
            if (!asks && !same_process(open.record.process, victim.process) && open_for(*executor, victim) != &open)
                continue;
            is_anybodys = true;
            close(*executor, open, {.status = InvocationStatus::out_of_memory,
                                    .at = event.at,
                                    .error_type = {},
                                    .memory_peak = peak,
                                    .memory_limit = what.memory_limit});
        }
        if (!is_anybodys) ++counters_.idle_oom_kills;
    } else if (executor != nullptr) {
        die_with(*executor, victim.process, event.at, "killed by a signal");
    }
}

bool Assembler::is_urgent(const Event& event) {
    if (std::holds_alternative<Killed>(event.body)) return true;
    const auto* exit = std::get_if<ProcessExited>(&event.body);
    if (exit == nullptr) return false;
    if (exit->signal != 0) return true;
    const Executor* executor = sandboxes_.owner_of(event).executor;
    return executor != nullptr && same_process(executor->root, event.process);
}

}  // namespace autotune::analysis
