#include "analyzer/process_table.hpp"

namespace autotune::analysis {

namespace {
constexpr int kDeepest = 64;  // ancestors looked at: a broken chain must end
constexpr std::size_t kMostProcesses = 65'536;
// A process that is told this long after its birth was there before us. Its start is by another clock
// (CLOCK_BOOTTIME), which is ahead by the time the machine was suspended: then some pass for new.
constexpr std::int64_t kNew = 1'000'000'000;

std::int64_t since_boot(std::uint64_t ns) { return static_cast<std::int64_t>(ns); }
}  // namespace

ProcessEntry& ProcessTable::entry(const Event& event) {
    ProcessEntry& known = by_pid_[event.process.pid];
    if (!same_process(known.id, event.process) || known.exited) known = {};  // the pid is used again
    known.id = event.process;
    known.cgroup = event.cgroup;
    return known;
}

void ProcessTable::started(const Event& event, const ProcessStarted& what) {
    ProcessEntry& process = entry(event);
    if (what.parent_pid != 0) process.parent_pid = what.parent_pid;
    if (what.command != StringId{}) process.command = what.command;
    // An exec is told when it happens; what it begins was not there before.
    const bool is_new = what.executable != StringId{} || event.process.start_ns == 0 ||
                        to_ns(event.at) < since_boot(event.process.start_ns) + kNew;
    if (!process.started && is_new) process.started = event.at;
}

void ProcessTable::seen_as_executor(const Event& event) { entry(event).executor_like = true; }

void ProcessTable::exited(const Event& event) {
    const auto found = by_pid_.find(event.process.pid);
    if (found != by_pid_.end() && same_process(found->second.id, event.process))
        found->second.exited = event.at;
}

const ProcessEntry* ProcessTable::find(const ProcessId& id) const {
    const auto found = by_pid_.find(id.pid);
    return found != by_pid_.end() && same_process(found->second.id, id) ? &found->second : nullptr;
}

ProcessId ProcessTable::root_of(const ProcessId& id) const {
    const ProcessEntry* process = find(id);
    if (process == nullptr) return id;
    const CgroupId cgroup = process->cgroup;
    const ProcessEntry* outermost = process;
    const ProcessEntry* executor = process->executor_like ? process : nullptr;
    for (int depth = 0; depth < kDeepest; ++depth) {
        const auto parent = by_pid_.find(outermost->parent_pid);
        if (parent == by_pid_.end() || parent->second.cgroup != cgroup) break;
        outermost = &parent->second;
        if (outermost->executor_like) executor = outermost;
    }
    return executor != nullptr ? executor->id : outermost->id;
}

bool ProcessTable::descends_from(const ProcessId& id, const ProcessId& ancestor) const {
    ProcessId current = id;
    for (int depth = 0; depth < kDeepest; ++depth) {
        if (same_process(current, ancestor)) return true;
        const ProcessEntry* process = find(current);
        if (process == nullptr || process->parent_pid == 0) return false;
        current = {process->parent_pid, 0};
    }
    return false;
}

void ProcessTable::sweep(Timestamp before) {
    std::erase_if(by_pid_,
                  [&](const auto& item) { return item.second.exited && *item.second.exited < before; });
    if (by_pid_.size() <= kMostProcesses) return;
    // Exits were lost: only what started since `before` is surely of use.
    std::erase_if(by_pid_,
                  [&](const auto& item) { return item.second.started.value_or(Timestamp::min()) < before; });
}

}  // namespace autotune::analysis
