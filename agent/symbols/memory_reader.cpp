#include "agent/symbols/memory_reader.hpp"

#include <sys/uio.h>

namespace autotune::symbols {

ReadMemory memory_of(std::int32_t pid) {
    return [pid](std::uint64_t address, void* to, std::size_t size) {
        iovec here{to, size};
        iovec there{reinterpret_cast<void*>(address), size};
        return process_vm_readv(pid, &here, 1, &there, 1, 0) == static_cast<ssize_t>(size);
    };
}

}  // namespace autotune::symbols
