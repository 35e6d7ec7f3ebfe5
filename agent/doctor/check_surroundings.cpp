#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "agent/doctor/checks.hpp"
#include "os/cgroup_layout.hpp"
#include "os/file.hpp"

namespace autotune::doctor {

namespace {

constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO of the kernel

bool may_write(const std::filesystem::path& path) { return access(path.c_str(), W_OK) == 0; }

bool exists(const char* path) { return access(path, F_OK) == 0; }

Check cgroups_check(const Result<CgroupLayout>& layout) {
    if (layout) return {.name = "cgroups", .required = true, .detail = to_string(*layout)};
    return {
        .name = "cgroups",
        .health = Health::missing,
        .required = true,
        .detail = layout.error().message,
        .remedy = "mount -t cgroup2 none /sys/fs/cgroup/unified (an id for each cgroup comes from there)"};
}

// Can groups with limits be made? The embedded host needs it, watching does not.
Check delegation_check(const CgroupLayout& layout) {
    Check check{.name = "sandboxes",
                .detail = "groups with a memory limit can be made: the embedded host works"};
    const auto& memory = layout[Controller::memory];
    if (memory.version == CgroupVersion::none) {
        check.health = Health::degraded;
        check.detail = "no memory controller: the embedded host cannot limit its functions";
        check.remedy = "boot with cgroup_enable=memory; in a container, mount the cgroups writable";
    } else if (!may_write(memory.mount) || !may_write(layout.unified)) {
        check.health = Health::degraded;
        check.detail = "cgroups are not writable for this user: the embedded host cannot start";
        check.remedy = "run as root, or delegate a subtree (systemd: Delegate=yes)";
    } else if (memory.version == CgroupVersion::v2 && !may_write(memory.mount / "cgroup.subtree_control")) {
        check.health = Health::degraded;
        check.detail = "the memory controller cannot be passed down to new groups";
        check.remedy = "delegate a subtree (systemd: Delegate=yes)";
    }
    return check;
}

Check container_check() {
    struct stat pid_namespace {};
    const bool known = stat("/proc/self/ns/pid", &pid_namespace) == 0;
    Check check{.name = "container", .detail = "not in a container"};
    const bool hinted = exists("/.dockerenv") || exists("/run/.containerenv");
    if (known && pid_namespace.st_ino != kFirstPidNamespace) {
        check.health = Health::degraded;
        check.detail = "in a pid namespace of its own: the kernel's process ids are not the ones seen here";
        check.remedy = "run in the host's pid namespace (docker: --pid=host; Kubernetes: hostPID: true)";
    } else if (hinted) {
        check.detail = "in a container, in the host's pid namespace";
    }
    return check;
}

Check tracefs_check() {
    const bool mounted = exists("/sys/kernel/tracing/events") || exists("/sys/kernel/debug/tracing/events");
    return {.name = "tracefs", .detail = mounted ? "mounted; not needed" : "not mounted; not needed"};
}

}  // namespace

std::vector<Check> check_surroundings() {
    const auto layout = detect_cgroup_layout();
    std::vector<Check> checks{cgroups_check(layout)};
    if (layout) checks.push_back(delegation_check(*layout));
    checks.push_back(container_check());
    checks.push_back(tracefs_check());
    return checks;
}

}  // namespace autotune::doctor
