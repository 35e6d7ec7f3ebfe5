#include "analyzer/trace/trees.hpp"

#include <algorithm>
#include <cerrno>
#include <variant>

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostThreads = 4'096;    // with something put aside
constexpr std::size_t kMostThreadNodes = 256;  // of one process
constexpr std::size_t kMostOpen = 10'000;
constexpr std::size_t kMostLingering = 64;
constexpr std::uint64_t kClockTick = 20'000'000;  // two of 100 Hz, in ns

Deed thread_deed(ThreadId id) { return {.kind = DeedKind::thread, .number = static_cast<std::uint32_t>(id)}; }

// Failures are answers that a caller cannot use; "nothing there yet" is none.
bool failed_io(const IoDone& io) {
    return io.result < 0 && io.result != -EAGAIN && !(io.op == IoOp::connect && io.result == -EINPROGRESS);
}

}  // namespace

void Trees::learn(const Tables& tables) {
    serving_.use(tables);
    for (std::size_t i = is_native_.size(); i < tables.frames.size(); ++i)
        is_native_.push_back(tables.frames[FrameId(i)].kind == FrameKind::native);
}

void Trees::add(const Event& event) {
    std::visit([&](const auto& body) { on(event, body); }, event.body);
}

ProcessId Trees::canonical(const ProcessId& id) {
    const auto [known, fresh] = by_pid_.try_emplace(id.pid, id);
    if (fresh) return id;
    const std::uint64_t have = known->second.start_ns;
    if (id.start_ns == 0 || id.start_ns == have) return known->second;
    const std::uint64_t apart = id.start_ns > have ? id.start_ns - have : have - id.start_ns;
    if (have != 0 && apart <= kClockTick) return known->second;
    if (have == 0) {
        if (auto node = processes_.extract(known->second)) {
            node.key() = node.mapped().told.id = id;
            processes_.insert(std::move(node));
        }
        for (Thread& thread : threads_)
            if (thread.process == known->second) thread.process = id;
    }
    return known->second = id;
}

Trees::Process& Trees::process(const ProcessId& id) {
    const auto found = processes_.find(id);
    if (found != processes_.end()) return found->second;
    const ProcessId key = processes_.size() < options_.processes ? id : ProcessId{};  // {}: all the others
    Process& made = processes_[key];
    made.told.id = key;
    return made;
}

Trees::Thread& Trees::thread(const Event& event) {
    const auto tid = event.thread == ThreadId{} ? ThreadId(event.process.pid) : event.thread;
    const ProcessId owner = canonical(event.process);
    const std::uint64_t key =
        (std::uint64_t{static_cast<std::uint32_t>(owner.pid)} << 32) | static_cast<std::uint32_t>(tid);
    if (const auto known = by_id_.find(key); known != by_id_.end()) {
        Thread& thread = *known->second;
        if (thread.process != owner) settle(thread), thread.process = owner;
        threads_.splice(threads_.begin(), threads_, known->second);
        thread.used = std::max(thread.used, event.at);
        return thread;
    }
    if (threads_.size() >= kMostThreads) {
        Thread& oldest = threads_.back();
        let_go([&](const Open& open) { return open.thread == oldest.id && open.process == oldest.process; });
        settle(oldest);
        by_id_.erase((std::uint64_t{static_cast<std::uint32_t>(oldest.process.pid)} << 32) |
                     static_cast<std::uint32_t>(oldest.id));
        threads_.pop_back();
    }
    threads_.push_front({owner, tid, event.at, ThreadStack(forest_)});
    by_id_[key] = threads_.begin();
    return threads_.front();
}

void Trees::settle(Thread& thread) {
    if (thread.stack.empty()) return;
    Process& owner = process(thread.process);
    if (owner.root == kNoNode) owner.root = forest_.make(DeedId(0), {});
    const ThreadId id = owner.threads < kMostThreadNodes ? thread.id : ThreadId{};
    const Forest::NodeId node = forest_.child_of(owner.root, forest_.intern(thread_deed(id)));
    ++owner.threads;
    thread.stack.give_all(node);
}

// --- processes and invocations --------------------------------------------------------------------

