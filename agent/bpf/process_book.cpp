#include "agent/bpf/process_book.hpp"

#include <algorithm>

namespace autotune {

KnownProcess& ProcessBook::open(const at_header& header) {
    if (KnownProcess* known = find(header)) {
        known->cgroup = CgroupId(header.cgroup);
        return *known;
    }
    if (processes_.size() >= kCapacity) {
        processes_.clear();
        sandboxes_.clear();
    }
    KnownProcess& fresh = processes_[header.tgid];
    fresh = KnownProcess{};
    fresh.id = {header.tgid, header.start_ns};
    fresh.cgroup = CgroupId(header.cgroup);
    return fresh;
}

KnownProcess* ProcessBook::find(const at_header& header) {
    KnownProcess* known = find_pid(header.tgid);
    return known && known->id.start_ns == header.start_ns ? known : nullptr;
}

KnownProcess* ProcessBook::find_pid(std::int32_t pid) {
    const auto it = processes_.find(pid);
    return it == processes_.end() ? nullptr : &it->second;
}

bool ProcessBook::close(const at_header& header) {
    const ProcessId id{header.tgid, header.start_ns};
    if (std::ranges::find(ended_, id) != ended_.end()) return false;
    ended_.push_back(id);
    if (ended_.size() > 64) ended_.pop_front();
    if (const KnownProcess* known = find(header)) {
        if (owns_sandbox(*known)) sandboxes_.erase(known->cgroup);
        processes_.erase(header.tgid);
    }
    return true;
}

void ProcessBook::forget_names() {
    for (auto& [pid, process] : processes_) {
        process.files.clear();
        process.mappings.clear();
    }
}

void ProcessBook::forget_conversations() {
    for (auto& [pid, process] : processes_) {
        process.http.clear();
        process.tls.clear();
    }
}

bool ProcessBook::claim_sandbox(const KnownProcess& process) {
    Sandbox& sandbox = sandboxes_[process.cgroup];
    if (sandbox.executor.pid != 0 && sandbox.executor != process.id) return false;
    sandbox.executor = process.id;
    return true;
}

bool ProcessBook::owns_sandbox(const KnownProcess& process) const {
    const auto it = sandboxes_.find(process.cgroup);
    return it != sandboxes_.end() && it->second.executor == process.id;
}

bool ProcessBook::descends(const KnownProcess& process, std::int32_t ancestor) {
    const KnownProcess* at = &process;
    for (int generation = 0; at != nullptr && generation < 64; ++generation) {
        if (at->parent == ancestor) return true;
        at = find_pid(at->parent);
    }
    return false;
}

std::vector<ProcessBook::SharedSandbox> ProcessBook::shared_sandboxes() {
    std::unordered_map<CgroupId, SharedSandbox> found;
    for (const auto& [pid, process] : processes_) {
        const auto sandbox = sandboxes_.find(process.cgroup);
        if (sandbox == sandboxes_.end() || sandbox->second.executor == process.id) continue;
        const KnownProcess* executor = find_pid(sandbox->second.executor.pid);
        if (executor == nullptr || executor->id != sandbox->second.executor) continue;
        if (descends(process, executor->id.pid) || descends(*executor, pid)) continue;
        SharedSandbox& shared = found[process.cgroup];
        shared.executor = executor->id;
        ++shared.strangers;
    }
    std::vector<SharedSandbox> all;
    for (const auto& [cgroup, shared] : found) all.push_back(shared);
    return all;
}

bool ProcessBook::was_ready(CgroupId cgroup) const {
    const auto it = sandboxes_.find(cgroup);
    return it != sandboxes_.end() && it->second.is_ready;
}

void ProcessBook::hear(CgroupId cgroup, Boundary boundary) {
    Boundary& first = sandboxes_[cgroup].boundary;
    first = std::min(first, boundary);
}

Boundary ProcessBook::boundary(CgroupId cgroup) const {
    const auto it = sandboxes_.find(cgroup);
    return it == sandboxes_.end() ? Boundary::http : it->second.boundary;
}

}  // namespace autotune
