// Names for the things that events talk about. All are values: copy, compare, hash.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "core/fixed_string.hpp"

namespace autotune {

// A process, for ever: pids are used again, {pid, start time} are not.
struct ProcessId {
    std::int32_t pid = 0;              // thread-group id as seen from the host's pid namespace
    std::uint64_t start_ns = 0;        // CLOCK_BOOTTIME ns at fork; 0 = not known
    auto operator<=>(const ProcessId&) const = default;
};

// Kernel thread id in the host's pid namespace.
enum class ThreadId : std::int32_t {};

// What BPF calls the cgroup id: the inode of the cgroup-v2 directory, also where controllers are v1.
enum class CgroupId : std::uint64_t {};

// Index into a StringTable. 0 is always "".
enum class StringId : std::uint32_t {};

// Index into a FrameTable / StackTable. 0 is always the unknown frame / the empty stack.
enum class FrameId : std::uint32_t {};
enum class StackId : std::uint32_t {};

// The platform's own id of one invocation (Lambda: a UUID; OpenWhisk: 32 hex digits).
using InvocationId = FixedString<40>;

// A function on a platform. `name` is unique within `provider`.
struct FunctionRef {
    std::string provider;  // "aws-lambda" also for the embedded host, which speaks its API
    std::string name;
    auto operator<=>(const FunctionRef&) const = default;
};

}  // namespace autotune

template <>
struct std::hash<autotune::ProcessId> {
    std::size_t operator()(const autotune::ProcessId& id) const noexcept {
        return std::hash<std::uint64_t>()(id.start_ns * 31 + static_cast<std::uint32_t>(id.pid));
    }
};
template <>
struct std::hash<autotune::FunctionRef> {
    std::size_t operator()(const autotune::FunctionRef& f) const noexcept {
        return std::hash<std::string>()(f.provider) * 31 + std::hash<std::string>()(f.name);
    }
};
