// KernelObject: what the programs counted, and what they cost.
#include <bpf/bpf.h>

#include <cerrno>

#include "agent/bpf/kernel_object_impl.hpp"

namespace autotune {
namespace {

// Of counted system calls.
std::vector<std::uint32_t> slots_in_use(const ::source& skeleton, std::size_t slots) {
    std::vector<std::uint32_t> used;
    for (std::uint32_t slot = 1; slot < slots; ++slot) {
        at_slot_owner owner{};
        if (bpf_map__lookup_elem(skeleton.maps.slot_owners, &slot, sizeof slot, &owner, sizeof owner, 0) ==
                0 &&
            owner.tgid != 0)
            used.push_back(slot);
    }
    return used;
}

}  // namespace

std::vector<at_counts> KernelObject::counts() const {
    std::vector<at_counts> per_cpu(static_cast<std::size_t>(impl_->cpus));
    const std::uint32_t zero = 0;
    if (bpf_map__lookup_elem(impl_->skeleton->maps.counts, &zero, sizeof zero, per_cpu.data(),
                             per_cpu.size() * sizeof(at_counts), 0) != 0)
        per_cpu.clear();
    return per_cpu;
}

std::vector<CallCount> KernelObject::call_counts() const {
    const auto& maps = impl_->skeleton->maps;
    std::vector<at_call_counts> per_cpu(static_cast<std::size_t>(impl_->cpus));
    std::vector<CallCount> all;
    for (const std::uint32_t slot : slots_in_use(*impl_->skeleton, impl_->slots)) {
        at_slot_owner owner{};
        if (bpf_map__lookup_elem(maps.slot_owners, &slot, sizeof slot, &owner, sizeof owner, 0) != 0 ||
            bpf_map__lookup_elem(maps.call_counts, &slot, sizeof slot, per_cpu.data(),
                                 per_cpu.size() * sizeof(at_call_counts), 0) != 0)
            continue;
        for (std::uint32_t number = 0; number < AT_SYSCALL_NUMBERS; ++number) {
            CallCount sum{.process = {static_cast<std::int32_t>(owner.tgid), owner.start_ns},
                          .scope = CgroupId(owner.scope),
                          .number = number};
            for (const at_call_counts& here : per_cpu) {
                sum.calls += here.calls[number];
                sum.failures += here.failures[number];
            }
            if (sum.calls > 0) all.push_back(sum);
        }
    }
    return all;
}

void KernelObject::forget_call_counts(const ProcessId& process) {
    const auto& maps = impl_->skeleton->maps;
    const std::vector<at_call_counts> zeros(static_cast<std::size_t>(impl_->cpus));
    for (const std::uint32_t slot : slots_in_use(*impl_->skeleton, impl_->slots)) {
        at_slot_owner owner{};
        bpf_map__lookup_elem(maps.slot_owners, &slot, sizeof slot, &owner, sizeof owner, 0);
        if (owner.tgid != static_cast<std::uint32_t>(process.pid) || owner.start_ns != process.start_ns)
            continue;
        bpf_map__update_elem(maps.call_counts, &slot, sizeof slot, zeros.data(),
                             zeros.size() * sizeof(at_call_counts), BPF_ANY);
        owner = {};
        bpf_map__update_elem(maps.slot_owners, &slot, sizeof slot, &owner, sizeof owner, BPF_ANY);
        bpf_map__update_elem(maps.free_slots, nullptr, 0, &slot, sizeof slot, BPF_ANY);
    }
}

Status KernelObject::measure_run_time() {
    impl_->statistics = Fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
    if (!impl_->statistics) return unexpected(errno_error("enabling BPF run-time statistics", errno));
    return ok();
}

double KernelObject::run_seconds() const {
    std::uint64_t ns = 0;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, impl_->skeleton->obj) {
        bpf_prog_info info{};
        std::uint32_t size = sizeof info;
        const int fd = bpf_program__fd(program);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) ns += info.run_time_ns;
    }
    return static_cast<double>(ns) / 1e9;
}

}  // namespace autotune
