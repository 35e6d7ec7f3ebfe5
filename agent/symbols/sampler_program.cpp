#include "agent/symbols/sampler_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <set>
#include <string>

#include "agent/symbols/thread_list.hpp"
#include "bpf/sampler.skel.h"
#include "bpf/wire.h"
#include "os/fd.hpp"

namespace autotune::symbols {

namespace {

constexpr std::size_t kMinRing = 1 << 20;
constexpr std::size_t kMaxRing = 64 << 20;
constexpr std::size_t kTypicalRecord = 2048;
constexpr std::uint32_t kFewestKept = 16384;  // stacks that the kernel side remembers to have told
constexpr std::size_t kMeasuresRing = 8 << 20;  // some 100,000 intervals, or 400 MB of single pages

struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
struct DestroySkeleton {
    void operator()(sampler* object) const { sampler__destroy(object); }
};
struct FreeRing {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

std::size_t ring_size(const SamplerProgramOptions& options) {
    const auto cpus = static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1));
    const std::size_t usual =
        std::max(2 * cpus * options.sample_hz * kTypicalRecord, options.times || options.memory != MemoryKind::none ? kMeasuresRing : 0);
    const std::size_t wanted = options.ring_bytes != 0 ? options.ring_bytes : usual;
    const std::size_t least = options.ring_bytes != 0 ? 4096 : kMinRing;
    return std::bit_ceil(std::clamp(wanted, least, kMaxRing));
}

// The kernel allots a map's elements when it is made, and counts them all: what is not needed costs a start some ten
// milliseconds.
int size_maps(sampler& object, const SamplerProgramOptions& options, bool own_scope) {
    const auto& maps = object.maps;
    if (!options.times) bpf_map__set_max_entries(maps.timed_threads, 1);
    if (options.memory != MemoryKind::growth) bpf_map__set_max_entries(maps.heap_ends, 1);
    // Elements of these are allotted one by one: few of many that may come do.
    std::vector<bpf_map*> sparse{maps.unwind_pages};
    if (own_scope) sparse.insert(sparse.end(), {maps.tracked_cgroups, maps.tracked_processes});
    for (bpf_map* map : sparse)
        if (const int failed = bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_NO_PREALLOC); failed != 0) return failed;
    // Of a clock alone we know how many stacks can come in a minute. What falls out is told again.
    if (!options.times && options.memory == MemoryKind::none) {
        const auto cpus = static_cast<std::uint32_t>(std::max(libbpf_num_possible_cpus(), 1));
        const std::uint32_t a_minute = std::clamp<std::uint32_t>(60 * cpus * options.sample_hz, kFewestKept, AT_KEPT_STACKS);
        const std::uint32_t slots = 2 * std::bit_ceil(a_minute);
        bpf_map__set_max_entries(maps.told_stacks, slots);
        object.rodata->stack_slots_mask = slots - 1;
    }
    return bpf_map__set_max_entries(maps.samples, static_cast<std::uint32_t>(ring_size(options)));
}

// libbpf tells what went wrong only to its printer: the warnings of this thread's load are kept.
thread_local std::string warnings;

int keep_warning(libbpf_print_level level, const char* format, va_list arguments) {
    if (level != LIBBPF_WARN || warnings.size() > 4096) return 0;
    char line[512];
    std::vsnprintf(line, sizeof line, format, arguments);
    warnings += line;
    return 0;
}

class CaptureWarnings {
public:
    CaptureWarnings() : before_(libbpf_set_print(keep_warning)) { warnings.clear(); }
    ~CaptureWarnings() { libbpf_set_print(before_); }
    CaptureWarnings(const CaptureWarnings&) = delete;
    CaptureWarnings& operator=(const CaptureWarnings&) = delete;

private:
    libbpf_print_fn_t before_;
};

