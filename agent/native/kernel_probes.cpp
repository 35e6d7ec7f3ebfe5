#include "agent/native/kernel_probes.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "agent/bpf/libbpf_log.hpp"
#include "agent/bpf/uprobe_link.hpp"
#include "bpf/calls.skel.h"
#include "os/fd.hpp"
#include "os/more_files.hpp"

namespace autotune::native {

namespace {

struct DestroySkeleton {
    void operator()(calls* object) const { calls__destroy(object); }
};
struct FreeRing {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};
struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, DestroyLink>;

}  // namespace

std::string_view to_string(AttachMethod method) {
    static constexpr std::array<std::string_view, 3> kNames{"uprobe.session", "uprobe_multi", "uprobe pairs"};
    const auto at = static_cast<std::size_t>(method);
    return at < kNames.size() ? kNames[at] : "unknown";
}

struct KernelProbes::State {
    std::unique_ptr<calls, DestroySkeleton> object;
    std::unique_ptr<ring_buffer, FreeRing> ring;
    std::vector<Link> following;
    std::vector<Link> pairs;
    std::vector<Fd> many;
    AttachMethod method{};

    const std::function<void(std::span<const std::byte>)>* take = nullptr;
    std::size_t taken = 0;
    std::size_t most = 0;

    static int on_record(void* self, void* data, std::size_t size) {
        auto& s = *static_cast<State*>(self);
        (*s.take)({static_cast<const std::byte*>(data), size});
        return ++s.taken < s.most ? 0 : -EAGAIN;  // the record counts as taken either way
    }

    void choose_programs() const {
        const auto& p = object->progs;
        const bool session = method == AttachMethod::session;
        bpf_program__set_autoload(p.at_native_session, session);
        bpf_program__set_autoload(p.at_native_return, !session);
        if (method == AttachMethod::pairs) return;
        const auto attach_as = [](bpf_program* program, std::uint32_t type) {
            bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(type));
        };
        attach_as(p.at_native_session, kUprobeSession);
        for (bpf_program* program :
             {p.at_native_entry, p.at_native_return, p.at_native_exit_site, p.at_native_line})
            attach_as(program, kUprobeMulti);
    }

    Status attach_many(const bpf_program* program, std::uint32_t type, const ProbeSet& probes,
                       UprobeAt at = UprobeAt::entry) {
        auto link = link_uprobes({.program = bpf_program__fd(program),
                                  .attach_type = type,
                                  .at = at,
                                  .path = probes.path,
                                  .offsets = probes.offsets,
                                  .cookies = probes.cookies});
        if (!link) return link.forward();
        many.push_back(*std::move(link));
        return ok();
    }

    Status attach_each(const bpf_program* program, const ProbeSet& probes, bool at_return) {
        const LibbpfLog log;
        const MoreFiles one_each;
        for (std::size_t i = 0; i < probes.offsets.size(); ++i) {
            LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = probes.cookies[i], .retprobe = at_return);
            Link link(bpf_program__attach_uprobe_opts(program, -1, probes.path.c_str(), probes.offsets[i],
                                                      &options));
            if (!link && errno == EMFILE)
                return fail(Errc::resource_exhausted,
                            probes.path + ": this kernel needs an open file for each of " +
                                std::to_string(probes.offsets.size()) +
                                " probes, which is more than this process may have (ulimit -n); name fewer functions");
            if (!link) return unexpected(refused_uprobes(probes.path, probes.offsets.size(), errno, log));
            pairs.push_back(std::move(link));
        }
        return ok();
    }
};

KernelProbes::KernelProbes(std::unique_ptr<State> state) : state_(std::move(state)) {}
KernelProbes::~KernelProbes() {
    if (state_) detach();
}
KernelProbes::KernelProbes(KernelProbes&&) noexcept = default;
KernelProbes& KernelProbes::operator=(KernelProbes&&) noexcept = default;

