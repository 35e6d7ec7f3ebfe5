// KernelObject: what this kernel has, loading, attaching.
#include <bpf/btf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <ctime>
#include <string_view>

#include "agent/bpf/kernel_object_impl.hpp"
#include "agent/bpf/libbpf_log.hpp"
#include "agent/bpf/syscall_table.hpp"

namespace autotune {
namespace {

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

bool has_attach_type(const btf* kernel, std::string_view name) {
    const int id = btf__find_by_name_kind(kernel, "bpf_attach_type", BTF_KIND_ENUM);
    if (id <= 0) return false;
    const btf_type* types = btf__type_by_id(kernel, static_cast<std::uint32_t>(id));
    const std::span values(btf_enum(types), btf_vlen(types));
    return std::ranges::any_of(
        values, [&](const auto& v) { return btf__name_by_offset(kernel, v.name_off) == name; });
}

// Read on request, attached to files as they are found, or by turns (attach_boundaries, attach_switches).
bool is_for_later(const bpf_program* program) {
    const std::string_view section = bpf_program__section_name(program);
    return section.starts_with("iter/") || section == "uprobe" || section == "tp_btf/sys_enter" ||
           section == "tp_btf/sys_exit" || section == "tp_btf/sched_switch" || section.starts_with("tp_btf/sock_");
}

}  // namespace

void KernelObject::Impl::adapt_to_kernel() {
    btf* kernel = btf__load_vmlinux_btf();
    if (kernel == nullptr) return;  // loading will say so
    for (const Optional& o : kOptional) {
        if (o.btf_type == nullptr || btf__find_by_name_kind(kernel, o.btf_type, BTF_KIND_TYPEDEF) > 0)
            continue;
        bpf_program__set_autoload(bpf_object__find_program_by_name(skeleton->obj, o.program.data()), false);
        missing.emplace_back(o.without);
    }
    has_socket_ends = btf__find_by_name_kind(kernel, "btf_trace_sock_send_length", BTF_KIND_TYPEDEF) > 0 &&
                      btf__find_by_name_kind(kernel, "btf_trace_sock_recv_length", BTF_KIND_TYPEDEF) > 0;
    for (bpf_program* program : {skeleton->progs.at_socket_sent, skeleton->progs.at_socket_received})
        bpf_program__set_autoload(program, has_socket_ends);
    // Without CONFIG_SCHED_INFO the structure is there, but empty.
    const int account = btf__find_by_name_kind(kernel, "sched_info", BTF_KIND_STRUCT);
    if (account <= 0 || btf_vlen(btf__type_by_id(kernel, static_cast<std::uint32_t>(account))) == 0)
        missing.emplace_back("time spent waiting for a CPU (no CONFIG_SCHED_INFO)");
    many_uprobes = has_attach_type(kernel, "BPF_TRACE_UPROBE_MULTI");
    skeleton->rodata->at_has_casts = btf__find_by_name_kind(kernel, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
    btf__free(kernel);
}

Status KernelObject::Impl::probe(const bpf_program* program, const std::string& path, UprobeAt at,
                                 std::span<const std::uint64_t> offsets,
                                 std::span<const std::uint64_t> cookies) {
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
        BpfLink link(bpf_program__attach_uprobe_opts(program, -1, path.c_str(), offsets[i], &options));
        if (!link) return unexpected(log.explain("probing a function", errno));
        uprobes.push_back(std::move(link));
    }
    return ok();
}

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
    // The coarse clock is set at each tick.
    if (timespec tick{}; clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0 && tick.tv_sec == 0 && tick.tv_nsec > 0)
        s.rodata->at_tick_ns = static_cast<std::uint64_t>(tick.tv_nsec);
    std::ranges::copy(syscall_table(), s.rodata->at_calls);
    std::ranges::copy(wait_table(), s.rodata->at_wait_kinds);
    bpf_map__set_max_entries(s.maps.events, static_cast<std::uint32_t>(ring_size(ring_bytes)));
    impl->slots =
        std::clamp(kCallCountBytes / (sizeof(at_call_counts) * static_cast<std::size_t>(impl->cpus)),
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
        if (!bpf_program__autoload(program) || is_for_later(program)) continue;
        BpfLink link(bpf_program__attach(program));
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
    impl_->attached = true;
    auto by_turns = impl_->attach_boundaries();
    if (by_turns) by_turns = impl_->attach_switches();
    if (!by_turns) detach();
    return by_turns;
}

Status KernelObject::Impl::attach_to(std::vector<BpfLink>& to, std::span<bpf_program* const> programs) {
    if (!to.empty()) return ok();
    const LibbpfLog log;
    std::vector<BpfLink> made;
    for (bpf_program* program : programs) {
        made.emplace_back(bpf_program__attach(program));
        if (!made.back())
            return unexpected(log.explain(std::string("attaching ") + bpf_program__name(program), errno));
    }
    to = std::move(made);
    return ok();
}

// The new ones are there before the old ones go, and which of them tells is said in between (socket_ends.bpf.h).
Status KernelObject::Impl::attach_boundaries() {
    if (!attached) return ok();
    const std::array calls{skeleton->progs.at_sys_enter, skeleton->progs.at_sys_exit};
    const std::array sockets{skeleton->progs.at_socket_sent, skeleton->progs.at_socket_received};
    auto& is_by_socket = skeleton->bss->at_by_socket;
    if (by_socket) {
        if (auto done = attach_to(at_sockets, sockets); !done) return done;
        is_by_socket = 1;
        at_calls.clear();
    } else {
        if (at_calls.empty()) skeleton->data->at_calls_since = skeleton->data->at_calls_since + 1;
        if (auto done = attach_to(at_calls, calls); !done) return done;
        // Those at sockets stay: a thread may be waiting for its answer in a call whose beginning nobody saw.
        is_by_socket = 0;
    }
    return ok();
}

// Both note what runs on each CPU; who settles is said in between (settle.bpf.h).
Status KernelObject::Impl::attach_switches() {
    if (!attached) return ok();
    const std::array full{skeleton->progs.at_sched_switch};
    const std::array brief{skeleton->progs.at_switched};
    if (auto done = settles_apart ? attach_to(notes_switches, brief) : attach_to(settles_switches, full); !done)
        return done;
    skeleton->bss->at_causes_shed = settles_apart ? 1 : 0;
    (settles_apart ? settles_switches : notes_switches).clear();
    return ok();
}

void KernelObject::detach() {
    impl_->attached = false;
    impl_->settles_switches.clear();
    impl_->notes_switches.clear();
    impl_->at_calls.clear();
    impl_->at_sockets.clear();
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

}  // namespace autotune