void Trees::on(const Event& event, const ProcessStarted& what) {
    table_.started(event, what);
    serving_.forked(event, what);
    TracedProcess& told = process(canonical(event.process)).told;
    if (what.parent_pid != 0) told.parent_pid = what.parent_pid;
    if (what.command != StringId{}) told.command = what.command;
    if (what.executable != StringId{}) told.executable = what.executable;
    if (const ProcessEntry* entry = table_.find(event.process)) told.started = entry->started;
}

void Trees::on(const Event& event, const ProcessExited& what) {
    table_.exited(event);
    const ProcessId id = canonical(event.process);
    let_go([&](const Open& open) { return open.process == id; });
    end_all(event.at, [&](const Open& open) { return open.process == id; });
    serving_.exited(event);
    for (auto thread = threads_.begin(); thread != threads_.end();) {
        const auto next = std::next(thread);
        if (thread->process == id) {
            settle(*thread);
            by_id_.erase((std::uint64_t{static_cast<std::uint32_t>(id.pid)} << 32) |
                         static_cast<std::uint32_t>(thread->id));
            threads_.erase(thread);
        }
        thread = next;
    }
    TracedProcess& told = process(id).told;
    told.ended = event.at;
    told.exit = what;
}

void Trees::on(const Event& event, const ExecutorReady&) {
    const ProcessId id = canonical(event.process);
    end_all(event.at, [&](const Open& open) { return open.process == id && open.fd < 0; });
}

void Trees::on(const Event& event, const Killed& what) {
    const ProcessId id = canonical({what.victim_pid != 0 ? what.victim_pid : event.process.pid, 0});
    end_all(event.at, [&](const Open& open) { return open.process == id; });
}

void Trees::on(const Event& event, const InvocationStarted& what) {
    if (open_.size() >= kMostOpen) end(open_.begin(), event.at);
    const ProcessId id = canonical(event.process);
    if (what.fd >= 0)  // the end of the one before passed by unseen
        end_all(event.at, [&](const Open& open) { return open.process == id && open.fd == what.fd; });
    Open& open = open_.emplace_back(Open{.id = what.id,
                                         .process = id,
                                         .start = event.at,
                                         .function = what.function,
                                         .fd = what.fd,
                                         .serial = ++serial_,
                                         .thread = thread(event).id});
    let_go([&](const Open& before) { return before.thread == open.thread && before.process == open.process; });
    by_serial_[open.serial] = &open;
    Event served = event;
    served.thread = open.thread;
    serving_.begin(open.serial, served, what);
}

void Trees::on(const Event& event, const InvocationEnded& what) {
    for (auto open = open_.begin(); open != open_.end();) {
        const auto next = std::next(open);
        if (open->id == what.id) answer(open, event);
        open = next;
    }
}

void Trees::answer(std::list<Open>::iterator open, const Event& event) {
    const bool shares_thread = serving_.sharing(open->serial).thread;
    serving_.end(open->serial, event.thread);
    if (open->fd < 0 || shares_thread) {
        end(open, event.at);
        return;
    }
    open->answered = event.at;
    lingering_.splice(lingering_.end(), open_, open);
    if (lingering_.size() > kMostLingering)
        let_go([&](const Open& one) { return &one == &lingering_.front(); });
}

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

Trees::Finished& Trees::tree_for(const Open& open, Timestamp at) {
    const auto shared = shared_.find(open.function);
    if (finished_.size() >= options_.invocations && shared != shared_.end()) {
        Finished& rest = finished_[shared->second];
        ++rest.merged;
        rest.end = at;
        return rest;
    }
    if (finished_.size() >= options_.invocations) shared_[open.function] = finished_.size();
    finished_.push_back({.id = open.id,
                         .process = open.process,
                         .start = open.start,
                         .end = at,
                         .root = forest_.make(DeedId(0), {}),
                         .function = open.function});
    return finished_.back();
}

std::list<Trees::Open>::iterator Trees::end(std::list<Open>::iterator open, Timestamp at) {
    serving_.end(open->serial);
    finish(*open, at);
    return open_.erase(open);
}

