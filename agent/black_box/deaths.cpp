#include "agent/black_box/deaths.hpp"

#include <chrono>
#include <utility>

namespace autotune::black_box {

namespace {

constexpr Nanos kLongestDeath = std::chrono::seconds(1);  // then what came of it is all there is
constexpr std::size_t kMostStackBytes = 32u << 20;        // of all threads that are dying, and what names their functions

}  // namespace

Death* Deaths::find(const at_box_head& head) {
    const auto found = deaths_.find(static_cast<std::int32_t>(head.pid));
    return found != deaths_.end() ? &found->second : nullptr;
}

void Deaths::take(at_box_dying&& dying) {
    Death& death = deaths_[static_cast<std::int32_t>(dying.head.pid)];
    stack_bytes_ -= death.stack_bytes;  // of one before it with that pid
    death = {.dying = dying};
}

void Deaths::take(OpenFiles&& files) {
    if (Death* death = find(files.head)) death->files = std::move(files);
}

void Deaths::take(CodeMemory&& memory) {
    Death* death = find(memory.head);
    if (death == nullptr) return;
    std::size_t bytes = 0;
    for (const auto& range : memory.ranges) bytes += range.bytes.size();
    if (stack_bytes_ + bytes > kMostStackBytes) {
        ++death->left_out;
        return;
    }
    stack_bytes_ += bytes;
    death->stack_bytes += bytes;
    for (const auto& range : memory.ranges) death->memory.add(range.address, range.bytes);
}

bool Deaths::take(ThreadState&& thread) {
    Death* death = find(thread.head);
    if (death == nullptr) return true;
    const std::size_t bytes = thread.stack.size() + thread.python.size() * sizeof(at_python_frame);
    const at_box_dying& dying = death->dying;
    const std::uint32_t tid = thread.head.tid;
    const bool may_be_culprit = tid == dying.wanted_by || tid == dying.head.tid || tid == dying.head.pid;
    // Of thousands of threads, those that were first to die are told.
    if (!may_be_culprit && stack_bytes_ + bytes > kMostStackBytes) {
        ++death->left_out;
        return false;
    }
    stack_bytes_ += bytes;
    death->stack_bytes += bytes;
    death->threads.push_back(std::move(thread));
    return true;
}

void Deaths::is_over(std::int32_t pid) {
    if (const auto found = deaths_.find(pid); found != deaths_.end()) found->second.over = true;
}

void Deaths::finish(Timestamp now, const std::function<void(const Death&)>& write_down) {
    for (auto it = deaths_.begin(); it != deaths_.end();) {
        const Death& death = it->second;
        if (!death.over && now - time_of(death.dying.head) <= kLongestDeath) {
            ++it;
            continue;
        }
        write_down(death);
        stack_bytes_ -= death.stack_bytes;
        it = deaths_.erase(it);
    }
}

}  // namespace autotune::black_box
