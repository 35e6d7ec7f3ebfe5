#include "agent/black_box/box_program.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>

#include "agent/black_box/text_arguments.hpp"
#include "agent/bpf/libbpf_log.hpp"
#include "bpf/black_box.skel.h"
#include "os/fd.hpp"

// ::black_box is the skeleton's.
using Skeleton = struct black_box;

namespace autotune::black_box {
namespace {

constexpr std::uint64_t kFaultsAPeriod = 16;  // with huge pages that is 32 MB, with small ones 64 KB

struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
struct DestroySkeleton {
    void operator()(Skeleton* object) const { black_box__destroy(object); }
};
struct FreeRing {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

Fd open_faults(int cpu) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_PAGE_FAULTS;
    attributes.sample_period = kFaultsAPeriod;
    return Fd(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

int give_record(void* context, void* data, std::size_t size) {
    const auto& on_record = *static_cast<const BoxProgram::OnRecord*>(context);
    on_record({static_cast<const std::byte*>(data), size});
    return 0;
}

}  // namespace

struct BoxProgram::State {
    std::unique_ptr<Skeleton, DestroySkeleton> object;
    std::unique_ptr<ring_buffer, FreeRing> ring;
    using Link = std::unique_ptr<bpf_link, DestroyLink>;
    std::vector<Link> links;
    Link at_calls, at_receives;  // the latter in place of the former while no calls are remembered, if the kernel has it
    bool has_receives = false;
    std::mutex changing;  // of these links, and the next one
    bool remembers_calls = true;
    std::atomic<bool> by_receives = false;
    OnRecord on_record;  // the ring's context: its address must stay
    bool own_scope = false;

    [[nodiscard]] std::vector<bpf_program*> programs() const {
        const auto& p = object->progs;
        return {p.at_box_fork, p.at_box_exec, p.at_box_victim, p.at_box_dies, p.at_box_exit};
    }

    // Each call costs, even one that is passed over.
    Status look_at_calls(std::optional<bool> remembered, bool first_work) {
        const std::lock_guard lock(changing);
        const bool wanted = remembered.value_or(remembers_calls);
        const bool receives = !wanted && has_receives;
        if (!receives)
            if (Status s = attach(at_calls, object->progs.at_box_call); !s) return s;
        if (receives && first_work)
            if (Status s = attach(at_receives, object->progs.at_box_received); !s) return s;
        object->bss->at_box_calls_shed = wanted ? 0 : 1;
        by_receives = receives;
        remembers_calls = wanted;
        if (receives) at_calls.reset();
        if (!receives || !first_work) at_receives.reset();
        return ok();
    }
    Status attach(Link& link, const bpf_program* program) {
        if (link) return ok();
        const LibbpfLog log;
        link.reset(bpf_program__attach(program));
        if (!link) return unexpected(log.explain("changing what the black box looks at", errno));
        return ok();
    }

