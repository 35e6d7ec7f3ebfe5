#include "analyzer/sandboxes.hpp"

#include <algorithm>

namespace autotune::analysis {

namespace {

constexpr int kDeepest = 16;
// Cgroup ids are inode numbers and stay below this.
constexpr std::uint64_t kByProcess = std::uint64_t{1} << 63;

const Identity* identity_of(const Sandbox& sandbox, const ProcessId& root, const ProcessId& speaker) {
    for (const ProcessId& who : {root, speaker})
        for (auto i = sandbox.identities.rbegin(); i != sandbox.identities.rend(); ++i)
            if (same_process(i->process, who)) return &*i;
    return sandbox.identities.empty() ? nullptr : &sandbox.identities.back();
}

}  // namespace

std::uint64_t Sandboxes::key_of(CgroupId cgroup, const ProcessId& process) const {
    if (cgroup != CgroupId{}) return static_cast<std::uint64_t>(cgroup);
    return kByProcess | static_cast<std::uint32_t>(processes_.root_of(process).pid);
}

std::uint64_t Sandboxes::key_of(const Event& event) const { return key_of(event.cgroup, event.process); }

Sandbox* Sandboxes::find_key(std::uint64_t key) {
    if (last_ != nullptr && key == last_key_) return last_;
    const auto found = sandboxes_.find(key);
    if (found == sandboxes_.end()) return nullptr;
    last_key_ = key;
    return last_ = &found->second;
}

Sandbox* Sandboxes::find(const Event& event) { return find_key(key_of(event)); }

Sandbox& Sandboxes::at(const Event& event) {
    Sandbox& sandbox = sandboxes_[key_of(event)];
    sandbox.last_seen = std::max(sandbox.last_seen, event.at);
    return sandbox;
}

Owner Sandboxes::among(Sandbox& sandbox, const ProcessId& process) const {
    if (sandbox.executors.size() == 1) return {sandbox.executors.front().get(), false};
    for (const auto& executor : sandbox.executors)
        if (processes_.descends_from(process, executor->root)) return {executor.get(), false};
    return {nullptr, true};
}

Sandbox* Sandboxes::enclosing(const ProcessId& process) {
    ProcessId current = process;
    for (int depth = 0; depth < kDeepest; ++depth) {
        const ProcessEntry* entry = processes_.find(current);
        if (entry == nullptr) return nullptr;
        Sandbox* sandbox = find_key(key_of(entry->cgroup, entry->id));
        if (sandbox != nullptr && !sandbox->executors.empty()) return sandbox;
        current = {entry->parent_pid, 0};
    }
    return nullptr;
}

Owner Sandboxes::owner_of(const Event& event) {
    Sandbox* sandbox = find(event);
    if (sandbox == nullptr || sandbox->executors.empty()) sandbox = enclosing(event.process);
    return sandbox != nullptr ? among(*sandbox, event.process) : Owner{};
}

Executor& Sandboxes::speaker(const Event& event) {
    Sandbox& sandbox = at(event);
    const ProcessId root = processes_.root_of(event.process);
    for (const auto& executor : sandbox.executors)
        if (same_process(executor->root, root)) return *executor;
    auto& made = sandbox.executors.emplace_back(std::make_unique<Executor>());
    made->root = root;
    if (sandbox.executors.size() > 1)
        for (const auto& executor : sandbox.executors) executor->shares_cgroup = true;
    if (const Identity* who = identity_of(sandbox, root, event.process)) made->identity = *who;
    if (const ProcessEntry* process = processes_.find(root)) made->started = process->started;
    return *made;
}

void Sandboxes::erase(Sandbox& sandbox, const Executor& executor) {
    std::erase_if(sandbox.executors, [&](const auto& e) { return e.get() == &executor; });
}

void Sandboxes::sweep(Timestamp before) {
    std::erase_if(sandboxes_, [&](const auto& item) {
        return item.second.executors.empty() && item.second.last_seen < before;
    });
    last_ = nullptr;
}

}  // namespace autotune::analysis
