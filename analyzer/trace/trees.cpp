#include "analyzer/trace/trees.hpp"

#include <algorithm>
#include <variant>

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostThreads = 4'096;    // with something put aside
constexpr std::size_t kMostThreadNodes = 256;  // of one process
constexpr std::uint64_t kClockTick = 20'000'000;  // two of 100 Hz, in ns

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
    const Forest::NodeId node = forest_.child_of(owner.root, forest_.intern(deed_of(id)));
    ++owner.threads;
    thread.stack.give_all(node);
}

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
