// Tasks: the threads and processes that are traced, by number. The tracing thread's own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <unordered_map>
#include <utility>

#include "agent/ptrace/tracee.hpp"

namespace autotune::ptrace {

class Tasks {
public:
    [[nodiscard]] Thread* thread(pid_t tid) {
        const auto it = threads_.find(tid);
        return it == threads_.end() ? nullptr : &it->second;
    }
    [[nodiscard]] std::shared_ptr<Process> process(pid_t pid) {
        const auto it = processes_.find(pid);
        return it == processes_.end() ? nullptr : it->second;
    }
    // REQUIRES: it is not known. The reference is good until the thread is removed.
    Thread& add(Thread thread) {
        ++thread.process->threads;
        processes_.emplace(thread.process->pid, thread.process);
        return threads_.emplace(thread.tid, std::move(thread)).first->second;
    }
    void remove(pid_t tid) {
        const auto it = threads_.find(tid);
        if (it == threads_.end()) return;
        Process& process = *it->second.process;
        --process.threads;
        if (process.leaving > 0) --process.leaving;
        threads_.erase(it);
    }
    void remove_process(pid_t pid) {
        std::erase_if(threads_, [pid](const auto& entry) { return entry.second.process->pid == pid; });
        processes_.erase(pid);
    }
    // An exec leaves one thread, which takes the process's number.
    void keep_only(pid_t tid, pid_t pid) {
        auto survivor = threads_.extract(tid);
        std::erase_if(threads_, [pid](const auto& entry) { return entry.second.process->pid == pid; });
        if (survivor.empty()) return;
        survivor.key() = pid;
        survivor.mapped().tid = pid;
        survivor.mapped().process->threads = 1;
        survivor.mapped().process->leaving = 0;
        threads_.insert(std::move(survivor));
    }

    [[nodiscard]] auto& threads() { return threads_; }
    [[nodiscard]] const auto& threads() const { return threads_; }
    [[nodiscard]] const auto& processes() const { return processes_; }
    [[nodiscard]] bool empty() const { return threads_.empty(); }

private:
    std::unordered_map<pid_t, Thread> threads_;
    std::unordered_map<pid_t, std::shared_ptr<Process>> processes_;
};

}  // namespace autotune::ptrace
