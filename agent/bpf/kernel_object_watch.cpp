// KernelObject: what is watched, and what is told of it.
#include <algorithm>
#include <cerrno>
#include <ctime>

#include "agent/bpf/kernel_object_impl.hpp"
#include "bpf/logic/calls.h"

namespace autotune {
namespace {

std::uint64_t monotonic_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace

Status KernelObject::tell(const Telling& what) {
    ::source& s = *impl_->skeleton;
    s.data->at_io_wanted = what.io ? AT_IO_FILES | AT_IO_SOCKETS : 0;
    s.bss->at_io_shed = (what.shed.files ? AT_IO_FILES : 0) | (what.shed.sockets ? AT_IO_SOCKETS : 0);
    s.data->at_told_one_in = std::max<std::uint32_t>(what.shed.told_one_in, 1);
    s.bss->at_waits_wanted = what.waits ? 1 : 0;
    s.bss->at_waits_shed = what.shed.waits ? 1 : 0;
    s.bss->at_every_call = what.syscalls == SyscallDetail::each      ? AT_CALLS_EACH
                           : what.syscalls == SyscallDetail::counted ? AT_CALLS_COUNTED
                                                                     : AT_CALLS_NONE;
    // Nothing but boundaries is left (bpf/parts/only_boundaries.bpf.h): not every call need be looked at.
    impl_->by_socket = impl_->has_socket_ends && what.syscalls == SyscallDetail::none &&
                       (!what.io || (what.shed.files && what.shed.sockets)) && (!what.waits || what.shed.waits);
    impl_->settles_apart = impl_->by_socket && what.shed.causes && can_settle_apart();
    if (auto done = impl_->attach_boundaries(); !done) return done;
    return impl_->attach_switches();
}

Status KernelObject::watch(const Watch& wish) {
    ::source& s = *impl_->skeleton;
    for (const CgroupId root : wish.roots) {
        const auto key = static_cast<std::uint64_t>(root);
        const std::uint32_t on = 1;
        if (const int e = bpf_map__update_elem(s.maps.roots, &key, sizeof key, &on, sizeof on, BPF_ANY);
            e != 0)
            return unexpected(errno_error("noting a cgroup to watch", -e));
    }
    for (const std::uint64_t key : Impl::keys<std::uint64_t>(s.maps.roots))
        if (std::ranges::find(wish.roots, CgroupId(key)) == wish.roots.end())
            bpf_map__delete_elem(s.maps.roots, &key, sizeof key, 0);
    const auto is_wanted = [&](std::uint64_t scope) {
        if ((scope & AT_TREE) != 0)
            return std::ranges::find(wish.processes, static_cast<std::int32_t>(scope & ~AT_TREE)) !=
                   wish.processes.end();
        return !wish.keep || std::ranges::find(*wish.keep, CgroupId(scope)) != wish.keep->end();
    };
    for (const auto pid : watched_processes()) {
        std::uint64_t tree = 0;
        bpf_map__lookup_elem(s.maps.tracked_processes, &pid, sizeof pid, &tree, sizeof tree, 0);
        if (!is_wanted(tree)) forget_process(pid);
    }
    for (const auto scope : Impl::keys<std::uint64_t>(s.maps.tracked_cgroups))
        if (!is_wanted(scope)) bpf_map__delete_elem(s.maps.tracked_cgroups, &scope, sizeof scope, 0);
    for (const std::int32_t pid : wish.new_processes)
        if (auto watched = watch_process(pid); !watched) return watched;
    s.data->at_discover = wish.roots.empty() && wish.processes.empty() ? 1 : 0;
    if (!s.data->at_discover) s.bss->at_watching = 1;
    s.bss->at_by_process = wish.processes.empty() ? 0 : 1;
    s.data->at_generation = s.data->at_generation + 1;  // what was found out under another wish is void
    return ok();
}

Status KernelObject::watch_process(std::int32_t pid) {
    const std::uint64_t tree = AT_TREE | static_cast<std::uint32_t>(pid);
    if (auto watched = watch_cgroup(CgroupId(tree)); !watched) return watched;
    if (const int e = bpf_map__update_elem(impl_->skeleton->maps.tracked_processes, &pid, sizeof pid, &tree,
                                           sizeof tree, BPF_ANY);
        e != 0)
        return unexpected(errno_error("noting a process to watch", -e));
    return ok();
}

std::vector<std::int32_t> KernelObject::watched_processes() const {
    return Impl::keys<std::int32_t>(impl_->skeleton->maps.tracked_processes);
}

bool KernelObject::watches_a_process() const {
    std::int32_t pid = 0;
    return bpf_map__get_next_key(impl_->skeleton->maps.tracked_processes, nullptr, &pid, sizeof pid) == 0;
}

void KernelObject::forget_process(std::int32_t pid) {
    bpf_map__delete_elem(impl_->skeleton->maps.tracked_processes, &pid, sizeof pid, 0);
}

Status KernelObject::watch_cgroup(CgroupId cgroup) {
    impl_->skeleton->bss->at_watching = 1;
    const auto key = static_cast<std::uint64_t>(cgroup);
    const at_cgroup fresh{
        .watched = 1, .reserved = 0, .cpu_ns = 0, .runnable_ns = 0, .since_ns = monotonic_ns()};
    const int e = bpf_map__update_elem(impl_->skeleton->maps.tracked_cgroups, &key, sizeof key, &fresh,
                                       sizeof fresh, BPF_NOEXIST);
    if (e != 0 && e != -EEXIST) return unexpected(errno_error("watching a cgroup", -e));
    return ok();
}

}  // namespace autotune
