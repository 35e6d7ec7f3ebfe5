#include "agent/bpf/kernel_object.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <ctime>

#include "agent/bpf/libbpf_log.hpp"
#include "agent/bpf/syscall_table.hpp"
#include "agent/bpf/uprobe_link.hpp"
#include "bpf/source.skel.h"
#include "os/fd.hpp"

namespace autotune {
namespace {

struct SkeletonCloser {
    void operator()(::source* s) const { source__destroy(s); }
};
struct RingCloser {
    void operator()(ring_buffer* r) const { ring_buffer__free(r); }
};
struct LinkCloser {
    void operator()(bpf_link* l) const { bpf_link__destroy(l); }
};
using Link = std::unique_ptr<bpf_link, LinkCloser>;

// Programs that we can do without, and what is then not seen.
struct Optional {
    std::string_view program;
    const char* btf_type;  // of the tracepoint; null: not typed
    const char* without;
};
constexpr std::array kOptional{
    Optional{"at_mark_victim", nullptr, "OOM kills (no tracepoint oom:mark_victim)"},
    Optional{"at_socket_state", "btf_trace_inet_sock_set_state",
             "the end of non-blocking connects (no tracepoint sock:inet_sock_set_state)"},
    Optional{"at_retransmitted", "btf_trace_tcp_retransmit_skb",
             "what TCP sends again (no tracepoint tcp:tcp_retransmit_skb)"},
    Optional{"at_reset_sent", "btf_trace_tcp_send_reset",
             "resets that are sent (no tracepoint tcp:tcp_send_reset)"},
    Optional{"at_reset_received", "btf_trace_tcp_receive_reset",
             "resets that are received (no tracepoint tcp:tcp_receive_reset)"},
    Optional{"at_cgroup_rmdir", "btf_trace_cgroup_rmdir",
             "the removal of cgroups (no tracepoint cgroup:cgroup_rmdir)"},
};

const Optional* find_optional(std::string_view program) {
    const auto it = std::ranges::find(kOptional, program, &Optional::program);
    return it == kOptional.end() ? nullptr : it;
}

constexpr std::size_t kCallCountBytes = 16u << 20;

std::size_t ring_size(std::size_t wanted) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return std::bit_ceil(std::clamp(wanted, page, std::size_t{1} << 30));
}

std::uint64_t monotonic_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

bool has_attach_type(const btf* kernel, std::string_view name) {
    const int id = btf__find_by_name_kind(kernel, "bpf_attach_type", BTF_KIND_ENUM);
    if (id <= 0) return false;
    const btf_type* types = btf__type_by_id(kernel, static_cast<std::uint32_t>(id));
    const std::span values(btf_enum(types), btf_vlen(types));
    return std::ranges::any_of(values, [&](const auto& v) { return btf__name_by_offset(kernel, v.name_off) == name; });
}

}  // namespace

class KernelObject::Impl {
public:
    std::unique_ptr<::source, SkeletonCloser> skeleton;
    std::vector<Link> links;
    std::vector<Link> uprobes;     // one a probe, or …
    std::vector<Fd> many_probes;   // … all of a file in one
    bool many_uprobes = false;     // the kernel can
    std::unique_ptr<ring_buffer, RingCloser> ring;
    Fd urgent;      // epoll: wakes for urgent records only
    Fd statistics;  // while open, the kernel times programs
    std::vector<std::string> missing;
    int cpus = 1;
    std::size_t slots = 0;  // of counted system calls

    // The drain under way.
    const std::function<void(std::span<const std::byte>)>* take = nullptr;
    std::size_t taken = 0;
    std::size_t most = 0;

    static int on_record(void* self, void* data, std::size_t size) {
        auto& impl = *static_cast<Impl*>(self);
        (*impl.take)({static_cast<const std::byte*>(data), size});
        return ++impl.taken < impl.most ? 0 : -EAGAIN;  // the record counts as taken either way
    }

    [[nodiscard]] bpf_program* program_of(const Optional& o) const {
        return bpf_object__find_program_by_name(skeleton->obj, o.program.data());
    }

