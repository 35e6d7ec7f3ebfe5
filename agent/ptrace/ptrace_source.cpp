#include "agent/ptrace/ptrace_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/bpf/record_decoder.hpp"
#include "agent/ptrace/record_queue.hpp"
#include "agent/ptrace/tracer.hpp"

namespace autotune {
namespace {

constexpr Nanos kDrainInterval = std::chrono::milliseconds(10);

std::vector<std::string> own_environment() {
    std::vector<std::string> all;
    for (char** variable = environ; variable && *variable; ++variable) all.emplace_back(*variable);
    return all;
}

}  // namespace

class PtraceSource::Impl {
public:
    explicit Impl(PtraceSourceOptions options) : options_(std::move(options)) {}

    Status start() {
        if (tracer_) return ok();
        if (options_.command.empty() && detail_.processes.empty())
            return fail(Errc::invalid_argument, "ptrace needs a program to start or a process to attach to");
        auto tracer = std::make_unique<ptrace::Tracer>(
            ptrace::TracerOptions{
                .command = options_.command,
                .environment = options_.environment ? *options_.environment : own_environment(),
                .processes = detail_.processes,
                .detail = detail_},
            queue_);
        if (auto s = tracer->start(); !s) return s;
        tracer_ = std::move(tracer);
        return ok();
    }

    Status focus(const Detail& detail) {
        if (!detail.cgroups.empty())
            return fail(Errc::unsupported, "ptrace traces processes, not cgroups: name a pid or start the program");
        detail_ = detail;
        if (tracer_) tracer_->focus(detail);
        return ok();
    }

    Result<Poll> poll(Nanos wait, EventBatch& batch) {
        const Timestamp deadline = clock_.now() + std::max(wait, Nanos(0));
        const std::size_t before = batch.events.size();
        Poll result;
        for (;;) {  // not for each record: the traced program would wait for our waking up
            const Nanos nap = std::min(drained_ + kDrainInterval, deadline) - clock_.now();
            if (nap > Nanos(0)) queue_.wait(nap);
            const bool ended = drain(batch);
            if (batch.events.size() > before) break;
            if (!ended && clock_.now() < deadline) continue;
            if (ended) result.state = PollState::ended;
            return result;
        }
        result.state = PollState::ready;
        result.urgent = std::any_of(batch.events.begin() + static_cast<std::ptrdiff_t>(before), batch.events.end(),
                                    is_urgent);
        return result;
    }

    Status finish(EventBatch& batch) {
        if (!tracer_) return ok();
        tracer_->finish();
        drain(batch);
        return ok();
    }

    [[nodiscard]] const ptrace::Tracer* tracer() const { return tracer_.get(); }
    [[nodiscard]] PtraceHealth health() const {
        PtraceHealth now = health_;
        if (tracer_) {
            now.stops = tracer_->stops();
            now.call_bias = tracer_->call_bias();
        }
        return now;
    }

private:
    // True when there will never be more.
    bool drain(EventBatch& batch) {
        const std::size_t before = batch.events.size();
        decoder_.set_wall_offset(clock_.wall().time_since_epoch() - clock_.now().time_since_epoch());
        auto taken = queue_.take(std::move(buffer_));
        std::uint64_t undecodable = 0;
        std::span<const std::byte> rest = taken.records;
        while (rest.size() >= sizeof(at_header)) {
            at_header header;
            std::memcpy(&header, rest.data(), sizeof header);
            const auto record = rest.first(std::min<std::size_t>(header.size, rest.size()));
            rest = rest.subspan(record.size());
            if (header.kind == ptrace::kEventRecord)
                batch.events.push_back(ptrace::RecordQueue::event_of(record));
            else if (!decoder_.decode(record, batch))
                ++undecodable;
        }
        for (std::size_t i = before; i < batch.events.size(); ++i) batch.events[i].by = Backend::ptrace;
        health_.events += batch.events.size() - before;
        tell_lost(LossKind::ring_full, taken.lost, batch);
        tell_lost(LossKind::undecodable, undecodable, batch);
        const std::uint64_t failures = tracer_ ? tracer_->read_failures() : 0;
        tell_lost(LossKind::read_failed, failures - std::exchange(failures_told_, failures), batch);
        buffer_ = std::move(taken.records);
        drained_ = clock_.now();
        return taken.ended;
    }

    void tell_lost(LossKind kind, std::uint64_t count, EventBatch& batch) {
        if (count == 0) return;
        health_.lost += count;
        batch.events.push_back({.at = clock_.now(), .process = {}, .by = Backend::ptrace, .body = Lost{kind, count}});
    }

    PtraceSourceOptions options_;
    Detail detail_;
    SystemClock clock_;
    Timestamp drained_{};
    RecordDecoder decoder_;
    ptrace::RecordQueue queue_;
    std::vector<std::byte> buffer_;
    std::uint64_t failures_told_ = 0;
    PtraceHealth health_;
    std::unique_ptr<ptrace::Tracer> tracer_;  // last: its thread uses the queue
};

PtraceSource::PtraceSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PtraceSource::~PtraceSource() = default;
Status PtraceSource::start() { return impl_->start(); }
Status PtraceSource::focus(const Detail& detail) { return impl_->focus(detail); }
Result<Poll> PtraceSource::poll(Nanos wait, EventBatch& batch) { return impl_->poll(wait, batch); }
Status PtraceSource::finish(EventBatch& batch) { return impl_->finish(batch); }
PtraceHealth PtraceSource::health() const { return impl_->health(); }
pid_t PtraceSource::launched() const { return impl_->tracer() ? impl_->tracer()->launched() : 0; }
std::optional<ExitStatus> PtraceSource::exit_status() const {
    return impl_->tracer() ? impl_->tracer()->exit_status() : std::nullopt;
}
Status PtraceSource::signal_launched(int signal) const {
    if (!impl_->tracer()) return fail(Errc::not_found, "the program has not been started");
    return impl_->tracer()->signal_launched(signal);
}

Result<std::unique_ptr<PtraceSource>> make_ptrace_source(PtraceSourceOptions options) {
    return std::unique_ptr<PtraceSource>(new PtraceSource(std::make_unique<PtraceSource::Impl>(std::move(options))));
}

}  // namespace autotune
