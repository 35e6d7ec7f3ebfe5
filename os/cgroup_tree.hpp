// CgroupTree: all groups of one host process, `<prefix>/<pid>/<name>` in every hierarchy.
//
// A lock (flock) on the v2 directory says that its owner lives; it goes with the owner, however that
// ends. Opening a tree first removes the trees of owners who are gone, processes included.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "os/cgroup.hpp"
#include "os/cgroup_layout.hpp"
#include "os/fd.hpp"

namespace autotune {

class CgroupTree {
public:
    // Where v2 holds controllers it passes them down to the tree; when this very process is what
    // forbids that (it sits alone in an inner group, as a delegated systemd service does) it moves
    // itself to a leaf beside the tree. Errors: permission_denied, unsupported (no memory controller),
    // conflict (foreign processes in an inner group).
    static Result<CgroupTree> open(CgroupLayout layout, std::filesystem::path prefix = "autotune");
    ~CgroupTree();  // kills and removes what is left
    CgroupTree(CgroupTree&&) noexcept = default;

    // A new group `name` ([A-Za-z0-9_-]) with the tree as its parent. REQUIRES: the tree outlives it.
    [[nodiscard]] Result<Cgroup> create(std::string_view name) const;
    [[nodiscard]] const Cgroup& root() const { return *root_; }
    [[nodiscard]] Cgroup& root() { return *root_; }
    [[nodiscard]] const CgroupLayout& layout() const { return layout_; }

private:
    CgroupTree() = default;

    CgroupLayout layout_;
    std::unique_ptr<Cgroup> root_;
    Fd lock_;
};

// Kills all processes below the relative path and removes its directories in all hierarchies.
[[nodiscard]] Status remove_cgroup_subtree(const CgroupLayout& layout, const std::filesystem::path& path);

}  // namespace autotune
