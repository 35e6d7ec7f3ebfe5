// Sandboxes: which executor an event belongs to.
//
// By cgroup: exact, with all descendants, as long as one executor lives in it. Where several share a cgroup,
// or there is none (cgroup id 0), by process tree. What fits nowhere is left unjoined, never guessed.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "analyzer/executor.hpp"
#include "analyzer/process_table.hpp"

namespace autotune::analysis {

struct Owner {
    Executor* executor = nullptr;
    bool ambiguous = false;  // the cgroup has executors, but none of them is surely the one
};

class Sandboxes {
public:
    explicit Sandboxes(const ProcessTable& processes) : processes_(processes) {}

    // The sandbox of an event; made when new.
    Sandbox& at(const Event& event);
    // nullptr when there is none.
    Sandbox* find(const Event& event);

    // Whose event is it? Also for events in cgroups nested below a sandbox's.
    Owner owner_of(const Event& event);
    // The executor that `event.process` speaks for; made when new.
    Executor& speaker(const Event& event);
    void erase(Sandbox& sandbox, const Executor& executor);

    // Forgets sandboxes without executor that were last seen before `before`.
    void sweep(Timestamp before);

    template <class Visit>
    void for_each_executor(Visit&& visit) {
        for (auto& [key, sandbox] : sandboxes_)
            for (auto& executor : sandbox.executors) visit(*executor, sandbox);
    }

private:
    [[nodiscard]] std::uint64_t key_of(const Event& event) const;
    [[nodiscard]] std::uint64_t key_of(CgroupId cgroup, const ProcessId& process) const;
    Sandbox* find_key(std::uint64_t key);
    Sandbox* enclosing(const ProcessId& process);
    Owner among(Sandbox& sandbox, const ProcessId& process) const;

    const ProcessTable& processes_;
    std::unordered_map<std::uint64_t, Sandbox> sandboxes_;
    std::uint64_t last_key_ = 0;  // events come in runs of one cgroup
    Sandbox* last_ = nullptr;
};

}  // namespace autotune::analysis
