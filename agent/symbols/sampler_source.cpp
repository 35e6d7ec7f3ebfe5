#include "agent/symbols/sampler_source.hpp"

#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "agent/symbols/copied_stacks.hpp"
#include "agent/symbols/mapping_watch.hpp"
#include "agent/symbols/python_frames.hpp"
#include "agent/symbols/sampler_program.hpp"
#include "agent/symbols/sampler_record.hpp"
#include "agent/symbols/stack_book.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "agent/symbols/unwind_loader.hpp"
#include "os/cgroup_layout.hpp"
#include "os/procfs.hpp"

namespace autotune::symbols {

namespace {

constexpr Nanos kOften = std::chrono::milliseconds(20);
constexpr Nanos kSeldom = std::chrono::seconds(2);

// Cgroups that do not exist (any more) are left out: they have no processes to sample.
Result<std::vector<CgroupId>> ids_of(const std::vector<std::string>& paths) {
    std::vector<CgroupId> ids;
    if (paths.empty()) return ids;
    const auto layout = detect_cgroup_layout();
    if (!layout) return layout.forward("resolving cgroups to sample");
    for (const std::string& path : paths) {
        struct stat s {};
        const auto relative = path.substr(std::min(path.find_first_not_of('/'), path.size()));
        if (stat((layout->unified / relative).c_str(), &s) == 0) ids.push_back(CgroupId{s.st_ino});
    }
    return ids;
}

class Sampler final : public SamplerSource {
public:
    explicit Sampler(const SamplerOptions& options) : options_(options) {
        detail_.sample_hz = options.sample_hz;
    }

    Status start() override {
        auto loaded = SamplerProgram::load(
            {.tracked = options_.tracked,
             .ring_bytes = options_.ring_bytes,
             .sample_hz = detail_.sample_hz,
             .times = keeps_times(),
             .exact_ticks = options_.mode == SamplerMode::wall,
             .memory = options_.mode == SamplerMode::memory   ? MemoryKind::pages
                       : options_.mode == SamplerMode::growth ? MemoryKind::growth
                                                              : MemoryKind::none,
             .run_time = options_.run_time,
             .kernel = options_.kernel});
        if (!loaded) return loaded.forward();
        program_ = std::move(*loaded);
        unwinding_.emplace(program_->unwind_maps());
        // Megabytes of names: read when the first process comes they would make us late for its mappings.
        if (options_.kernel) {
            Tables unused;
            (void)symbolizer_.resolve_kernel(1, unused);
        }
        auto applied = apply();
        if (applied && keeps_times()) applied = program_->meet_threads();
        if (applied) hears_mappings_ = mappings_.start().has_value();
        if (applied) applied = make_ready_fd();
        if (!applied) program_.reset();
        return applied;
    }

    Status focus(const Detail& detail) override {
        detail_ = detail;
        return program_ ? apply() : ok();
    }

    Result<Poll> poll(Nanos wait, EventBatch& batch) override {
        if (!program_) return fail(Errc::invalid_argument, "the sampler has not been started");
        const std::size_t before = batch.events.size();
        const auto drained =
            program_->drain(wait, [&](std::span<const std::byte> bytes) { take(bytes, batch); });
        if (!drained) return drained.forward();
        mappings_.catch_up();
        // Asking costs as much as some hundred samples.
        if (SystemClock().now() - losses_told_ >= std::chrono::seconds(1)) tell_losses(batch);
        return Poll{.state = batch.events.size() > before ? PollState::ready : PollState::idle};
    }

    Status finish(EventBatch& batch) override {
        if (!program_) return ok();
        if (!keeps_times()) {
            tell_losses(batch);
            return ok();
        }
        const auto taken = [&](std::span<const std::byte> bytes) { take(bytes, batch); };
        // What the ring still holds was earlier, and has the stacks that the rest refers to.
        if (Status s = program_->drain(Nanos(0), taken); !s) return s;
        std::vector<std::vector<std::byte>> open;
        if (Status s = program_->close_threads([&](auto bytes) { open.emplace_back(bytes.begin(), bytes.end()); }); !s)
            return s;
        if (Status s = program_->drain(Nanos(0), taken); !s) return s;
        for (const auto& bytes : open) taken(bytes);
        tell_losses(batch);
        return ok();
    }

