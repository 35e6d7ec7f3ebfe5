#include "analyzer/assembler.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "analyzer/owner/lambda_path.hpp"

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostIdentities = 16;
constexpr std::size_t kMostStrays = 8'192;
constexpr Nanos kKeepDead = std::chrono::seconds(10);  // late events may still name them
constexpr Nanos kKeepSilent = std::chrono::minutes(10);
constexpr std::size_t kMostApproaching = 64;   // threads

}  // namespace

void Assembler::apply(const Event& event) {
    std::visit([&](const auto& body) { on(event, body); }, event.body);
}

FunctionBook* Assembler::book(const FunctionRef& function, Timestamp at) {
    if (function.name.empty()) return nullptr;
    FunctionBook* found = history_.book(function, at);
    if (found == nullptr) ++counters_.functions_dropped;
    return found;
}

// Who asks for work has one invocation at a time: all that happens is its.
OpenInvocation* Assembler::open_for(Executor& executor, const Event& event) {
    if (executor.open.empty()) return nullptr;
    if (executor.open.front().record.boundary == Boundary::runtime_api) return &executor.open.front();
    const Serving::Serial serial = serving_.owner_of(event);
    if (serial == 0) return nullptr;
    const auto found = std::ranges::find(executor.open, serial, &OpenInvocation::serial);
    return found != executor.open.end() ? &*found : nullptr;
}

void Assembler::on(const Event& event, const IoDone& what) {
    const Owner owner = sandboxes_.owner_of(event);
    if (owner.executor != nullptr) {
        Executor& executor = *owner.executor;
        OpenInvocation* open = open_for(executor, event);
        if (open == nullptr && !executor.open.empty())
            for (const Serving::Serial serial : serving_.among())
                for (OpenInvocation& one : executor.open) one.record.io_ambiguous += one.serial == serial ? 1 : 0;
        const Timestamp since = open != nullptr ? open->record.start : Timestamp();
        const SocketEnds ends = (open != nullptr ? open->io : executor.io).add(event, what, since);
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

void Assembler::on(const Event& event, const ProcessStarted& what) {
    processes_.started(event, what);
    serving_.forked(event, what);
}

void Assembler::on(const Event& event, const ExecutorSeen& what) {
    processes_.seen_as_executor(event);
    Sandbox& sandbox = sandboxes_.at(event);
    Identity who{event.process, std::string(text(what.function)), std::string(text(what.version)),
                 what.memory_mb, what.kept_warm};
    for (const auto& executor : sandbox.executors)
        if (same_process(executor->root, event.process) || executor->identity.function.empty())
            executor->identity = who;
    book({options_.provider, who.function}, event.at);
    std::erase_if(sandbox.identities,
                  [&](const Identity& i) { return same_process(i.process, who.process); });
    if (sandbox.identities.size() >= kMostIdentities) sandbox.identities.erase(sandbox.identities.begin());
    sandbox.identities.push_back(std::move(who));
}

void Assembler::on(const Event& event, const ExecutorReady& what) {
    Executor& executor = sandboxes_.speaker(event);
    if (!executor.open.empty() && executor.open.front().record.boundary == Boundary::runtime_api) {
        ++counters_.missing_ends;
        close(executor, executor.open.front(),
              {.status = InvocationStatus::unknown, .at = event.at, .error_type = {}, .usage = &what.usage});
    }
    if (!executor.ready) executor.ready = event.at;
    executor.approaching.clear();
}

void Assembler::on(const Event& event, const InvocationStarted& what) {
    Executor& executor = sandboxes_.speaker(event);
    end_for_next(executor, event, what);
    book_traffic(event.at, node_of(executor), executor.io);
    executor.io.begin();
    // Of a server each route may be a function: then what its process is called is who it is.
    const bool is_server = what.boundary == Boundary::http;
    if (what.function != StringId{} && !is_server) executor.identity.function = text(what.function);
    if (what.fd >= 0) executor.connections.serves(event.process.pid, what.fd);
    OpenInvocation open = make_open(executor, event, what);
    open.book = book(open.record.function, event.at);
    if (!is_server) executor.book = open.book;
    ++executor.invocations;
    if (what.boundary != Boundary::runtime_api) serving_.begin(open.serial, event, what);
    executor.open.push_back(std::move(open));
}

OpenInvocation Assembler::make_open(Executor& executor, const Event& event, const InvocationStarted& what) {
    IoAccount io(executor.connections);
    if (!executor.spare.empty()) {
        io = std::move(executor.spare.back());
        executor.spare.pop_back();
    }
    OpenInvocation open{.record = {},
                        .serial = ++serial_,
                        .fd = what.fd,
                        .first = what.usage,
                        .latest = {},
                        .thread = event.thread,
                        .first_times = {},
                        .latest_times = {},
                        .lost_before = counters_.lost,
                        .io = std::move(io)};
    for (auto told = executor.approaching.begin(); told != executor.approaching.end(); ++told) {
        if (told->first != event.thread) continue;
        open.first_times = told->second;
        executor.approaching.erase(told);
        break;
    }
    if (what.boundary == Boundary::runtime_api) executor.approaching.clear();
    const bool is_server = what.boundary == Boundary::http;
    Invocation& record = open.record;
    record.id = what.id;
    record.function = {provider_of(what.boundary),
                       is_server ? std::string(text(what.function)) : executor.identity.function};
    record.version = executor.identity.version;
    record.qualifier = text(what.qualifier);
    record.trace_id = text(what.trace_id);
    record.process = event.process;
    record.cgroup = event.cgroup;
    record.by = event.by;
    record.boundary = what.boundary;
    record.start = event.at;
    record.wall_start = WallTime(event.at.time_since_epoch() + wall_offset_);
    record.time_limit = what.time_limit;
    record.held = what.held;
    record.memory_mb = executor.identity.memory_mb;
    record.request_bytes = what.request_bytes;
    record.stands_for = what.stands_for;
    record.kept_warm = executor.identity.kept_warm;
    // Without the birth of its process the sandbox may have served others before anybody looked. One that is kept warm gets no
    // call before it is ready, so none waits for it.
    record.cold = executor.invocations == 0 && executor.started.has_value() && !record.kept_warm;
    if (record.cold && executor.ready) record.init = std::max(Nanos(0), *executor.ready - *executor.started);
    return open;
}

std::string Assembler::provider_of(Boundary boundary) const {
    return boundary == Boundary::runtime_api ? options_.provider : std::string(to_string(boundary));
}

void Assembler::on(const Event&, const InitFailed&) { ++counters_.failed_inits; }

void Assembler::on(const Event& event, const MemoryMark& what) {
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor == nullptr) return;
    for (OpenInvocation& open : executor->open) open.latest = what.usage;
}

void Assembler::on(const Event& event, const ThreadTimes& what) {
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor == nullptr) return;
    const bool asks =
        !executor->open.empty() && executor->open.front().record.boundary == Boundary::runtime_api;
    bool serves = asks;
    for (OpenInvocation& open : executor->open)
        if (open.thread == event.thread) open.latest_times = what, serves = true;
    if (serves) return;
    auto& approaching = executor->approaching;
    std::erase_if(approaching, [&](const auto& told) { return told.first == event.thread; });
    if (approaching.size() >= kMostApproaching) approaching.erase(approaching.begin());
    approaching.emplace_back(event.thread, what);
}