    Status attach(const LibbpfLog& log) {
        for (bpf_program* program : programs()) {
            links.emplace_back(bpf_program__attach(program));
            if (!links.back()) return unexpected(log.explain("loading the black box", errno));
        }
        if (auto s = look_at_calls(true, true); !s) return s;
        const int cpus = libbpf_num_possible_cpus();
        for (int cpu = 0; cpu < cpus; ++cpu) {
            Fd faults = open_faults(cpu);
            if (!faults && errno == ENODEV) continue;  // possible, but not online
            if (!faults) return unexpected(errno_error("counting page faults of CPU " + std::to_string(cpu), errno));
            bpf_link* link = bpf_program__attach_perf_event(object->progs.at_box_fault, faults.get());
            if (link == nullptr) return unexpected(errno_error("looking at page faults", errno));
            (void)faults.release();  // the link's now
            links.emplace_back(link);
        }
        return ok();
    }
};

BoxProgram::BoxProgram(std::unique_ptr<State> state) : state_(std::move(state)) {}
BoxProgram::~BoxProgram() = default;
BoxProgram::BoxProgram(BoxProgram&&) noexcept = default;
BoxProgram& BoxProgram::operator=(BoxProgram&&) noexcept = default;

Result<BoxProgram> BoxProgram::load(const TrackedMaps& tracked) {
#if !defined(__x86_64__)
    return fail(Errc::unsupported, "the black box knows the registers of x86-64 only");
#endif
    const LibbpfLog log;
    auto state = std::make_unique<State>();
    state->own_scope = tracked.cgroups < 0;
    state->object.reset(black_box__open());
    if (!state->object) return unexpected(log.explain("loading the black box", errno));
    Skeleton& object = *state->object;
    object.rodata->at_own_scope = state->own_scope ? 1 : 0;
    object.rodata->at_page_size = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
    object.rodata->at_mmap_number = SYS_mmap;
    const auto arguments = text_arguments();
    std::ranges::copy(arguments, std::begin(object.rodata->at_text_arguments));
    const auto cpus = static_cast<std::uint32_t>(std::max(libbpf_num_possible_cpus(), 1));
    int failed = bpf_map__set_max_entries(object.maps.box_scratches, cpus);
    if (failed == 0 && !state->own_scope) failed = bpf_map__reuse_fd(object.maps.tracked_cgroups, tracked.cgroups);
    if (failed == 0 && !state->own_scope)
        failed = bpf_map__reuse_fd(object.maps.tracked_processes, tracked.processes);
    if (btf* kernel = btf__load_vmlinux_btf(); kernel != nullptr) {
        state->has_receives = btf__find_by_name_kind(kernel, "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF) > 0;
        btf__free(kernel);
    }
    bpf_program__set_autoload(object.progs.at_box_received, state->has_receives);
    if (failed == 0) failed = black_box__load(&object);
    if (failed != 0) return unexpected(log.explain("loading the black box", -failed));
    state->ring.reset(
        ring_buffer__new(bpf_map__fd(object.maps.box_records), give_record, &state->on_record, nullptr));
    if (!state->ring) return unexpected(log.explain("loading the black box", errno));
    if (Status attached = state->attach(log); !attached) return attached.forward();
    return BoxProgram(std::move(state));
}

Status BoxProgram::trace(std::span<const CgroupId> roots, std::span<const std::int32_t> processes) {
    const int cgroups = bpf_map__fd(state_->object->maps.tracked_cgroups);
    for (const CgroupId root : roots) {
        const at_cgroup value{.watched = 1};
        if (bpf_map_update_elem(cgroups, &root, &value, BPF_ANY) != 0)
            return unexpected(errno_error("telling the black box which cgroup to watch", errno));
    }
    const int tracked = bpf_map__fd(state_->object->maps.tracked_processes);
    for (const std::int32_t pid : processes) {
        const std::uint64_t tree = AT_TREE | static_cast<std::uint32_t>(pid);
        if (bpf_map_update_elem(tracked, &pid, &tree, BPF_ANY) != 0)
            return unexpected(errno_error("telling the black box which process to watch", errno));
        watch({pid, 0}, {});
    }
    return ok();
}

void BoxProgram::watch(const ProcessId& process, CgroupId cgroup) {
    const at_box_process fresh{.start_ns = process.start_ns, .cgroup = static_cast<std::uint64_t>(cgroup)};
    (void)bpf_map_update_elem(bpf_map__fd(state_->object->maps.box_processes), &process.pid, &fresh, BPF_NOEXIST);
    state_->object->bss->at_box_places[static_cast<std::uint32_t>(process.pid) % AT_BOX_PLACES] = 1;
}

void BoxProgram::add_python(std::int32_t pid, const at_box_python& python) {
    // Should the map be full for good, the process keeps its native stacks.
    (void)bpf_map_update_elem(bpf_map__fd(state_->object->maps.box_pythons), &pid, &python, BPF_ANY);
}

Status BoxProgram::drain(const OnRecord& on_record) {
    state_->on_record = on_record;
    const int got = ring_buffer__consume(state_->ring.get());
    state_->on_record = nullptr;
    if (got < 0 && got != -EINTR) return unexpected(errno_error("reading the black box's ring buffer", -got));
    return ok();
}

int BoxProgram::ready_fd() const { return ring_buffer__epoll_fd(state_->ring.get()); }

std::array<std::uint64_t, AT_BOX_COUNTS> BoxProgram::counts() const {
    std::array<std::uint64_t, AT_BOX_COUNTS> sums{};
    std::vector<std::uint64_t> by_cpu(static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)));
    for (std::uint32_t what = 0; what < AT_BOX_COUNTS; ++what)
        if (bpf_map_lookup_elem(bpf_map__fd(state_->object->maps.box_counts), &what, by_cpu.data()) == 0)
            for (const std::uint64_t n : by_cpu) sums[what] += n;
    return sums;
}

Status BoxProgram::remember_calls(bool wanted) { return state_->look_at_calls(wanted, true); }

Status BoxProgram::expect_first_work(bool wanted) { return state_->look_at_calls(std::nullopt, wanted); }

bool BoxProgram::hears_of_mappings() const { return !state_->by_receives; }

double BoxProgram::run_seconds() const {
    double seconds = 0;
    auto programs = state_->programs();
    const auto& p = state_->object->progs;
    for (bpf_program* program : {p.at_box_fault, p.at_box_call}) programs.push_back(program);
    if (state_->has_receives) programs.push_back(p.at_box_received);
    for (const bpf_program* program : programs) {
        bpf_prog_info info{};
        std::uint32_t size = sizeof info;
        const int fd = bpf_program__fd(program);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
            seconds += static_cast<double>(info.run_time_ns) / 1e9;
    }
    return seconds;
}

}  // namespace autotune::black_box
