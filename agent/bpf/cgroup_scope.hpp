// From the paths of a Detail to cgroup ids: the roots, and all there is below them now.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/result.hpp"

namespace autotune {

struct CgroupScope {
    std::vector<CgroupId> roots;
    std::vector<CgroupId> subtree;  // roots included
};

// `paths` are below `mount`, the cgroup2 mount point. Errors: not_found with the path.
[[nodiscard]] Result<CgroupScope> find_cgroups(const std::filesystem::path& mount,
                                               std::span<const std::string> paths);

}  // namespace autotune
