#include "agent/bpf/bpf_source.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/bpf/cgroup_scope.hpp"
#include "agent/bpf/kernel_object.hpp"
#include "agent/bpf/loss_meter.hpp"
#include "agent/bpf/process_scope.hpp"
#include "agent/bpf/record_decoder.hpp"
#include "agent/bpf/syscall_meter.hpp"
#include "agent/bpf/tls_probes.hpp"
#include "os/cgroup_layout.hpp"

namespace autotune {
namespace {

// Records other than urgent ones wake nobody, unless they are very many. While there are some the ring is looked at
// often, when there are few seldom: each look costs all that follows from it.
constexpr Nanos kDrainInterval = std::chrono::milliseconds(10);
constexpr Nanos kLongestInterval = std::chrono::milliseconds(200);
constexpr std::size_t kWorthADrain = 200;  // records; with fewer it is looked at less often
constexpr Nanos kLossInterval = std::chrono::seconds(1);  // at least so often, also when nothing comes
constexpr Nanos kSettleInterval = std::chrono::seconds(1);
constexpr Nanos kSweepInterval = std::chrono::seconds(1);
constexpr Nanos kTotalsInterval = std::chrono::seconds(1);
constexpr std::size_t kRecordsPerDrain = 200'000;                // a flood must not keep us for ever
constexpr std::size_t kMostNotes = 100;

}  // namespace

class BpfSource::Impl {
public:
    Impl(KernelObject kernel, BpfSourceOptions options)
        : kernel_(std::move(kernel)), options_(std::move(options)), decoder_(Procfs(options_.proc)) {}

    Status start() {
        if (health_.attached) return ok();
        if (options_.run_time == RunTimeStatistics::on)
            if (auto s = kernel_.measure_run_time(); !s) return s;
        if (auto s = kernel_.attach(); !s) return s;
        health_.attached = true;
        expect_tls();
        return list_existing();
    }

    Status focus(const Detail& detail) {
        const Telling telling{
            .io = detail.io, .waits = detail.waits, .syscalls = detail.syscalls, .shed = detail.shed};
        // What is told changes often, for the budget's sake; what is watched then stays as it is.
        const bool same = detail.cgroups == detail_.cgroups && detail.processes == detail_.processes;
        if (!health_.attached || !same || telling == telling_)
            if (auto s = watch(detail); !s) return s;
        if (telling_.shed.files && !telling.shed.files) decoder_.forget_names();  // much was opened unseen
        if (telling_.shed.sockets && !telling.shed.sockets) decoder_.forget_conversations();
        if (auto s = kernel_.tell(telling); !s) return s;
        telling_ = telling;
        detail_ = detail;
        expect_tls();
        counts_calls_ = counts_calls_ || detail.syscalls == SyscallDetail::counted;
        return ok();
    }

    Result<Poll> poll(Nanos wait, EventBatch& batch) {
        const Timestamp deadline = clock_.now() + std::max(wait, Nanos(0));
        const std::size_t before = batch.events.size();
        bool all_ended = false;
        for (;;) {
            const Timestamp now = clock_.now();
            const Nanos nap = std::min(drained_ + drain_interval_, deadline) - now;
            if (nap > Nanos(0))
                if (auto s = kernel_.wait(nap); !s) return s.forward();
            all_ended = ends_with_processes_ && health_.attached && have_processes_ended();
            if (auto s = drain(batch); !s) return s.forward();  // what those that have ended told is there
            if (all_ended || clock_.now() >= totals_told_ + kTotalsInterval) tell_totals(batch);
            if (batch.events.size() > before || all_ended || clock_.now() >= deadline) break;
        }
        Poll result{.told_until = told_until_};
        if (all_ended) result.state = PollState::ended;
        if (batch.events.size() > before) result.state = PollState::ready;
        result.urgent = std::any_of(batch.events.begin() + static_cast<std::ptrdiff_t>(before),
                                    batch.events.end(), is_urgent);
        return result;
    }

    Status finish(EventBatch& batch) {
        if (!std::exchange(health_.attached, false)) return ok();
        const auto times = kernel_.thread_times();
        kernel_.detach();
        tls_.forget();
        tell_totals(batch);
        for (std::size_t drained = kRecordsPerDrain; drained == kRecordsPerDrain;) {
            const std::uint64_t before = health_.records_received;
            if (auto s = drain(batch); !s) return s;
            drained = health_.records_received - before;
        }
        tell_losses(batch);
        if (!times) return times.forward();
        decode_all<at_thread_times_record>(*times, batch);
        decoder_.finish(clock_.now(), batch);
        return ok();
    }

