#include "os/cgroup_tree.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <vector>

#include "os/file.hpp"

namespace autotune {
namespace {

namespace fs = std::filesystem;

Fd open_directory(const fs::path& path) {
    return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::vector<fs::path> mounts(const CgroupLayout& layout) {
    std::vector<fs::path> all{layout.unified};
    for (const auto& hierarchy : layout.controllers) {
        if (hierarchy.version == CgroupVersion::v1 &&
            std::find(all.begin(), all.end(), hierarchy.mount) == all.end()) {
            all.push_back(hierarchy.mount);
        }
    }
    return all;
}

std::vector<std::string> children(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator i(directory, error), end; !error && i != end; i.increment(error)) {
        if (i->is_directory(error)) names.push_back(i->path().filename());
    }
    return names;
}

Status remove_below(const CgroupLayout& layout, const fs::path& path) {
    for (const fs::path& mount : mounts(layout)) {
        for (const std::string& name : children(mount / path)) {
            if (Status removed = remove_below(layout, path / name); !removed) return removed;
        }
    }
    Result<Cgroup> group = Cgroup::create(layout, path);
    if (!group) return group.forward();
    if (Status killed = group->kill_all(); !killed) return killed;
    const timespec moment{.tv_sec = 0, .tv_nsec = 2'000'000};
    Status removed = group->remove();
    for (int attempt = 0; !removed && removed.error().code == Errc::conflict && attempt < 1000; ++attempt) {
        ::nanosleep(&moment, nullptr);
        removed = group->remove();
    }
    return removed;
}

// Takes the lock that tells that a tree's owner lives. Not valid when somebody else holds it, or the
// directory was removed between opening and locking.
Fd try_lock(const fs::path& directory) {
    Fd fd = open_directory(directory);
    struct stat opened {
    }, current{};
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(fd.get(), &opened) != 0 ||
        ::stat(directory.c_str(), &current) != 0 || opened.st_ino != current.st_ino) {
        return Fd();
    }
    return fd;
}

// Trees may be left in a v1 hierarchy only, when a removal was interrupted: then nobody holds a lock.
void remove_stale(const CgroupLayout& layout, const fs::path& prefix) {
    for (const fs::path& mount : mounts(layout)) {
        for (const std::string& name : children(mount / prefix)) {
            if (!std::all_of(name.begin(), name.end(),
                             [](char c) { return (c >= '0' && c <= '9') || c == '-'; })) {
                continue;
            }
            const fs::path owner = layout.unified / prefix / name;
            std::error_code error;
            const Fd lock = try_lock(owner);
            if (lock || !fs::exists(owner, error)) (void)remove_below(layout, prefix / name);
        }
    }
}

// A v2 group with processes of its own may not pass controllers down. When the only process is this
// one, it steps aside into a leaf.
Status step_aside(const fs::path& group, const std::string& leaf_name) {
    const Result<std::string> inside = read_file(group / "cgroup.procs");
    if (!inside) return inside.forward();
    if (*inside != std::to_string(::getpid()) + "\n") {
        return fail(Errc::conflict,
                    group.string() +
                        " holds other processes, so the kernel lets it pass no controllers down; "
                        "start in a group of its own (systemd: Delegate=yes)");
    }
    const fs::path leaf = group / leaf_name;
    if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) {
        return unexpected(errno_error("creating " + leaf.string(), errno));
    }
    return write_file(leaf / "cgroup.procs", "0");
}

Status pass_down(const CgroupLayout& layout, const fs::path& group, const std::string& leaf_name) {
    for (const Controller c : kControllers) {
        if (layout[c].version != CgroupVersion::v2) continue;
        const std::string change = "+" + std::string(to_string(c));
        Status passed = write_file(group / "cgroup.subtree_control", change);
        if (!passed) {  // EBUSY: processes inside
            if (Status aside = step_aside(group, leaf_name); !aside)
                return aside.forward(passed.error().message);
            passed = write_file(group / "cgroup.subtree_control", change);
        }
        if (!passed) return passed;
    }
    return ok();
}

Status make_parents(const CgroupLayout& layout, const fs::path& prefix, const std::string& leaf_name) {
    for (const fs::path& mount : mounts(layout)) {
        std::error_code error;
        fs::create_directories(mount / prefix, error);
        if (error)
            return unexpected(errno_error("creating cgroup " + (mount / prefix).string(), error.value()));
    }
    fs::path group = layout.unified;
    if (Status passed = pass_down(layout, group, leaf_name); !passed) return passed;
    for (const fs::path& part : prefix) {
        group /= part;
        if (Status passed = pass_down(layout, group, leaf_name); !passed) return passed;
    }
    return ok();
}

}  // namespace

Status remove_cgroup_subtree(const CgroupLayout& layout, const fs::path& path) {
    return remove_below(layout, path);
}

Result<CgroupTree> CgroupTree::open(CgroupLayout layout, fs::path prefix) {
    if (layout[Controller::memory].version == CgroupVersion::none) {
        return fail(Errc::unsupported,
                    "no memory controller in any cgroup hierarchy (" + to_string(layout) + ")");
    }
    const std::string pid = std::to_string(::getpid());
    if (Status made = make_parents(layout, prefix, "autotune-host-" + pid); !made) return made.forward();
    remove_stale(layout, prefix);

    CgroupTree tree;
    tree.layout_ = std::move(layout);
    // One name is enough but for several pools in one process, and for the moment in which another
    // host that starts takes the new directory for a stale one.
    for (int attempt = 0; attempt < 100 && !tree.lock_; ++attempt) {
        const fs::path path = prefix / (attempt == 0 ? pid : pid + "-" + std::to_string(attempt));
        const fs::path directory = tree.layout_.unified / path;
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
            return unexpected(errno_error("creating cgroup " + directory.string(), errno));
        }
        tree.lock_ = try_lock(directory);  // only then is it ours to kill
        if (!tree.lock_) continue;
        Result<Cgroup> root = Cgroup::create(tree.layout_, path);
        if (!root) return root.forward();
        tree.root_ = std::make_unique<Cgroup>(std::move(*root));
    }
    if (!tree.lock_)
        return fail(Errc::conflict, "no free cgroup below " + (tree.layout_.unified / prefix).string());
    if (Status passed = pass_down(tree.layout_, tree.root_->unified_path(), ""); !passed)
        return passed.forward();
    return tree;
}

CgroupTree::~CgroupTree() {
    if (root_) (void)remove_below(layout_, root_->path());
}

Result<Cgroup> CgroupTree::create(std::string_view name) const {
    return Cgroup::create(layout_, root_->path() / name);
}

}  // namespace autotune
