#include "analyzer/assembler.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostIdentities = 16;
constexpr std::size_t kMostStrays = 8'192;
constexpr Nanos kKeepDead = std::chrono::seconds(10);  // late events may still name them
constexpr Nanos kKeepSilent = std::chrono::minutes(10);

std::string describe(const ProcessExited& exit) {
    if (exit.signal != 0) return "signal " + std::to_string(exit.signal);
    return "exit status " + std::to_string(exit.exit_code);
}

}  // namespace

void Assembler::apply(const Event& event) {
    std::visit([&](const auto& body) { on(event, body); }, event.body);
}

FunctionBook* Assembler::book(std::string_view function, Timestamp at) {
    if (function.empty()) return nullptr;
    FunctionBook* found = history_.book({options_.provider, std::string(function)}, at);
    if (found == nullptr) ++counters_.functions_dropped;
    return found;
}

void Assembler::on(const Event& event, const IoDone& what) {
    const Owner owner = sandboxes_.owner_of(event);
    if (owner.executor != nullptr) {
        Executor& executor = *owner.executor;
        const Timestamp since = executor.open ? executor.open->record.start : Timestamp();
        const SocketEnds ends = executor.io.add(event, what, since);
        if (ends.role != SocketRole::none) services_.socket(ends, node_of(executor));
        return;
    }
    if (owner.ambiguous) ++counters_.unattributed_io;
    if (strays_.size() >= kMostStrays && !strays_.contains(event.process.pid)) return;
    Stray& stray = strays_[event.process.pid];
    if (stray.node.name.empty()) stray.node = node_of(event);
    const SocketEnds ends = stray.io.add(event, what, Timestamp());
    if (ends.role != SocketRole::none) services_.socket(ends, stray.node);
}

void Assembler::on(const Event& event, const StackSample& what) {
    const auto period_us = static_cast<std::uint32_t>(what.period / std::chrono::microseconds(1));
    Sample sample{event.at, kInitSerial, what.stack, period_us, what.truncated};
    const Owner owner = sandboxes_.owner_of(event);
    if (owner.executor == nullptr) {
        // Before the first word of the executor: it initialises.
        const Sandbox* sandbox = owner.ambiguous ? nullptr : sandboxes_.find(event);
        if (sandbox == nullptr || sandbox->identities.empty()) return;
        if (FunctionBook* function = book(sandbox->identities.back().function, event.at))
            function->samples.add(sample);
        return;
    }
    if (!owner.executor->open) return;
    OpenInvocation& open = *owner.executor->open;
    ++open.record.samples;
    open.sampled += what.period;
    sample.serial = open.serial;
    if (owner.executor->book != nullptr) owner.executor->book->samples.add(sample);
}

void Assembler::on(const Event& event, const ProcessStarted& what) { processes_.started(event, what); }

void Assembler::on(const Event& event, const ProcessExited& what) {
    processes_.exited(event);
    if (const auto stray = strays_.find(event.process.pid); stray != strays_.end()) {
        book_traffic(event.at, stray->second.node, stray->second.io);
        strays_.erase(stray);
    }
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor == nullptr) return;
    if (!same_process(executor->root, event.process)) return executor->io.forget_process(event.process.pid);
    die(*executor, event.at, describe(what));
    book_traffic(event.at, node_of(*executor), executor->io);
    if (Sandbox* sandbox = sandboxes_.find(event)) sandboxes_.erase(*sandbox, *executor);
}

void Assembler::on(const Event& event, const ExecutorSeen& what) {
    processes_.seen_as_executor(event);
    Sandbox& sandbox = sandboxes_.at(event);
    Identity who{event.process, std::string(text(what.function)), std::string(text(what.version)),
                 what.memory_mb};
    for (const auto& executor : sandbox.executors)
        if (same_process(executor->root, event.process) || executor->identity.function.empty())
            executor->identity = who;
    book(who.function, event.at);
    std::erase_if(sandbox.identities,
                  [&](const Identity& i) { return same_process(i.process, who.process); });
    if (sandbox.identities.size() >= kMostIdentities) sandbox.identities.erase(sandbox.identities.begin());
    sandbox.identities.push_back(std::move(who));
}

void Assembler::on(const Event& event, const ExecutorReady& what) {
    Executor& executor = sandboxes_.speaker(event);
    if (executor.open) {
        ++counters_.missing_ends;
        close(executor,
              {.status = InvocationStatus::unknown, .at = event.at, .error_type = {}, .usage = &what.usage});
    }
    if (!executor.ready) executor.ready = event.at;
    executor.approaching.reset();
}

void Assembler::on(const Event& event, const InvocationStarted& what) {
    Executor& executor = sandboxes_.speaker(event);
    if (executor.open) {
        ++counters_.missing_ends;
        close(executor, {.status = InvocationStatus::unknown, .at = event.at, .error_type = {}});
    }
    book_traffic(event.at, node_of(executor), executor.io);
    if (what.function != StringId{}) executor.identity.function = text(what.function);
    executor.book = book(executor.identity.function, event.at);

    OpenInvocation open;
    open.serial = ++serial_;
    open.first = what.usage;
    open.lost_before = counters_.lost;
    open.thread = event.thread;
    const auto told = std::exchange(executor.approaching, std::nullopt);
    if (told && told->first == event.thread) open.first_times = told->second;
    Invocation& record = open.record;
    record.id = what.id;
    record.function = {options_.provider, executor.identity.function};
    record.version = executor.identity.version;
    record.qualifier = text(what.qualifier);
    record.trace_id = text(what.trace_id);
    record.process = event.process;
    record.cgroup = event.cgroup;
    record.by = event.by;
    record.start = event.at;
    record.wall_start = WallTime(event.at.time_since_epoch() + wall_offset_);
    record.time_limit = what.time_limit;
    record.held = what.held;
    record.memory_mb = executor.identity.memory_mb;
    record.request_bytes = what.request_bytes;
    // Without the birth of its process the sandbox may have served others before anybody looked.
    record.cold = executor.invocations == 0 && executor.started.has_value();
    if (record.cold && executor.ready) record.init = std::max(Nanos(0), *executor.ready - *executor.started);
    ++executor.invocations;
    executor.io.begin();
    executor.open = std::move(open);
}