void Assembler::on(const Event&, const Throttled&) { ++counters_.throttled; }

void Assembler::on(const Event&, const NameResolved& what) { services_.resolved(what.address, text(what.name)); }

void Assembler::on(const Event& event, const NotDecoded& what) {
    Executor* executor = sandboxes_.owner_of(event).executor;
    OpenInvocation* open = executor != nullptr ? open_for(*executor, event) : nullptr;
    if (open == nullptr) return;
    std::vector<UndecodedWork>& all = open->record.not_decoded;
    const std::string_view name = text(what.what);
    const auto known = std::ranges::find(all, name, &UndecodedWork::what);
    if (known != all.end())
        known->count += what.count;
    else
        all.push_back({std::string(name), what.count});
}

void Assembler::on(const Event& event, const SocketTrouble& what) {
    Executor* executor = sandboxes_.owner_of(event).executor;
    if (executor == nullptr) return;
    if (OpenInvocation* open = open_for(*executor, event)) open->io.add(event, what);
}

// Who called what is kept where it is a function; what else was called is among the peers.
void Assembler::on(const Event& event, const HttpDone& what) {
    if (what.side != Side::client) return;
    std::string function = invoked_function(text(what.method), text(what.path));
    if (function.empty()) return;
    Executor* executor = sandboxes_.owner_of(event).executor;
    OpenInvocation* open = executor != nullptr ? open_for(*executor, event) : nullptr;
    if (open == nullptr) return;
    Invocation& record = open->record;
    if (record.calls.size() >= kMostFunctionCalls) {
        ++record.calls_not_kept;
        return;
    }
    const Timestamp began = std::max(event.at - what.duration, record.start);
    record.calls.push_back({.function = std::move(function),
                            .trace_id = std::string(text(what.trace_context)),
                            .start = began - record.start,
                            .duration = std::max(event.at - began, Nanos(0)),
                            .status = what.status});
}

void Assembler::on(const Event& event, const Lost& what) {
    counters_.lost += what.count;
    std::vector<FunctionBook*> told;
    sandboxes_.for_each_executor([&](Executor& executor, Sandbox&) {
        for (const OpenInvocation& open : executor.open)
            if (open.book != nullptr && std::find(told.begin(), told.end(), open.book) == told.end())
                told.push_back(open.book);
    });
    for (FunctionBook* function : told) history_.add_loss(*function, {event.at, what.count});
}

void Assembler::sweep(Timestamp now) {
    sandboxes_.for_each_executor([&](Executor& executor, Sandbox&) {
        book_traffic(now, node_of(executor), executor.io);
        executor.io.begin();
    });
    for (auto& [pid, stray] : strays_) {
        book_traffic(now, stray.node, stray.io);
        stray.io.begin();
    }
    std::erase_if(past_, [&](const auto& item) { return item.second.newest.back().end < now - kKeepSilent; });
    processes_.sweep(now - kKeepDead);
    sandboxes_.sweep(now - kKeepSilent);
}

}  // namespace autotune::analysis
