// ReadMemory: how another process's memory is read; tests give their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>

namespace autotune::symbols {

// Copies `size` bytes at `address` to `to`; false, and nothing to be relied on, when not all of it could
// be read.
using ReadMemory = std::function<bool(std::uint64_t address, void* to, std::size_t size)>;

// process_vm_readv(2) on one process. Needs CAP_SYS_PTRACE for processes of others.
[[nodiscard]] ReadMemory memory_of(std::int32_t pid);

template <class T>
[[nodiscard]] bool read_value(const ReadMemory& read, std::uint64_t address, T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return read(address, &value, sizeof value);
}

}  // namespace autotune::symbols