    void adapt_to_kernel() {
        btf* kernel = btf__load_vmlinux_btf();
        if (kernel == nullptr) return;  // loading will say so
        for (const Optional& o : kOptional) {
            if (o.btf_type == nullptr || btf__find_by_name_kind(kernel, o.btf_type, BTF_KIND_TYPEDEF) > 0)
                continue;
            bpf_program__set_autoload(program_of(o), false);
            missing.emplace_back(o.without);
        }
        // Without CONFIG_SCHED_INFO the structure is there, but empty.
        const int account = btf__find_by_name_kind(kernel, "sched_info", BTF_KIND_STRUCT);
        if (account <= 0 || btf_vlen(btf__type_by_id(kernel, static_cast<std::uint32_t>(account))) == 0)
            missing.emplace_back("time spent waiting for a CPU (no CONFIG_SCHED_INFO)");
        many_uprobes = has_attach_type(kernel, "BPF_TRACE_UPROBE_MULTI");
        skeleton->rodata->at_has_casts = btf__find_by_name_kind(kernel, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
        btf__free(kernel);
    }

    Status open_ring() {
        const int map = bpf_map__fd(skeleton->maps.events);
        ring.reset(ring_buffer__new(map, on_record, this, nullptr));
        if (!ring) return unexpected(errno_error("mapping the BPF ring buffer", errno));
        urgent = Fd(epoll_create1(EPOLL_CLOEXEC));
        // Edge-triggered: a record that is not urgent makes the ring readable, but wakes nobody.
        epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
        if (!urgent || epoll_ctl(urgent.get(), EPOLL_CTL_ADD, map, &event) != 0)
            return unexpected(errno_error("waiting for the BPF ring buffer", errno));
        return ok();
    }

    // Read on request, or attached to files as they are found.
    [[nodiscard]] static bool is_for_later(const bpf_program* program) {
        const std::string_view section = bpf_program__section_name(program);
        return section == "iter/task" || section == "uprobe";
    }

    Status probe(const bpf_program* program, const std::string& path, UprobeAt at,
                 std::span<const std::uint64_t> offsets, std::span<const std::uint64_t> cookies) {
        if (many_uprobes) {
            auto link = link_uprobes({.program = bpf_program__fd(program),
                                      .at = at,
                                      .path = path,
                                      .offsets = offsets,
                                      .cookies = cookies});
            if (!link) return link.forward();
            many_probes.push_back(*std::move(link));
            return ok();
        }
        const LibbpfLog log;
        for (std::size_t i = 0; i < offsets.size(); ++i) {
            LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = cookies[i],
                        .retprobe = at == UprobeAt::function_return);
            Link link(bpf_program__attach_uprobe_opts(program, -1, path.c_str(), offsets[i], &options));
            if (!link) return unexpected(log.explain("probing a function", errno));
            uprobes.push_back(std::move(link));
        }
        return ok();
    }

    // All that the program writes of all tasks.
    [[nodiscard]] static Result<std::vector<std::byte>> read_iterator(bpf_program* program,
                                                                      const char* what) {
        const LibbpfLog log;
        const Link link(bpf_program__attach_iter(program, nullptr));
        if (!link) return unexpected(log.explain(what, errno));
        const Fd reader(bpf_iter_create(bpf_link__fd(link.get())));
        if (!reader) return unexpected(log.explain(what, errno));
        std::vector<std::byte> all;
        std::array<std::byte, 16384> some{};
        for (;;) {
            const ssize_t n = read(reader.get(), some.data(), some.size());
            if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (n < 0) return unexpected(errno_error(what, errno));
            if (n == 0) return all;
            all.insert(all.end(), some.begin(), some.begin() + n);
        }
    }

    // Of counted system calls.
    [[nodiscard]] std::vector<std::uint32_t> slots_in_use() const {
        std::vector<std::uint32_t> used;
        for (std::uint32_t slot = 1; slot < slots; ++slot) {
            at_slot_owner owner{};
            if (bpf_map__lookup_elem(skeleton->maps.slot_owners, &slot, sizeof slot, &owner, sizeof owner, 0) ==
                    0 &&
                owner.tgid != 0)
                used.push_back(slot);
        }
        return used;
    }

    template <class Key>
    [[nodiscard]] static std::vector<Key> keys(const bpf_map* map) {
        std::vector<Key> found;
        Key key{};
        for (int e = bpf_map__get_next_key(map, nullptr, &key, sizeof key); e == 0;
             e = bpf_map__get_next_key(map, &key, &key, sizeof key))
            found.push_back(key);
        return found;
    }
};

KernelObject::KernelObject(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KernelObject::~KernelObject() = default;
KernelObject::KernelObject(KernelObject&&) noexcept = default;
KernelObject& KernelObject::operator=(KernelObject&&) noexcept = default;

Result<KernelObject> KernelObject::load(std::size_t ring_bytes) {
    const LibbpfLog log;
    auto impl = std::make_unique<Impl>();
    impl->skeleton.reset(source__open());
    if (!impl->skeleton) return unexpected(log.explain("opening the BPF object", errno));
    ::source& s = *impl->skeleton;
    impl->cpus = libbpf_num_possible_cpus();
    if (impl->cpus < 1) return fail(Errc::unsupported, "the number of CPUs cannot be found out");
    s.rodata->at_own_tgid = getpid();
    s.rodata->at_page_size = static_cast<std::uint32_t>(sysconf(_SC_PAGESIZE));
    s.rodata->at_sigreturn = SYS_rt_sigreturn;
    s.rodata->at_cpus = static_cast<std::uint32_t>(impl->cpus);
    std::ranges::copy(syscall_table(), s.rodata->at_calls);
    std::ranges::copy(wait_table(), s.rodata->at_wait_kinds);
    bpf_map__set_max_entries(s.maps.events, static_cast<std::uint32_t>(ring_size(ring_bytes)));
    impl->slots = std::clamp(kCallCountBytes / (sizeof(at_call_counts) * static_cast<std::size_t>(impl->cpus)),
                             std::size_t{32}, std::size_t{AT_CALL_SLOTS});
    bpf_map__set_max_entries(s.maps.call_counts, static_cast<std::uint32_t>(impl->slots));
    impl->adapt_to_kernel();
    if (impl->many_uprobes)
        for (bpf_program* program : {s.progs.at_tls_entry, s.progs.at_tls_return})
            bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(kUprobeMulti));
    if (const int error = source__load(&s); error != 0)
        return unexpected(log.explain("loading the BPF programs", -error));
    for (std::uint32_t slot = static_cast<std::uint32_t>(impl->slots) - 1; slot > 0; --slot)
        bpf_map__update_elem(s.maps.free_slots, nullptr, 0, &slot, sizeof slot, BPF_ANY);
    if (auto opened = impl->open_ring(); !opened) return opened.forward();
    return KernelObject(std::move(impl));
}

