#include "agent/bpf/cgroup_scope.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace autotune {
namespace {

Result<CgroupId> id_of(const std::filesystem::path& directory) {
    struct stat status {};
    if (stat(directory.c_str(), &status) != 0)
        return unexpected(errno_error("cgroup " + directory.string(), errno));
    return CgroupId(status.st_ino);
}

}  // namespace

Result<CgroupScope> find_cgroups(const std::filesystem::path& mount, std::span<const std::string> paths) {
    CgroupScope scope;
    for (const std::string& path : paths) {
        const std::filesystem::path root = mount / std::filesystem::path(path).relative_path();
        const auto id = id_of(root);
        if (!id) return id.forward();
        scope.roots.push_back(*id);
        scope.subtree.push_back(*id);
        // Directories come and go while we look: what cannot be read is not there.
        std::error_code error;
        for (std::filesystem::recursive_directory_iterator it(root, error), end; !error && it != end;
             it.increment(error)) {
            std::error_code ignored;
            if (!it->is_directory(ignored)) continue;
            if (const auto below = id_of(it->path())) scope.subtree.push_back(*below);
        }
    }
    return scope;
}

}  // namespace autotune
