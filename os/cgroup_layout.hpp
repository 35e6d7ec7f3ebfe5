// Where this machine keeps its cgroup controllers: each in a v1 hierarchy of its own, all in the
// unified one (v2), or mixed. The unified mount is always needed, with or without controllers: its
// inodes are the ids that eBPF sees, and cgroup.kill and cgroup.freeze work there.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace autotune {

enum class Controller : std::uint8_t { memory, cpu, pids };
inline constexpr std::array kControllers{Controller::memory, Controller::cpu, Controller::pids};
[[nodiscard]] std::string_view to_string(Controller c);

enum class CgroupVersion : std::uint8_t { none, v1, v2 };

struct CgroupLayout {
    struct Hierarchy {
        CgroupVersion version = CgroupVersion::none;
        std::filesystem::path mount;  // v2: the unified mount
    };
    std::filesystem::path unified;
    std::array<Hierarchy, kControllers.size()> controllers;

    [[nodiscard]] const Hierarchy& operator[](Controller c) const {
        return controllers[static_cast<std::size_t>(c)];
    }
    [[nodiscard]] Hierarchy& operator[](Controller c) { return controllers[static_cast<std::size_t>(c)]; }
};

// From the text of /proc/PID/mountinfo and the v2 root's cgroup.controllers file, which is looked for
// below the mount points that the text names. Errors: unsupported when there is no cgroup2 mount.
[[nodiscard]] Result<CgroupLayout> parse_cgroup_layout(std::string_view mountinfo);

// This process's view.
[[nodiscard]] Result<CgroupLayout> detect_cgroup_layout();

// "memory v1 at /sys/fs/cgroup/memory, cpu …, ids by /sys/fs/cgroup/unified"
[[nodiscard]] std::string to_string(const CgroupLayout& layout);

}  // namespace autotune