Unexpected load_error(int errno_value) {
    const bool refused = errno_value == EPERM || errno_value == EACCES;
    if (refused && geteuid() != 0)
        return fail(Errc::permission_denied, "loading the sampler needs root, or CAP_BPF and CAP_PERFMON");
    if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
        return fail(Errc::unsupported,
                    "loading the sampler: this kernel has no BTF (/sys/kernel/btf/vmlinux)");
    std::string why = warnings.substr(0, warnings.find('\n'));
    if (why.empty()) why = std::strerror(errno_value);
    return fail(refused ? Errc::permission_denied : Errc::unsupported, "loading the sampler: " + why);
}

Fd open_clock(int cpu, std::uint32_t hz) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_SOFTWARE;  // hardware counters are absent in most VMs
    attributes.config = PERF_COUNT_SW_CPU_CLOCK;
    attributes.freq = 1;
    attributes.sample_freq = hz;
    return Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

// What a hash is begun with; anything that another program cannot know.
std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = static_cast<std::uint64_t>(to_ns(SystemClock().now()));
    return seed;
}

// The programs that are attached while we run, beside clocks and processes.
std::vector<bpf_program*> measures_of(const sampler& object, const SamplerProgramOptions& options) {
    const auto& all = object.progs;
    std::vector<bpf_program*> wanted;
    if (options.times) wanted = {all.on_switch, all.on_new_thread, all.on_thread_exit};
    if (options.memory == MemoryKind::pages) wanted.push_back(all.on_page);
    if (options.memory == MemoryKind::growth) wanted.insert(wanted.end(), {all.on_heap, all.on_growth});
    return wanted;
}

int give_record(void* context, void* data, std::size_t size) {
    const auto& on_record = *static_cast<const SamplerProgram::OnRecord*>(context);
    on_record({static_cast<const std::byte*>(data), size});
    return 0;
}

}  // namespace

struct SamplerProgram::State {
    Fd statistics;
    std::unique_ptr<sampler, DestroySkeleton> object;
    std::unique_ptr<ring_buffer, FreeRing> ring;
    std::unique_ptr<ring_buffer, FreeRing> copies;
    std::vector<std::unique_ptr<bpf_link, DestroyLink>> processes;  // exec, and of an own scope fork and exit
    std::vector<std::unique_ptr<bpf_link, DestroyLink>> measures;   // of switches, of memory
    std::vector<std::unique_ptr<bpf_link, DestroyLink>> clocks;
    std::set<CgroupId> roots;
    std::set<std::int32_t> named;
    OnRecord on_record;  // the rings' context: its address must stay
    OnRecord on_copy;
    bool own_scope = false;
};

SamplerProgram::SamplerProgram(std::unique_ptr<State> state) : state_(std::move(state)) {}
SamplerProgram::~SamplerProgram() = default;
SamplerProgram::SamplerProgram(SamplerProgram&&) noexcept = default;
SamplerProgram& SamplerProgram::operator=(SamplerProgram&&) noexcept = default;

Result<SamplerProgram> SamplerProgram::load(const SamplerProgramOptions& options) {
    const CaptureWarnings capture;
    auto state = std::make_unique<State>();
    if (options.run_time) state->statistics = Fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
    state->own_scope = options.tracked.cgroups < 0;
    state->object.reset(sampler__open());
    if (!state->object) return load_error(errno);
    sampler& object = *state->object;
    object.rodata->match_ancestors = state->own_scope ? 1 : 0;
    object.rodata->exact_ticks = options.exact_ticks ? 1 : 0;
    object.rodata->kernel_frames = options.kernel ? 1 : 0;
    object.rodata->told_seed = random_seed();
    object.rodata->page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    const auto& all = object.progs;
    const std::vector<bpf_program*> measures = measures_of(object, options);
    for (bpf_program* program : {all.on_switch, all.on_new_thread, all.on_thread_exit, all.on_page, all.on_heap, all.on_growth})
        bpf_program__set_autoload(program, std::ranges::find(measures, program) != measures.end());
    for (bpf_program* program : {all.meet_threads, all.close_threads}) bpf_program__set_autoload(program, options.times);
    int failed = size_maps(object, options, state->own_scope);
    if (failed == 0 && !state->own_scope)
        failed = bpf_map__reuse_fd(object.maps.tracked_cgroups, options.tracked.cgroups);
    if (failed == 0 && !state->own_scope)
        failed = bpf_map__reuse_fd(object.maps.tracked_processes, options.tracked.processes);
    if (failed == 0) failed = sampler__load(&object);
    if (failed != 0) return load_error(-failed);
    for (const bpf_program* program : {object.progs.on_exec, object.progs.on_fork, object.progs.on_exit}) {
        if (program != object.progs.on_exec && !state->own_scope) continue;
        state->processes.emplace_back(bpf_program__attach(program));
        if (!state->processes.back()) return load_error(errno);
    }
    for (const bpf_program* program : measures) {
        state->measures.emplace_back(bpf_program__attach(program));
        if (!state->measures.back()) return load_error(errno);
    }
    state->ring.reset(
        ring_buffer__new(bpf_map__fd(object.maps.samples), give_record, &state->on_record, nullptr));
    if (!state->ring) return load_error(errno);
    state->copies.reset(
        ring_buffer__new(bpf_map__fd(object.maps.stack_copies), give_record, &state->on_copy, nullptr));
    if (!state->copies) return load_error(errno);
    return SamplerProgram(std::move(state));
}

