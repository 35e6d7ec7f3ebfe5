// Many uprobes in one link (uprobe_multi, Linux 6.6; uprobe.session, 6.13): BPF_LINK_CREATE by hand, for libbpf 1.1
// has no call for it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "agent/bpf/libbpf_log.hpp"
#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune {

// Attach types of linux/bpf.h since 6.6 and 6.13; the headers we build with may be older.
inline constexpr std::uint32_t kUprobeMulti = 48;
inline constexpr std::uint32_t kUprobeSession = 57;

enum class UprobeAt : std::uint8_t { entry, function_return };

struct UprobeLink {
    int program = -1;
    std::uint32_t attach_type = kUprobeMulti;
    UprobeAt at = UprobeAt::entry;
    std::string path;
    std::span<const std::uint64_t> offsets;  // in the file
    std::span<const std::uint64_t> cookies;  // one for each
};

// Why the kernel did not take them: an instruction that it takes no probe on, permissions, or what `log` says.
[[nodiscard]] Error refused_uprobes(const std::string& path, std::size_t count, int errno_value, const LibbpfLog& log);

// The probes are there as long as the descriptor is open.
[[nodiscard]] Result<Fd> link_uprobes(const UprobeLink& link);

}  // namespace autotune