Status KernelObject::attach() {
    const LibbpfLog log;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, impl_->skeleton->obj) {
        if (!bpf_program__autoload(program) || Impl::is_for_later(program)) continue;
        Link link(bpf_program__attach(program));
        if (link) {
            impl_->links.push_back(std::move(link));
            continue;
        }
        const int error = errno;
        const std::string name = bpf_program__name(program);
        const Optional* optional = find_optional(name);
        if (optional == nullptr) {
            detach();
            return unexpected(log.explain("attaching " + name, error));
        }
        impl_->missing.emplace_back(optional->without);
    }
    return ok();
}

void KernelObject::detach() {
    impl_->many_probes.clear();
    impl_->uprobes.clear();
    impl_->links.clear();
}

Status KernelObject::probe_tls(const std::string& path, const TlsSites& sites) {
    const auto& p = impl_->skeleton->progs;
    // The return first: an entry without it would leave calls open.
    if (auto s = impl_->probe(p.at_tls_return, path, UprobeAt::function_return, sites.return_offsets,
                              sites.return_cookies);
        !s)
        return s;
    return impl_->probe(p.at_tls_entry, path, UprobeAt::entry, sites.offsets, sites.cookies);
}

Result<std::vector<std::byte>> KernelObject::existing_processes() {
    return Impl::read_iterator(impl_->skeleton->progs.at_existing, "listing the processes");
}

Result<std::vector<std::byte>> KernelObject::thread_times() {
    return Impl::read_iterator(impl_->skeleton->progs.at_times_of_all, "reading the times of threads");
}

void KernelObject::tell(const Telling& what) {
    ::source& s = *impl_->skeleton;
    s.data->at_io_wanted = what.io ? AT_IO_FILES | AT_IO_SOCKETS : 0;
    s.bss->at_io_shed = (what.shed.files ? AT_IO_FILES : 0) | (what.shed.sockets ? AT_IO_SOCKETS : 0);
    s.bss->at_waits_wanted = what.waits ? 1 : 0;
    s.bss->at_waits_shed = what.shed.waits ? 1 : 0;
    s.bss->at_every_call = what.syscalls == SyscallDetail::each      ? AT_CALLS_EACH
                           : what.syscalls == SyscallDetail::counted ? AT_CALLS_COUNTED
                                                                     : AT_CALLS_NONE;
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

Status KernelObject::wait(Nanos time) {
    const timespec limit{.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
    epoll_event event{};
    if (epoll_pwait2(impl_->urgent.get(), &event, 1, &limit, nullptr) < 0 && errno != EINTR)
        return unexpected(errno_error("waiting for the BPF ring buffer", errno));
    return ok();
}

Result<std::size_t> KernelObject::drain(const std::function<void(std::span<const std::byte>)>& take,
                                        std::size_t most) {
    impl_->take = &take;
    impl_->taken = 0;
    impl_->most = most;
    const int n = ring_buffer__consume(impl_->ring.get());
    impl_->take = nullptr;
    if (n < 0 && n != -EAGAIN) return unexpected(errno_error("reading the BPF ring buffer", -n));
    return impl_->taken;
}

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
    for (const std::uint32_t slot : impl_->slots_in_use()) {
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
    for (const std::uint32_t slot : impl_->slots_in_use()) {
        at_slot_owner owner{};
        bpf_map__lookup_elem(maps.slot_owners, &slot, sizeof slot, &owner, sizeof owner, 0);
        if (owner.tgid != static_cast<std::uint32_t>(process.pid) || owner.start_ns != process.start_ns) continue;
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

int KernelObject::tracked_cgroups_fd() const { return bpf_map__fd(impl_->skeleton->maps.tracked_cgroups); }
int KernelObject::tracked_processes_fd() const { return bpf_map__fd(impl_->skeleton->maps.tracked_processes); }

const std::vector<std::string>& KernelObject::missing() const { return impl_->missing; }

}  // namespace autotune
