// Trees, the part about processes and invocations: when they begin and end, and whose a deed is.
#include <algorithm>
#include <iterator>

#include "analyzer/trace/trees.hpp"

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostOpen = 10'000;
constexpr std::size_t kMostLingering = 64;

}  // namespace

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
        const Deed owner = deed_of(is_shared ? ThreadId{} : thread.id);
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

}  // namespace autotune::analysis