void Assembler::on(const Event& event, const InvocationEnded& what) {
    Executor* found = nullptr;
    bool already_closed = false;
    if (Sandbox* sandbox = sandboxes_.find(event))
        for (const auto& executor : sandbox->executors) {
            if (executor->open && executor->open->record.id == what.id) found = executor.get();
            already_closed |= executor->last == what.id;
        }
    if (found == nullptr) {
        if (!already_closed) ++counters_.ends_without_start;
        return;
    }
    found->open->record.response_bytes = what.response_bytes;
    const bool good = what.kind == EndKind::response;
    close(*found, {.status = good ? InvocationStatus::ok : InvocationStatus::error,
                   .at = event.at,
                   .error_type = std::string(text(what.error_type)),
                   .usage = &what.usage});
}

void Assembler::on(const Event&, const InitFailed&) { ++counters_.failed_inits; }

void Assembler::on(const Event& event, const MemoryMark& what) {
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor != nullptr && executor->open) executor->open->latest = what.usage;
}

void Assembler::on(const Event& event, const ThreadTimes& what) {
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor == nullptr) return;
    if (!executor->open)
        executor->approaching.emplace(event.thread, what);
    else if (event.thread == executor->open->thread)
        executor->open->latest_times = what;
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
        if (executor == nullptr || !executor->open) {
            ++counters_.idle_oom_kills;
            return;
        }
        const std::uint64_t peak = what.memory_peak != 0 ? what.memory_peak : what.memory_limit;
        close(*executor, {.status = InvocationStatus::out_of_memory,
                          .at = event.at,
                          .error_type = {},
                          .memory_peak = peak,
                          .memory_limit = what.memory_limit});
    } else if (executor != nullptr && same_process(executor->root, victim.process)) {
        die(*executor, event.at, "killed by a signal");
    }
}

void Assembler::on(const Event&, const Throttled&) { ++counters_.throttled; }

void Assembler::on(const Event&, const NameResolved& what) { services_.resolved(what.address, text(what.name)); }

void Assembler::on(const Event& event, const NotDecoded& what) {
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor == nullptr || !executor->open) return;
    std::vector<UndecodedWork>& all = executor->open->record.not_decoded;
    const std::string_view name = text(what.what);
    const auto known = std::ranges::find(all, name, &UndecodedWork::what);
    if (known != all.end())
        known->count += what.count;
    else
        all.push_back({std::string(name), what.count});
}

void Assembler::on(const Event& event, const SocketTrouble& what) {
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor != nullptr && executor->open) executor->io.add(event, what);
}

void Assembler::on(const Event& event, const Lost& what) {
    counters_.lost += what.count;
    std::vector<FunctionBook*> told;
    sandboxes_.for_each_executor([&](Executor& executor, Sandbox&) {
        if (executor.open && executor.book != nullptr &&
            std::find(told.begin(), told.end(), executor.book) == told.end())
            told.push_back(executor.book);
    });
    for (FunctionBook* function : told) history_.add_loss(*function, {event.at, what.count});
}

bool Assembler::is_urgent(const Event& event) {
    if (std::holds_alternative<Killed>(event.body)) return true;
    const auto* exit = std::get_if<ProcessExited>(&event.body);
    if (exit == nullptr) return false;
    if (exit->signal != 0) return true;
    const Executor* executor = sandboxes_.owner_of(event).executor;
    return executor != nullptr && same_process(executor->root, event.process);
}

void Assembler::die(Executor& executor, Timestamp at, const std::string& how) {
    if (!executor.open) return;
    const Invocation& record = executor.open->record;
    if (record.held)  // for how long, only the host knows: nor whether its deadline was over
        return close(executor, {.status = InvocationStatus::unknown,
                                .at = at,
                                .error_type = how + ", held for a debugger before"});
    const bool deadline =
        record.time_limit.count() > 0 && at >= record.start + record.time_limit - options_.timeout_tolerance;
    close(executor, {.status = deadline ? InvocationStatus::timeout : InvocationStatus::crash,
                     .at = at,
                     .error_type = deadline ? std::string() : how});
}

void Assembler::sweep(Timestamp now) {
    sandboxes_.for_each_executor([&](Executor& executor, Sandbox&) {
        if (executor.open) return;
        book_traffic(now, node_of(executor), executor.io);
        executor.io.begin();
    });
    for (auto& [pid, stray] : strays_) {
        book_traffic(now, stray.node, stray.io);
        stray.io.begin();
    }
    processes_.sweep(now - kKeepDead);
    sandboxes_.sweep(now - kKeepSilent);
}

}  // namespace autotune::analysis