Result<KernelProbes> KernelProbes::load(AttachMethod method, std::size_t functions, std::size_t ring_bytes) {
    const LibbpfLog log;
    auto state = std::make_unique<State>();
    state->method = method;
    state->object.reset(calls__open());
    if (!state->object) return unexpected(log.explain("opening the programs for native calls", errno));
    calls& object = *state->object;
    state->choose_programs();
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t ring = std::bit_ceil(std::clamp(ring_bytes, page, std::size_t{1} << 30));
    bpf_map__set_max_entries(object.maps.native_records, static_cast<std::uint32_t>(ring));
    bpf_map__set_max_entries(object.maps.native_functions, static_cast<std::uint32_t>(std::clamp<std::size_t>(
                                                               functions, 1, AT_MAX_FUNCTIONS)));
    if (const int e = calls__load(&object); e != 0)
        return unexpected(log.explain("loading the programs for native calls", -e));
    state->ring.reset(
        ring_buffer__new(bpf_map__fd(object.maps.native_records), State::on_record, state.get(), nullptr));
    if (!state->ring) return unexpected(errno_error("opening the ring of native calls", errno));
    return KernelProbes(std::move(state));
}

Status KernelProbes::describe(std::uint32_t index, const at_native_function& function) {
    const int e = bpf_map__update_elem(state_->object->maps.native_functions, &index, sizeof index, &function,
                                       sizeof function, BPF_ANY);
    return e == 0 ? ok() : unexpected(errno_error("describing a native function", -e));
}

Status KernelProbes::wish(std::uint32_t index, const at_native_wish& value) {
    const int e = bpf_map__update_elem(state_->object->maps.native_wishes, &index, sizeof index, &value,
                                       sizeof value, BPF_ANY);
    return e == 0 ? ok() : unexpected(errno_error("asking for a native value", -e));
}

Status KernelProbes::follow() {
    const LibbpfLog log;
    const auto& p = state_->object->progs;
    for (const bpf_program* program : {p.at_native_fork, p.at_native_exec, p.at_native_exit}) {
        Link link(bpf_program__attach(program));
        if (!link) return unexpected(log.explain("following processes", errno));
        state_->following.push_back(std::move(link));
    }
    return ok();
}

Status KernelProbes::attach(const ProbeSet& probes) {
    if (probes.offsets.empty()) return ok();
    const auto& p = state_->object->progs;
    const bool pairs = state_->method == AttachMethod::pairs;
    const auto one = [&](const bpf_program* program) {
        return pairs ? state_->attach_each(program, probes, false)
                     : state_->attach_many(program, kUprobeMulti, probes);
    };
    switch (probes.use) {
        case ProbeUse::line: return one(p.at_native_line);
        case ProbeUse::exit_site: return one(p.at_native_exit_site);
        case ProbeUse::entry: return one(p.at_native_entry);
        case ProbeUse::call: break;
    }
    if (state_->method == AttachMethod::session)
        return state_->attach_many(p.at_native_session, kUprobeSession, probes);
    // The return first: an entry without it would leave calls open.
    Status returns = pairs ? state_->attach_each(p.at_native_return, probes, true)
                           : state_->attach_many(p.at_native_return, kUprobeMulti, probes, UprobeAt::function_return);
    return returns ? one(p.at_native_entry) : returns;
}

void KernelProbes::detach() {
    state_->many.clear();
    state_->pairs.clear();
}

Status KernelProbes::watch(std::span<const std::int32_t> processes, std::span<const CgroupId> cgroups) {
    calls& object = *state_->object;
    const std::uint32_t on = 1;
    std::int32_t pid = 0;
    std::vector<std::int32_t> before;
    for (int* last = nullptr;
         bpf_map__get_next_key(object.maps.native_processes, last, &pid, sizeof pid) == 0;
         last = &before.back())
        before.push_back(pid);
    for (const std::int32_t old : before)
        if (std::ranges::find(processes, old) == processes.end())
            bpf_map__delete_elem(object.maps.native_processes, &old, sizeof old, 0);
    for (const std::int32_t wanted : processes)
        if (const int e = bpf_map__update_elem(object.maps.native_processes, &wanted, sizeof wanted, &on,
                                               sizeof on, BPF_ANY);
            e != 0)
            return unexpected(errno_error("noting a process to watch", -e));
    std::uint64_t id = 0;
    std::vector<std::uint64_t> known;
    for (std::uint64_t* last = nullptr;
         bpf_map__get_next_key(object.maps.native_cgroups, last, &id, sizeof id) == 0; last = &known.back())
        known.push_back(id);
    for (const std::uint64_t old : known)
        bpf_map__delete_elem(object.maps.native_cgroups, &old, sizeof old, 0);
    for (const CgroupId cgroup : cgroups) {
        const auto key = static_cast<std::uint64_t>(cgroup);
        if (const int e =
                bpf_map__update_elem(object.maps.native_cgroups, &key, sizeof key, &on, sizeof on, BPF_ANY);
            e != 0)
            return unexpected(errno_error("noting a cgroup to watch", -e));
    }
    object.bss->at_native_has_cgroups = cgroups.empty() ? 0 : 1;
    object.bss->at_native_everybody = processes.empty() && cgroups.empty() ? 1 : 0;
    object.data->at_native_generation = object.data->at_native_generation + 1;
    return ok();
}