    [[nodiscard]] SamplerHealth health() const override {
        SamplerHealth health = health_;
        health.attached = program_.has_value();
        health.unresolved_code = python_.unresolved();
        if (program_) health.not_copied = program_->counts()[AT_COUNT_NOT_COPIED];
        health.unknown_stacks = stacks_.unknown();
        health.symbols = symbolizer_.counts();
        if (unwinding_) {
            health.unwinding_refused = unwinding_->counts().refused;
            health.unwinding_damaged = unwinding_->counts().damaged;
        }
        health.hears_mappings = hears_mappings_;
        health.fetches = symbolizer_.fetches();
        return health;
    }
    void expect(const ProcessId& process) override {
        if (program_) look_at(process);
    }
    [[nodiscard]] int ready_fd() const override { return program_ ? ready_.get() : -1; }
    [[nodiscard]] Nanos patience() const override {
        if (options_.mode != SamplerMode::on_cpu) return kOften;
        // The clock comes evenly, at a rate that we chose. A look costs as much as ten samples.
        if (has_passing_names_) return std::clamp(10 * period(), kOften, 5 * kOften);
        return program_ ? std::clamp(program_->room_for(ticking_hz_) / 2, kOften, kSeldom) : kSeldom;
    }
    [[nodiscard]] double bpf_run_seconds() const override { return program_ ? program_->run_seconds() : 0; }

private:
    Status make_ready_fd() {
        ready_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
        std::vector<int> all = mappings_.ready_fds();
        all.push_back(program_->ready_fd());
        for (const int fd : all) {
            epoll_event event{.events = EPOLLIN, .data = {}};
            if (!ready_ || ::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
                return unexpected(errno_error("waiting for samples", errno));
        }
        return ok();
    }

    Status apply() {
        const bool ticks = options_.mode == SamplerMode::on_cpu || options_.mode == SamplerMode::wall;
        const std::uint32_t hz = detail_.stacks && ticks ? detail_.sample_hz : 0;
        if (options_.tracked.cgroups < 0) {
            const auto ids = ids_of(detail_.cgroups);
            if (!ids) return ids.forward();
            if (auto traced = program_->trace(*ids, Procfs().with_descendants(detail_.processes)); !traced)
                return traced;
        }
        if (ticking_hz_ == hz) return ok();
        if (auto ticking = program_->tick(hz); !ticking) return ticking;
        ticking_hz_ = hz;
        return ok();
    }

    void take(std::span<const std::byte> bytes, EventBatch& batch) {
        health_.bytes += bytes.size();
        auto record = decode_sampler_record(bytes, told_);
        if (!record) {
            ++undecodable_;
            return;
        }
        if (const auto* exec = std::get_if<ExecRecord>(&*record)) {
            mappings_.advance(exec->from.at);
            python_.forget(exec->from.process);
            unwinding_->forget(exec->from.process);
            looked_at_ = {};
            symbolizer_.replaced(exec->from.process, exec->program);
            mappings_.replaced(exec->from.process);
            look_at(exec->from.process);
        } else if (auto* told = std::get_if<SampleRecord>(&*record)) {
            mappings_.advance(told->from.at);
            mappings_.met(told->from.process);
            // The leaf first: an address outside what is known makes the mappings be read again.
            if (!told->native.empty()) {
                const Mapping* leaf = symbolizer_.mapping_at(told->from.process, told->native[0]);
                if (leaf == nullptr || (!leaf->has_file() && leaf->path.empty())) has_passing_names_ = true;
            }
            const ProcessId process = told->from.process;
            look_at(process);
            if (told->copied) {
                ++health_.copied;
                walk_copy(*told);
            }
            if (told->full_epoch) program_->renumber_addresses(*told->full_epoch);
            const WeightRecord tick{.from = told->from, .stack = told->number};
            const bool is_tick = told->is_tick;
            stacks_.learn(std::move(*told), batch.tables);
            look_at(process);  // naming it may have read them anew, and the same stack is not told again
            if (is_tick) take_weight(tick, batch);
        } else if (const auto* weight = std::get_if<WeightRecord>(&*record)) {
            mappings_.advance(weight->from.at);
            take_weight(*weight, batch);
        }
    }

    void take_weight(const WeightRecord& record, EventBatch& batch) {
        const BuiltStack built = stacks_.find(record.stack, batch.tables);
        ++health_.samples;
        if (built.python) ++health_.python_samples;
        health_.guessed_runs += built.guessed_runs;
        StackSample sample{.stack = built.stack, .truncated = built.truncated};
        const Nanos time(static_cast<std::int64_t>(record.weight));
        switch (record.of) {
            case AT_SAMPLE_TICK: sample.period = period(); break;
            case AT_SAMPLE_CPU: sample.period = time; break;
            case AT_SAMPLE_OFF: sample.of = SampleOf::off_cpu, sample.period = time; break;
            case AT_SAMPLE_MEMORY: sample.of = SampleOf::memory, sample.bytes = record.weight; break;
            case AT_SAMPLE_LATER: break;  // never of a sample
        }
        batch.events.push_back({.at = record.from.at,
                                .process = record.from.process,
                                .thread = record.from.thread,
                                .cgroup = record.from.cgroup,
                                .by = Backend::bpf,
                                .body = sample});
    }

    // The kernel side had no tables, or not all. Read them, and walk as it would have.
    void walk_copy(SampleRecord& told) {
        const auto copy = copies_.take(told.from, *program_);
        if (!copy) return;
        const ProcessId& process = told.from.process;
        for (int attempt = 0; attempt < 2; ++attempt) {
            auto walked = unwinding_->walk(process, *copy);
            if (!walked) return;
            const bool whole = walked->result == AT_NATIVE_WHOLE;
            const bool unmapped = walked->result == AT_NATIVE_UNMAPPED;
            const std::uint64_t last = walked->frames.back();
            if (whole || walked->frames.size() > told.native.size()) {
                told.native = std::move(walked->frames);
                told.native_result = walked->result;
            }
            if (!unmapped || attempt > 0) return;
            // Perhaps a library that came since; code that no file describes is not worth another look.
            if (symbolizer_.maps(process).find(last) == nullptr) symbolizer_.refresh(process);
            look_at(process);
        }
    }

    // What the kernel side must know of the process to walk its stacks; cheap when nothing has changed.
    void look_at(const ProcessId& process) {
        const std::uint64_t reads = symbolizer_.observe(process);
        if (looked_at_ == process && looked_at_reads_ == reads) return;
        looked_at_ = process;
        looked_at_reads_ = reads;
        unwinding_->learn(process, reads, symbolizer_.snapshot(process));
        const auto* found = python_.look(symbolizer_, process, reads);
        if (found == nullptr) return;
        has_passing_names_ = true;
        // Should the map be full for good, the process keeps its native stacks.
        (void)program_->add_python(
            process,
            {.start_ns = process.start_ns, .runtime = found->runtime, .offsets = found->layout.walk});
    }

    [[nodiscard]] bool keeps_times() const {
        return options_.mode == SamplerMode::off_cpu || options_.mode == SamplerMode::wall;
    }
    [[nodiscard]] Nanos period() const { return Nanos(1'000'000'000 / std::max(ticking_hz_, 1u)); }

    void tell_losses(EventBatch& batch) {
        losses_told_ = SystemClock().now();
        const auto counts = program_->counts();
        tell_loss("ring_full", LossKind::ring_full, counts[AT_COUNT_RING_FULL], batch);
        tell_loss("state_map_full", LossKind::state_map_full, counts[AT_COUNT_STATE_FULL], batch);
        tell_loss("undecodable", LossKind::undecodable, undecodable_, batch);
        tell_loss("mappings_ring_full", LossKind::ring_full, mappings_.lost(), batch);
    }

    void tell_loss(const char* name, LossKind kind, std::uint64_t total, EventBatch& batch) {
        std::uint64_t& told = health_.lost[name];
        if (total == told) return;
        // Nobody knows whose they were; when: before now, after the last event.
        const Timestamp at = SystemClock().now();
        batch.events.push_back(
            {.at = at, .by = Backend::bpf, .body = Lost{.kind = kind, .count = total - told}});
        told = total;
    }

    SamplerOptions options_;
    Detail detail_;
    std::optional<SamplerProgram> program_;
    std::optional<UnwindLoader> unwinding_;  // into the program's maps
    std::uint32_t ticking_hz_ = 0;
    Symbolizer symbolizer_;
    ProcessId looked_at_;  // last, when its mappings had been read so often; nothing was forgotten since
    std::uint64_t looked_at_reads_ = 0;
    MappingWatch mappings_{symbolizer_, [this](const ProcessId& process) { look_at(process); }};
    bool hears_mappings_ = false;
    Fd ready_;  // of all that something urgent may come from
    PythonFrames python_;
    CopiedStacks copies_;
    ToldNumbers told_;
    StackBook stacks_{symbolizer_, python_};
    SamplerHealth health_;
    std::uint64_t undecodable_ = 0;
    Timestamp losses_told_{};
    bool has_passing_names_ = false;  // of some process: CPython's are in its memory, those of jitted code in a file that may go with it
};

}  // namespace

Result<std::unique_ptr<SamplerSource>> make_sampler_source(const SamplerOptions& options) {
    if (options.sample_hz == 0 || options.sample_hz > 100'000)
        return fail(Errc::invalid_argument, "the sampling rate must be 1 to 100000 Hz");
    return std::unique_ptr<SamplerSource>(std::make_unique<Sampler>(options));
}

}  // namespace autotune::symbols