    [[nodiscard]] SourceHealth health() const {
        SourceHealth now = health_;
        now.missing = kernel_.missing();
        now.missing.insert(now.missing.end(), tls_.missing().begin(), tls_.missing().end());
        now.missing.insert(now.missing.end(), notes_.begin(), notes_.end());
        return now;
    }
    [[nodiscard]] double bpf_run_seconds() const {
        return options_.run_time == RunTimeStatistics::on ? kernel_.run_seconds() : 0;
    }
    [[nodiscard]] bool can_shed_causes() const { return kernel_.can_settle_apart(); }
    [[nodiscard]] TrackedMaps tracked_maps() const {
        return {kernel_.tracked_cgroups_fd(), kernel_.tracked_processes_fd()};
    }

private:
    Status watch(const Detail& detail) {
        auto processes = find_processes(Procfs(options_.proc), detail.processes, processes_);
        if (!processes) return processes.forward();
        Watch wish{.roots = {},
                   .processes = processes->all,
                   .new_processes = processes->fresh,
                   .keep = std::nullopt};
        if (!wish.processes.empty()) wish.keep.emplace();
        if (!detail.cgroups.empty()) {
            const auto layout = detect_cgroup_layout();
            if (!layout) return layout.forward("finding the cgroup2 mount");
            auto scope = find_cgroups(layout->unified, detail.cgroups);
            if (!scope) return scope.forward();
            wish.roots = std::move(scope->roots);
            wish.keep = std::move(scope->subtree);
        }
        if (auto s = kernel_.watch(wish); !s) return s;
        processes_ = std::move(wish.processes);
        ends_with_processes_ = !processes_.empty() && wish.roots.empty();
        return health_.attached ? list_existing() : ok();
    }

    // An exit that passed by unseen, or that was before we attached, must not keep us for ever.
    [[nodiscard]] bool have_processes_ended() {
        if (!kernel_.watches_a_process()) return true;
        if (clock_.now() < swept_ + kSweepInterval) return false;
        swept_ = clock_.now();
        for (const auto pid : kernel_.watched_processes())
            if (kill(pid, 0) != 0 && errno == ESRCH) kernel_.forget_process(pid);
        return !kernel_.watches_a_process();
    }

    // What system calls were counted since the last time. What is counted of a process that has ended is told
    // once more, then forgotten.
    void tell_totals(EventBatch& batch) {
        if (!counts_calls_) return;
        totals_told_ = clock_.now();
        const std::vector<CallCount> counts = kernel_.call_counts();
        syscall_meter_.update(counts, totals_told_, batch.events);
        for (const ProcessId& process : std::exchange(over_, {})) {
            kernel_.forget_call_counts(process);
            syscall_meter_.forget(process);
        }
        for (const CallCount& count : counts)
            if ((over_.empty() || over_.back() != count.process) && kill(count.process.pid, 0) != 0 &&
                errno == ESRCH)
                over_.push_back(count.process);
    }

    void decode(std::span<const std::byte> record, EventBatch& batch) {
        if (!decoder_.decode(record, batch)) ++undecodable_;
    }

    template <class Record>
    void decode_all(std::span<const std::byte> records, EventBatch& batch) {
        for (; records.size() >= sizeof(Record); records = records.subspan(sizeof(Record)))
            decode(records.first(sizeof(Record)), batch);
    }

    Status list_existing() {
        auto records = kernel_.existing_processes();
        if (!records) return records.forward();
        existing_ = *std::move(records);
        return ok();
    }

    // Somebody was named: the next thing that is started may be over before we have looked at it.
    void expect_tls() {
        if (health_.attached && detail_.io && !(detail_.cgroups.empty() && detail_.processes.empty()))
            tls_.look_at_system();
    }

    // Those that ran before us come first, at the first poll: only there is a batch to put them in.
    Status tell_existing(EventBatch& batch) {
        const bool is_listing = !existing_.empty();
        decode_all<at_existing_record>(std::exchange(existing_, {}), batch);
        if (is_listing && detail_.cgroups.empty() && detail_.processes.empty()) note_shared_sandboxes();
        bool found = false;
        for (const CgroupId cgroup : decoder_.take_discovered()) {
            if (auto s = kernel_.watch_cgroup(cgroup); !s) return s;
            found = true;
        }
        if (found)
            if (auto s = list_existing(); !s) return s;  // now also the threads of what was found
        std::vector<KernelObject::Executor> early;
        for (const auto& [pid, port] : decoder_.take_early()) early.push_back({pid, port});
        return early.empty() ? ok() : kernel_.take_up(early);
    }

    // A scope that was found is a cgroup: what else is in it is told as the executor's.
    void note_shared_sandboxes() {
        for (const auto& [executor, strangers] : decoder_.shared_sandboxes()) {
            if (shared_.size() >= kMostNotes || !shared_.insert(executor).second) continue;
            notes_.push_back("process " + std::to_string(executor.pid) + ", an executor, shares its cgroup with " +
                             std::to_string(strangers) + " other process" + (strangers == 1 ? "" : "es") +
                             ": what they do is told as its own (-p " + std::to_string(executor.pid) + " is it alone)");
        }
    }