Status SamplerProgram::tick(std::uint32_t hz) {
    state_->clocks.clear();
    if (hz == 0) return ok();
    const int cpus = libbpf_num_possible_cpus();
    for (int cpu = 0; cpu < cpus; ++cpu) {
        Fd clock = open_clock(cpu, hz);
        if (!clock && errno == ENODEV) continue;  // possible, but not online
        if (!clock)
            return unexpected(errno_error("opening the perf clock of CPU " + std::to_string(cpu), errno));
        bpf_link* link = bpf_program__attach_perf_event(state_->object->progs.on_tick, clock.get());
        if (link == nullptr) return unexpected(errno_error("attaching the sampler to a perf clock", errno));
        (void)clock.release();  // the link's now
        state_->clocks.emplace_back(link);
    }
    if (state_->clocks.empty()) return fail(Errc::unsupported, "no CPU has a perf clock");
    return ok();
}

Status SamplerProgram::trace(const std::vector<CgroupId>& roots, const std::vector<std::int32_t>& processes) {
    if (!state_->own_scope) return ok();
    const int map = bpf_map__fd(state_->object->maps.tracked_cgroups);
    const std::set<CgroupId> wanted(roots.begin(), roots.end());
    for (const CgroupId gone : state_->roots)
        if (!wanted.contains(gone)) bpf_map_delete_elem(map, &gone);
    state_->object->bss->any_cgroups = wanted.empty() ? 0 : 1;
    state_->roots.clear();
    for (const CgroupId root : wanted) {
        const at_cgroup value{.watched = 1};
        if (bpf_map_update_elem(map, &root, &value, BPF_ANY) != 0)
            return unexpected(errno_error("telling the sampler which cgroup to trace", errno));
        state_->roots.insert(root);
    }
    const int tracked = bpf_map__fd(state_->object->maps.tracked_processes);
    const std::set<std::int32_t> named(processes.begin(), processes.end());
    for (const std::int32_t gone : state_->named)
        if (!named.contains(gone)) bpf_map_delete_elem(tracked, &gone);
    for (const std::int32_t pid : named) {
        const std::uint64_t tree = AT_TREE | static_cast<std::uint32_t>(pid);
        if (!state_->named.contains(pid) && bpf_map_update_elem(tracked, &pid, &tree, BPF_ANY) != 0)
            return unexpected(errno_error("telling the sampler which process to trace", errno));
    }
    state_->named = named;
    return ok();
}

Status SamplerProgram::meet_threads() {
    const auto read = run_over_threads(state_->object->progs.meet_threads);
    return read ? ok() : Status(read.forward());
}

Status SamplerProgram::close_threads(const OnRecord& on_record) {
    state_->measures.clear();
    state_->clocks.clear();
    const auto text = run_over_threads(state_->object->progs.close_threads);
    if (!text) return text.forward();
    const auto bytes = std::as_bytes(std::span(*text));
    for (std::size_t at = 0; at + sizeof(at_sample) <= bytes.size(); at += sizeof(at_sample))
        on_record(bytes.subspan(at, sizeof(at_sample)));
    return ok();
}

