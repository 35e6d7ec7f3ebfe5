// Deaths: processes that are being killed, as far as the kernel side has told of them.
//
// A process is told piece by piece: that it dies, its open files, the memory that its code is named by, its threads with
// their stacks, that it is over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "agent/black_box/box_records.hpp"
#include "agent/black_box/recorded_memory.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace autotune::black_box {

struct Death {
    at_box_dying dying{};
    OpenFiles files;
    std::vector<ThreadState> threads;
    RecordedMemory memory;
    std::size_t stack_bytes = 0;
    std::uint64_t left_out = 0;  // threads, and functions' memory
    bool over = false;
};

[[nodiscard]] inline ProcessId process_of(const at_box_head& head) { return {static_cast<std::int32_t>(head.pid), head.start_ns}; }
[[nodiscard]] inline Timestamp time_of(const at_box_head& head) { return from_ns(static_cast<std::int64_t>(head.at_ns)); }

// One thread. Memory: 32 MiB of stacks and of functions' memory at most, and the stacks of the threads that may be the culprit.
class Deaths {
public:
    // What was told; pieces of a process that nobody said is dying are passed over.
    void take(at_box_dying&& dying);
    void take(OpenFiles&& files);
    void take(CodeMemory&& memory);
    // False: the thread was left out, for want of room.
    [[nodiscard]] bool take(ThreadState&& thread);
    void is_over(std::int32_t pid);

    [[nodiscard]] bool empty() const { return deaths_.empty(); }
    [[nodiscard]] bool contains(std::int32_t pid) const { return deaths_.contains(pid); }
    // Gives away those that are over, or of which nothing more is expected by now.
    void finish(Timestamp now, const std::function<void(const Death&)>& write_down);

private:
    Death* find(const at_box_head& head);

    std::unordered_map<std::int32_t, Death> deaths_;  // by pid
    std::size_t stack_bytes_ = 0;                     // of all
};

}  // namespace autotune::black_box