    Status drain(EventBatch& batch) {
        const std::size_t before = batch.events.size();
        decoder_.set_wall_offset(clock_.wall().time_since_epoch() - clock_.now().time_since_epoch());
        if (auto s = tell_existing(batch); !s) return s;
        const Timestamp looked = clock_.now();
        const auto drained = kernel_.drain([&](std::span<const std::byte> record) { decode(record, batch); },
                                           kRecordsPerDrain);
        if (!drained) return drained.forward();
        if (*drained < kRecordsPerDrain)
            told_until_ = looked;
        else if (batch.events.size() > before)  // there is more, and what is told is in the order of time
            told_until_ = std::max(told_until_.value_or(Timestamp::min()), batch.events.back().at);
        if (decoder_.take_unlisted())
            if (auto s = list_existing(); !s) return s;
        if (detail_.io)
            for (const std::int32_t pid : decoder_.take_new_code()) tls_.look_at(pid);
        drained_ = clock_.now();
        drain_interval_ = *drained >= kWorthADrain ? std::max(drain_interval_ / 2, kDrainInterval)
                                                   : std::min(2 * drain_interval_, kLongestInterval);
        health_.records_received += *drained;
        health_.events += batch.events.size() - before;
        if (*drained > 0 || drained_ - losses_told_ >= kLossInterval) tell_losses(batch);
        if (!telling_.shed.causes || drained_ - settled_ < kSettleInterval) return ok();
        settled_ = drained_;
        return kernel_.settle();
    }

    void tell_losses(EventBatch& batch) {
        losses_told_ = drained_;
        std::vector<Lost> losses = meter_.update(kernel_.counts());
        health_.records_attempted = meter_.attempted();
        if (undecodable_ > 0)
            losses.push_back({.kind = LossKind::undecodable, .count = std::exchange(undecodable_, 0)});
        for (const Lost& lost : losses) {
            if (lost.kind == LossKind::ring_full) {
                decoder_.forget_names();
                decoder_.forget_conversations();
                if (detail_.io)
                    for (const std::int32_t pid : decoder_.processes()) tls_.look_at(pid);
            }
            health_.lost[static_cast<std::size_t>(lost.kind)] += lost.count;
            batch.events.push_back({.at = drained_, .process = {}, .by = Backend::bpf, .body = lost});
        }
    }

    SystemClock clock_;
    KernelObject kernel_;
    BpfSourceOptions options_;
    RecordDecoder decoder_;
    TlsProbes tls_{kernel_, options_.proc};
    LossMeter meter_;
    SourceHealth health_;
    Timestamp drained_{};
    std::optional<Timestamp> told_until_;  // what happened before this has been read
    Timestamp losses_told_{}, settled_{};
    Nanos drain_interval_ = kDrainInterval;
    std::uint64_t undecodable_ = 0;
    std::vector<std::byte> existing_;
    std::set<ProcessId> shared_;  // executors that a note says it of, a hundred at most
    std::vector<std::string> notes_;
    Detail detail_;  // as asked for last
    Telling telling_;
    std::vector<std::int32_t> processes_;  // that were asked for
    bool ends_with_processes_ = false;
    Timestamp swept_{};
    bool counts_calls_ = false;  // or did: what is left is to be told
    Timestamp totals_told_{};
    std::vector<ProcessId> over_;  // of processes that have ended
    SyscallMeter syscall_meter_;
};

BpfSource::BpfSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BpfSource::~BpfSource() = default;
Status BpfSource::start() { return impl_->start(); }
Status BpfSource::focus(const Detail& detail) { return impl_->focus(detail); }
Result<Poll> BpfSource::poll(Nanos wait, EventBatch& batch) { return impl_->poll(wait, batch); }
SourceHealth BpfSource::health() const { return impl_->health(); }
double BpfSource::bpf_run_seconds() const { return impl_->bpf_run_seconds(); }
Status BpfSource::finish(EventBatch& batch) { return impl_->finish(batch); }
bool BpfSource::can_shed_causes() const { return impl_->can_shed_causes(); }
TrackedMaps BpfSource::tracked_maps() const { return impl_->tracked_maps(); }

Result<std::unique_ptr<BpfSource>> make_bpf_source(BpfSourceOptions options) {
    auto kernel = KernelObject::load(options.ring_bytes);
    if (!kernel) return kernel.forward();
    return std::unique_ptr<BpfSource>(
        new BpfSource(std::make_unique<BpfSource::Impl>(*std::move(kernel), std::move(options))));
}

}  // namespace autotune