Status SamplerProgram::add_python(const ProcessId& process, const at_python_process& python) {
    const auto key = static_cast<std::uint32_t>(process.pid);
    const int map = bpf_map__fd(state_->object->maps.python_processes);
    if (bpf_map_update_elem(map, &key, &python, BPF_ANY) != 0)
        return unexpected(errno_error("telling the sampler of a Python process", errno));
    std::atomic_ref(state_->object->bss->processes_version).fetch_add(1);
    return ok();
}

UnwindMapFds SamplerProgram::unwind_maps() const {
    const auto& maps = state_->object->maps;
    return {.processes = bpf_map__fd(maps.unwind_processes),
            .mappings = bpf_map__fd(maps.unwind_mappings),
            .pages = bpf_map__fd(maps.unwind_pages),
            .slabs = bpf_map__fd(maps.unwind_slabs),
            .recipes = bpf_map__fd(maps.unwind_recipes),
            .processes_version = &state_->object->bss->processes_version};
}

Nanos SamplerProgram::room_for(std::uint32_t hz) const {
    const std::uint64_t a_second = static_cast<std::uint64_t>(std::max(libbpf_num_possible_cpus(), 1)) * std::max(hz, 1u) * kTypicalRecord;
    return Nanos(static_cast<std::int64_t>(bpf_map__max_entries(state_->object->maps.samples)) * 1'000'000'000 / static_cast<std::int64_t>(a_second));
}

int SamplerProgram::ready_fd() const { return ring_buffer__epoll_fd(state_->ring.get()); }

Status SamplerProgram::drain(Nanos wait, const OnRecord& on_record) {
    state_->on_record = on_record;
    const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Nanos(0)));
    int got = 0;
    if (wait > Nanos(0)) got = ring_buffer__poll(state_->ring.get(), static_cast<int>(rounded_up.count()));
    // Samples are written without waking anybody.
    if (got >= 0 || got == -EINTR) got = ring_buffer__consume(state_->ring.get());
    state_->on_record = nullptr;
    if (got < 0 && got != -EINTR) return unexpected(errno_error("reading the sampler's ring buffer", -got));
    return ok();
}

Status SamplerProgram::drain_copies(const OnRecord& on_record) {
    state_->on_copy = on_record;
    const int got = ring_buffer__consume(state_->copies.get());
    state_->on_copy = nullptr;
    if (got < 0 && got != -EINTR) return unexpected(errno_error("reading the ring of copied stacks", -got));
    return ok();
}

void SamplerProgram::renumber_addresses(std::uint16_t epoch) {
    std::atomic_ref<__u64> numbers(state_->object->data->address_numbers);
    const std::uint64_t now = numbers.load() >> 32;
    if (static_cast<std::uint16_t>(now) == epoch) numbers.store((now + 1) << 32 | 1);
}

std::array<std::uint64_t, AT_SAMPLER_COUNTS> SamplerProgram::counts() const {
    std::array<std::uint64_t, AT_SAMPLER_COUNTS> sums{};
    const int map = bpf_map__fd(state_->object->maps.sampler_counts);
    std::vector<std::uint64_t> by_cpu(static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)));
    for (std::uint32_t what = 0; what < AT_SAMPLER_COUNTS; ++what)
        if (bpf_map_lookup_elem(map, &what, by_cpu.data()) == 0)
            for (const std::uint64_t n : by_cpu) sums[what] += n;
    return sums;
}

double SamplerProgram::run_seconds() const {
    double seconds = 0;
    const auto& all = state_->object->progs;
    for (const bpf_program* program : {all.on_tick, all.on_exec, all.on_switch, all.on_new_thread, all.on_thread_exit, all.on_page,
                                       all.on_heap, all.on_growth}) {
        bpf_prog_info info{};
        std::uint32_t size = sizeof info;
        if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0)
            seconds += static_cast<double>(info.run_time_ns) / 1e9;
    }
    return seconds;
}

}  // namespace autotune::symbols