void Trees::finish(const Open& open, Timestamp at) {
    Finished& tree = tree_for(open, at);
    tree.ambiguous += open.ambiguous;
    const bool is_shared = shared_.contains(open.function);
    for (Thread& thread : threads_) {
        if (thread.used < open.start) break;  // nor did any of the following do anything since
        if (!thread.stack.has(open.serial, open.start)) continue;
        const Deed owner = thread_deed(is_shared ? ThreadId{} : thread.id);
        const Forest::NodeId node = forest_.child_of(tree.root, forest_.intern(owner));
        thread.stack.give(open.serial, open.start, node);
    }
    by_serial_.erase(open.serial);
}

Serving::Serial Trees::lingering_owner(const Event& event, Nanos length) {
    const ProcessId process = canonical(event.process);
    const Timestamp begin = event.at - length;
    for (const Open& open : lingering_)
        if (open.thread == event.thread && open.process == process && begin >= open.start && begin < open.answered)
            return open.serial;
    return 0;
}

Serving::Serial Trees::owner_of(const Event& event, Nanos length) {
    if (open_.empty() && lingering_.empty()) return 0;
    Event deed = event;
    if (deed.thread == ThreadId{}) deed.thread = ThreadId(deed.process.pid);
    if (!lingering_.empty() && std::holds_alternative<CallDone>(event.body))
        if (const Serving::Serial serial = lingering_owner(deed, length); serial != 0) return serial;
    if (open_.empty()) return 0;
    const Serving::Serial serial = serving_.owner_of(deed);
    if (serial == 0) {
        for (const Serving::Serial one : serving_.among())
            if (const auto open = by_serial_.find(one); open != by_serial_.end()) ++open->second->ambiguous;
        return 0;
    }
    const auto open = by_serial_.find(serial);
    return open != by_serial_.end() && event.at - length >= open->second->start ? serial : 0;
}

// --- deeds --------------------------------------------------------------------------------------------

void Trees::on(const Event& event, const CallDone& what) {
    ++calls_;
    if (!lingering_.empty()) {  // it encloses what an invocation has: that is the invocation's
        const ProcessId process = canonical(event.process);
        const Timestamp entered = event.at - what.duration - what.bias;
        let_go([&](const Open& open) {
            return open.thread == event.thread && open.process == process && entered < open.start;
        });
    }
    // Python's calls and native ones on the same thread nest by time, not by depth.
    const auto function = static_cast<std::size_t>(what.function);
    const bool native = function < is_native_.size() && is_native_[function];
    const auto group = static_cast<std::uint8_t>(2 * static_cast<unsigned>(event.by) + (native ? 1 : 0));
    const DeedId deed = forest_.intern({.kind = DeedKind::call, .function = what.function});
    const Nanos self = thread(event).stack.call(deed, what, event.at, group, owner_of(event, what.duration));
    functions_.add(event.by, what, self);
}

void Trees::on(const Event& event, const IoDone& what) {
    const bool failed = failed_io(what);
    const bool moves = what.op == IoOp::send || what.op == IoOp::receive || what.op == IoOp::read ||
                       what.op == IoOp::write || what.op == IoOp::map_file;
    const DeedId deed = forest_.intern({.kind = DeedKind::io,
                                        .code = static_cast<std::uint8_t>(what.op),
                                        .text = what.path,
                                        .peer = sums_.peer_of(what)});
    // What was waited for before the call is beneath whoever waited, as a wait.
    const Nanos took = what.latency - what.waited;
    thread(event).stack.leaf(deed,
                             {.count = 1,
                              .failures = failed ? 1u : 0u,
                              .bytes = moves && what.result > 0 ? static_cast<std::uint64_t>(what.result) : 0,
                              .total = took,
                              .slowest = took,
                              .first = event.at - took},
                             event.at, ThreadStack::Takes::waits, owner_of(event, took));
}

void Trees::on(const Event& event, const HttpDone& what) {
    const DeedId deed = forest_.intern({.kind = DeedKind::http,
                                        .code = static_cast<std::uint8_t>(what.side),
                                        .tls = what.tls,
                                        .status = what.status,
                                        .text = what.path,
                                        .host = what.host,
                                        .method = what.method,
                                        .peer = sums_.peer_of(what)});
    thread(event).stack.leaf(deed,
                             {.count = 1,
                              .failures = what.status == 0 || what.status >= 400 ? 1u : 0u,
                              .bytes = what.request_bytes + what.response_bytes,
                              .total = what.duration,
                              .slowest = what.duration,
                              .first = event.at - what.duration},
                             event.at, ThreadStack::Takes::nothing, owner_of(event, what.duration));
}

