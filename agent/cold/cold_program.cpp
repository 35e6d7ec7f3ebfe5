#include "agent/cold/cold_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "agent/bpf/libbpf_log.hpp"
#include "agent/cold/start_places.hpp"
#include "bpf/cold.skel.h"

// ::cold is the skeleton's.
using ColdSkeleton = struct cold;

namespace autotune::cold {
namespace {

struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
struct DestroySkeleton {
    void operator()(ColdSkeleton* object) const { cold__destroy(object); }
};
struct FreeRing {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

using OnMark = std::function<void(const at_cold_mark&)>;

int give_mark(void* context, void* data, std::size_t size) {
    at_cold_mark mark{};
    if (size != sizeof mark) return 0;
    std::memcpy(&mark, data, sizeof mark);
    (*static_cast<const OnMark*>(context))(mark);
    return 0;
}

}  // namespace

struct ColdProgram::State {
    std::unique_ptr<ColdSkeleton, DestroySkeleton> object;
    std::unique_ptr<ring_buffer, FreeRing> ring;
    std::vector<std::unique_ptr<bpf_link, DestroyLink>> links;
    std::set<std::string> marked;
    OnMark on_mark;  // the ring's context: its address must stay

    bool probe(bpf_program* program, const std::string& path, std::uint64_t offset, std::uint64_t cookie = 0,
               std::uint64_t semaphore = 0, bool at_return = false) {
        bpf_uprobe_opts options{};
        options.sz = sizeof options;
        options.ref_ctr_offset = semaphore;
        options.bpf_cookie = cookie;
        options.retprobe = at_return;
        bpf_link* link = bpf_program__attach_uprobe_opts(program, -1, path.c_str(), offset, &options);
        if (link != nullptr) links.emplace_back(link);
        return link != nullptr;
    }
};

ColdProgram::ColdProgram(std::unique_ptr<State> state) : state_(std::move(state)) {}
ColdProgram::~ColdProgram() = default;
ColdProgram::ColdProgram(ColdProgram&&) noexcept = default;
ColdProgram& ColdProgram::operator=(ColdProgram&&) noexcept = default;

Result<ColdProgram> ColdProgram::load() {
#if !defined(__x86_64__)
    return fail(Errc::unsupported, "cold starts are told on x86-64 only");
#endif
    const LibbpfLog log;
    auto state = std::make_unique<State>();
    state->object.reset(cold__open());
    if (!state->object) return unexpected(log.explain("loading what marks starts", errno));
    ColdSkeleton& object = *state->object;
    object.rodata->at_page_size = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
    if (const int failed = cold__load(&object); failed != 0)
        return unexpected(log.explain("loading what marks starts", -failed));
    const auto& p = object.progs;
    for (bpf_program* program : {p.at_cold_fork, p.at_cold_exec, p.at_cold_exit, p.at_cold_call, p.at_cold_called}) {
        state->links.emplace_back(bpf_program__attach(program));
        if (!state->links.back()) return unexpected(log.explain("loading what marks starts", errno));
    }
    state->ring.reset(ring_buffer__new(bpf_map__fd(object.maps.cold_marks), give_mark, &state->on_mark, nullptr));
    if (!state->ring) return unexpected(log.explain("loading what marks starts", errno));
    return ColdProgram(std::move(state));
}

Status ColdProgram::watch(std::int32_t pid) {
    const std::uint64_t fresh[4] = {};
    if (bpf_map_update_elem(bpf_map__fd(state_->object->maps.cold_processes), &pid, fresh, BPF_ANY) != 0)
        return unexpected(errno_error("watching process " + std::to_string(pid), errno));
    return ok();
}

Result<std::string> ColdProgram::mark(const std::string& path) {
    if (!state_->marked.insert(path).second) return std::string();
    const auto places = find_start_places(path);
    if (!places) return places.forward();
    const LibbpfLog log;  // what libbpf says is ours to say
    const auto& p = state_->object->progs;
    State& s = *state_;
    std::string remark;
    if (places->entry && !s.probe(p.at_cold_entry, path, *places->entry)) remark = path + ": its first instruction takes no probe";
    if (places->run_main) (void)s.probe(p.at_cold_run_main, path, *places->run_main);
    if (places->eval_code && places->code_file != 0) {
        const std::uint64_t cookie = AT_COLD_COOKIE(AT_COLD_RDI, places->code_file, places->text);
        // The end first: a beginning without an end would stay open.
        if (!s.probe(p.at_cold_body_ends, path, *places->eval_code, 0, 0, true) ||
            !s.probe(p.at_cold_body_begins, path, *places->eval_code, cookie))
            remark = path + ": modules' code cannot be marked";
    }
    if (places->import_begins) {
        const ImportProbe& begins = *places->import_begins;
        if (!s.probe(p.at_cold_import_ends, path, places->import_ends->offset, 0, places->import_ends->semaphore) ||
            !s.probe(p.at_cold_import_begins, path, begins.offset, begins.name_register, begins.semaphore))
            remark = path + ": imports cannot be marked";
    }
    return remark;
}

Status ColdProgram::drain(Nanos wait, const OnMark& on_mark) {
    state_->on_mark = on_mark;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Nanos(0))).count();
    int got = ring_buffer__poll(state_->ring.get(), static_cast<int>(ms));
    if (got >= 0 || got == -EINTR) got = ring_buffer__consume(state_->ring.get());  // marks that woke nobody
    state_->on_mark = nullptr;
    if (got < 0 && got != -EINTR) return unexpected(errno_error("reading marks", -got));
    return ok();
}

std::uint64_t ColdProgram::lost() const {
    std::uint32_t zero = 0;
    std::uint64_t lost = 0;
    (void)bpf_map_lookup_elem(bpf_map__fd(state_->object->maps.cold_lost), &zero, &lost);
    return lost;
}

}  // namespace autotune::cold