bool KernelProbes::watches_a_process() const {
    std::int32_t pid = 0;
    return bpf_map__get_next_key(state_->object->maps.native_processes, nullptr, &pid, sizeof pid) == 0;
}

Result<std::size_t> KernelProbes::drain(const std::function<void(std::span<const std::byte>)>& take,
                                        std::size_t most) {
    state_->take = &take;
    state_->taken = 0;
    state_->most = most;
    const int got = ring_buffer__consume(state_->ring.get());
    state_->take = nullptr;
    if (got < 0 && got != -EAGAIN) return unexpected(errno_error("reading the ring of native calls", -got));
    return state_->taken;
}

Status KernelProbes::wait(Nanos time) {
    const timespec limit{.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
    if (ppoll(nullptr, 0, &limit, nullptr) < 0 && errno != EINTR)
        return unexpected(errno_error("waiting for native calls", errno));
    return ok();
}

std::vector<CallSums> KernelProbes::sums() const {
    std::vector<CallSums> all;
    const bpf_map* map = state_->object->maps.native_sums;
    constexpr std::uint32_t kAtOnce = 4096;
    std::vector<at_call_key> keys(kAtOnce);
    std::vector<at_call_sums> values(kAtOnce);
    std::uint64_t at = 0;
    for (void* from = nullptr;; from = &at) {
        std::uint32_t count = kAtOnce;
        const int e =
            bpf_map_lookup_batch(bpf_map__fd(map), from, &at, keys.data(), values.data(), &count, nullptr);
        if (e != 0 && e != -ENOENT) break;
        for (std::uint32_t i = 0; i < count; ++i) all.push_back({keys[i], values[i]});
        if (e != 0) break;
    }
    return all;
}

void KernelProbes::forget_sums(const at_call_key& key) {
    bpf_map__delete_elem(state_->object->maps.native_sums, &key, sizeof key, 0);
}

at_native_counts KernelProbes::counts() const {
    const int cpus = std::max(libbpf_num_possible_cpus(), 1);
    std::vector<at_native_counts> each(static_cast<std::size_t>(cpus));
    const std::uint32_t zero = 0;
    at_native_counts sum{};
    if (bpf_map__lookup_elem(state_->object->maps.native_counts, &zero, sizeof zero, each.data(),
                             each.size() * sizeof each[0], 0) != 0)
        return sum;
    for (const at_native_counts& c : each) {
        sum.records += c.records;
        sum.ring_full += c.ring_full;
        sum.threads_full += c.threads_full;
        sum.sums_full += c.sums_full;
        sum.too_deep += c.too_deep;
        sum.returns_unknown += c.returns_unknown;
        sum.values_shed += c.values_shed;
    }
    return sum;
}

Result<std::vector<at_call_stack>> KernelProbes::open_calls() {
    const Link link(bpf_program__attach_iter(state_->object->progs.at_native_open_calls, nullptr));
    if (!link) return unexpected(errno_error("reading open calls", errno));
    const Fd file(bpf_iter_create(bpf_link__fd(link.get())));
    if (!file) return unexpected(errno_error("reading open calls", errno));
    std::vector<char> bytes;
    std::array<char, 65536> some{};
    for (;;) {
        const ssize_t n = read(file.get(), some.data(), some.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return unexpected(errno_error("reading open calls", errno));
        if (n == 0) break;
        bytes.insert(bytes.end(), some.begin(), some.begin() + n);
    }
    std::vector<at_call_stack> stacks(bytes.size() / sizeof(at_call_stack));
    if (!stacks.empty()) std::memcpy(stacks.data(), bytes.data(), stacks.size() * sizeof(at_call_stack));
    return stacks;
}

}  // namespace autotune::native