void Trees::on(const Event& event, const OffCpu& what) {
    const DeedId deed =
        forest_.intern({.kind = DeedKind::wait, .code = static_cast<std::uint8_t>(what.cause)});
    thread(event).stack.leaf(
        deed,
        {.count = 1, .total = what.duration, .slowest = what.duration, .first = event.at - what.duration},
        event.at, ThreadStack::Takes::nothing, owner_of(event, what.duration));
}

void Trees::on(const Event& event, const SyscallDone& what) {
    const DeedId deed = forest_.intern({.kind = DeedKind::syscall, .number = what.number});
    thread(event).stack.leaf(deed,
                             {.count = 1,
                              .failures = what.result < 0 && what.result >= -4095 ? 1u : 0u,
                              .total = what.latency,
                              .slowest = what.latency,
                              .first = event.at - what.latency},
                             event.at, ThreadStack::Takes::nothing, owner_of(event, what.latency));
}

void Trees::on(const Event& event, const Fault& what) {
    const DeedId deed =
        forest_.intern({.kind = DeedKind::fault, .code = what.major ? std::uint8_t{1} : std::uint8_t{0}});
    thread(event).stack.leaf(deed, {.count = 1, .first = event.at}, event.at, ThreadStack::Takes::nothing,
                             owner_of(event, Nanos(0)));
}

void Trees::on(const Event& event, const VariableSeen& what) {
    const DeedId deed =
        forest_.intern({.kind = DeedKind::variable, .text = what.expression, .host = what.value});
    thread(event).stack.leaf(deed, {.count = 1, .first = event.at}, event.at, ThreadStack::Takes::nothing,
                             owner_of(event, Nanos(0)));
}

// --- the end ------------------------------------------------------------------------------------------

void Trees::close() {
    Timestamp last;
    for (const Thread& thread : threads_) last = std::max(last, thread.used);
    let_go([](const Open&) { return true; });
    end_all(last, [](const Open&) { return true; });
    for (Thread& thread : threads_) settle(thread);
    for (const auto& [id, process] : processes_)
        if (process.root != kNoNode) functions_.add_tree(forest_, process.root);
    for (const Finished& invocation : finished_) functions_.add_tree(forest_, invocation.root);
}

void Trees::fill(Trace& trace, const std::vector<Invocation>& records, const Tables& tables) const {
    std::unordered_map<std::string_view, const Invocation*> by_id;
    for (const Invocation& record : records) by_id.emplace(record.id.view(), &record);
    for (const Finished& done : finished_) {
        TracedInvocation& told = trace.invocations.emplace_back();
        if (const auto record = by_id.find(done.id.view()); record != by_id.end())
            told.record = *record->second;
        told.record.id = done.id;
        told.record.process = done.process;
        if (told.record.end < done.end && done.merged == 1)
            told.record.start = done.start, told.record.end = done.end;
        told.record.duration = told.record.end - told.record.start;
        if (told.record.function.name.empty())
            told.record.function = {options_.provider, std::string(tables.strings[done.function])};
        told.ambiguous = done.ambiguous;
        told.merged = done.merged;
        told.tree = forest_.export_children(done.root, trace.nodes);
    }
    std::stable_sort(trace.invocations.begin(), trace.invocations.end(),
                     [](const auto& a, const auto& b) { return a.record.start < b.record.start; });
    for (const auto& [id, process] : processes_) {
        TracedProcess& told = trace.processes.emplace_back(process.told);
        if (process.root != kNoNode) told.tree = forest_.export_children(process.root, trace.nodes);
    }
    std::stable_sort(trace.processes.begin(), trace.processes.end(), [](const auto& a, const auto& b) {
        const auto start = [](const TracedProcess& p) { return p.started.value_or(Timestamp::min()); };
        return start(a) != start(b) ? start(a) < start(b) : a.id < b.id;
    });
    trace.folded = forest_.folded();
}

}  // namespace autotune::analysis
