#include "agent/bpf/uprobe_link.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace autotune {
namespace {

struct LinkCreateUprobes {
    std::uint32_t program = 0;
    std::uint32_t target = 0;
    std::uint32_t attach_type = 0;
    std::uint32_t flags = 0;
    std::uint64_t path = 0;
    std::uint64_t offsets = 0;
    std::uint64_t reference_counters = 0;
    std::uint64_t cookies = 0;
    std::uint32_t count = 0;
    std::uint32_t probe_flags = 0;
    std::uint32_t pid = 0;
    std::uint32_t padding = 0;
};
static_assert(sizeof(LinkCreateUprobes) == 64);

template <typename T>
std::uint64_t address(const T* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

}  // namespace

Error refused_uprobes(const std::string& path, std::size_t count, int errno_value, const LibbpfLog& log) {
    constexpr int kNotSupported = 524;  // the kernel's own ENOTSUPP, not in errno.h
    const std::string doing = "probing " + std::to_string(count) + " places of " + path;
    if (errno_value == kNotSupported || errno_value == ENOEXEC)
        return {Errc::unsupported, doing + ": the kernel takes no probe on an instruction there"};
    return log.explain(doing, errno_value);
}

Result<Fd> link_uprobes(const UprobeLink& link) {
    constexpr std::uint32_t kAtReturn = 1;
    const LinkCreateUprobes wish{.program = static_cast<std::uint32_t>(link.program),
                                 .attach_type = link.attach_type,
                                 .path = address(link.path.c_str()),
                                 .offsets = address(link.offsets.data()),
                                 .cookies = address(link.cookies.data()),
                                 .count = static_cast<std::uint32_t>(link.offsets.size()),
                                 .probe_flags = link.at == UprobeAt::function_return ? kAtReturn : 0};
    Fd made(static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &wish, sizeof wish)));
    if (!made) {
        const int why = errno;
        return unexpected(refused_uprobes(link.path, link.offsets.size(), why, LibbpfLog()));
    }
    return made;
}

}  // namespace autotune
