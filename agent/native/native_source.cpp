#include "agent/native/native_source.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "agent/bpf/cgroup_scope.hpp"
#include "agent/native/call_meter.hpp"
#include "agent/native/frame_book.hpp"
#include "agent/native/kernel_probes.hpp"
#include "agent/native/probe_plan.hpp"
#include "core/time.hpp"
#include "os/cgroup_layout.hpp"
#include "os/procfs.hpp"

namespace autotune::native {

namespace {

constexpr Nanos kTotalsEvery{1'000'000'000};
constexpr Nanos kDrainEvery{10'000'000};  // nothing wakes us
constexpr std::size_t kMostAtOnce = 65'536;

Result<std::pair<KernelProbes, AttachMethod>> load_probes(std::size_t functions, std::size_t ring_bytes,
                                                          Calibration& biases) {
    std::optional<Error> last;
    for (const AttachMethod method : {AttachMethod::session, AttachMethod::multi, AttachMethod::pairs}) {
        auto loaded = KernelProbes::load(method, std::max<std::size_t>(functions, 16), ring_bytes);
        if (!loaded) {
            last = loaded.error();
            if (last->code == Errc::permission_denied) break;
            continue;
        }
        // Whether this kernel knows the method shows when a probe is attached.
        auto measured = calibrate(*loaded);
        if (!measured) {
            last = measured.error();
            continue;
        }
        biases = *measured;
        return std::pair(*std::move(loaded), method);
    }
    return unexpected(last->with_context("tracing native functions"));
}

Nanos nanos(std::uint64_t count) { return Nanos(static_cast<std::int64_t>(count)); }

bool is_over(std::uint32_t tgid, std::uint32_t tid) {
    std::error_code ignored;
    return !std::filesystem::exists("/proc/" + std::to_string(tgid) + "/task/" + std::to_string(tid),
                                    ignored);
}

}  // namespace

class NativeSource::Impl {
public:
    Impl(ProbePlan plan, KernelProbes probes, AttachMethod method, const Calibration& biases)
        : plan_(std::move(plan)), frames_(plan_), probes_(std::move(probes)) {
        health_.method = method;
        health_.biases = biases;
        health_.functions = plan_.functions.size();
        health_.missing = plan_.remarks;
        calibration_ = probes_.counts();
    }

    Status start() {
        for (std::uint32_t i = 0; i < plan_.functions.size(); ++i) {
            const PlannedFunction& f = plan_.functions[i];
            const ProbeBias& bias = health_.biases.of(f.site, f.end);
            if (Status s = probes_.describe(i, {.bias_ns = bias.bias_ns,
                                                .cost_ns = bias.cost_ns,
                                                .first_value = f.first_value,
                                                .value_count = f.value_count});
                !s)
                return s;
        }
        for (std::uint32_t i = 0; i < plan_.values.size(); ++i)
            if (Status s = probes_.wish(i, plan_.values[i].kernel); !s) return s;
        if (Status s = probes_.follow(); !s) return s;
        if (Status s = apply(); !s) return s;
        for (const ProbeSet& set : plan_.probes)
            if (Status s = probes_.attach(set); !s) {
                probes_.detach();
                return s;
            }
        health_.attached = true;
        return ok();
    }

    Status focus(const Detail& detail) {
        detail_ = detail;
        return health_.attached ? apply() : ok();
    }

    Result<Poll> poll(Nanos wait, EventBatch& batch) {
        if (!health_.attached) return fail(Errc::invalid_argument, "the native source has not been started");
        const std::size_t before = batch.events.size();
        const bool was_over = is_over_now();
        if (auto drained = drain(batch); !drained) return drained.forward();
        if (batch.events.size() == before && !was_over && wait > Nanos(0)) {
            if (Status s = probes_.wait(std::min(wait, kDrainEvery)); !s) return s.forward();
            if (auto drained = drain(batch); !drained) return drained.forward();
        }
        const Timestamp now = SystemClock().now();
        if (now - totals_told_ >= kTotalsEvery) tell_totals(now, batch);
        tell_losses(now, batch);
        if (batch.events.size() > before) return Poll{.state = PollState::ready};
        if (!was_over) return Poll{.state = PollState::idle};
        tell_totals(now, batch);
        return Poll{.state = batch.events.size() > before ? PollState::ready : PollState::ended};
    }

    Status finish(EventBatch& batch) {
        if (!health_.attached) return ok();
        probes_.detach();
        health_.attached = false;
        for (;;) {
            const auto drained = drain(batch);
            if (!drained) return drained.forward();
            if (*drained == 0) break;
        }
        const Timestamp now = SystemClock().now();
        Status open = tell_open_calls(now, batch);
        tell_totals(now, batch);
        tell_losses(now, batch);
        return open;
    }

    [[nodiscard]] const NativeHealth& health() const { return health_; }

private:
    Status apply() {
        const auto processes = Procfs().with_descendants(detail_.processes);
        std::vector<CgroupId> cgroups;
        if (!detail_.cgroups.empty()) {
            const auto layout = detect_cgroup_layout();
            if (!layout) return layout.forward("resolving cgroups");
            const auto scope = find_cgroups(layout->unified, detail_.cgroups);
            if (!scope) return scope.forward();
            cgroups = scope->roots;
        }
        return probes_.watch(processes, cgroups);
    }

    [[nodiscard]] bool is_over_now() const {
        return !detail_.processes.empty() && detail_.cgroups.empty() && !probes_.watches_a_process();
    }

    Result<std::size_t> drain(EventBatch& batch) {
        auto drained =
            probes_.drain([&](std::span<const std::byte> bytes) { take(bytes, batch); }, kMostAtOnce);
        if (drained) health_.records_received += *drained;
        return drained;
    }

    void take(std::span<const std::byte> bytes, EventBatch& batch) {
        at_native_call call{};
        at_native_value value{};
        if (bytes.size() == sizeof call) {
            std::memcpy(&call, bytes.data(), sizeof call);
            tell(call.head,
                 CallDone{.function = frames_.frame(call.head.index, batch.tables),
                          .depth = call.depth,
                          .how = call.how == AT_CALL_CUT ? CallEnd::cut : CallEnd::returned,
                          .duration = nanos(call.duration_ns),
                          .bias = nanos(call.added_ns)},
                 batch);
        } else if (bytes.size() == sizeof value) {
            std::memcpy(&value, bytes.data(), sizeof value);
            if (value.head.index >= plan_.values.size()) return;
            const PlannedValue& wish = plan_.values[value.head.index];
            tell(value.head,
                 VariableSeen{.expression = batch.tables.strings.intern(wish.wish.text),
                              .value = batch.tables.strings.intern(format_value(wish, value))},
                 batch);
        }
    }

    [[nodiscard]] ProbeBias bias_of(std::uint32_t function) const {
        if (function >= plan_.functions.size()) return {};
        const PlannedFunction& f = plan_.functions[function];
        return health_.biases.of(f.site, f.end);
    }

    static void tell(const at_native_head& head, EventBody body, EventBatch& batch) {
        batch.events.push_back(
            {.at = Timestamp(nanos(head.at_ns)),
             .process = {.pid = static_cast<std::int32_t>(head.tgid), .start_ns = head.start_ns},
             .thread = ThreadId(static_cast<std::int32_t>(head.tid)),
             .cgroup = CgroupId(head.cgroup),
             .by = Backend::bpf,
             .body = body});
    }

    void tell_totals(Timestamp now, EventBatch& batch) {
        totals_told_ = now;
        for (const auto& [key, sums] : probes_.sums()) {
            if (const auto added = meter_.fresh(key, sums)) {
                tell_total(now, key, *added, batch);
            } else if (is_over(key.tgid, key.tid)) {
                probes_.forget_sums(key);
                meter_.forget(key);
            }
        }
    }

    void tell_total(Timestamp now, const at_call_key& key, const at_call_sums& sums, EventBatch& batch) {
        const at_native_head head{.at_ns = static_cast<std::uint64_t>(now.time_since_epoch().count()),
                                  .start_ns = key.process_start_ns,
                                  .cgroup = sums.cgroup,
                                  .tgid = key.tgid,
                                  .tid = key.tid,
                                  .kind = 0,
                                  .index = key.function};
        tell(head,
             CallTotals{
                 .function = frames_.frame(key.function, batch.tables),
                 .caller = key.caller == AT_NO_CALLER ? FrameId{} : frames_.frame(key.caller, batch.tables),
                 .calls = sums.calls,
                 .total = nanos(sums.total_ns),
                 .self = nanos(sums.self_ns),
                 .bias = nanos(bias_of(key.function).bias_ns),
                 .spread = nanos(bias_of(key.function).spread_ns)},
             batch);
    }

    // The innermost first, as they would have ended; each is in no sum yet.
    Status tell_open_calls(Timestamp now, EventBatch& batch) {
        auto stacks = probes_.open_calls();
        if (!stacks) return stacks.forward();
        for (at_call_stack& stack : *stacks) {
            stack.depth = std::min<std::uint32_t>(stack.depth, AT_CALL_DEPTH);
            while (stack.depth > 0) {
                const std::uint32_t function = at_top_call(&stack)->function;
                const auto now_ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
                const std::uint32_t bias = bias_of(function).bias_ns;
                at_call_result call{};
                at_pop_call(&stack, now_ns, bias, bias, &call);
                const at_native_head head{.at_ns = now_ns,
                                          .start_ns = stack.process_start_ns,
                                          .cgroup = 0,
                                          .tgid = stack.tgid,
                                          .tid = stack.tid,
                                          .kind = AT_NATIVE_CALL,
                                          .index = function};
                tell(head,
                     CallDone{.function = frames_.frame(function, batch.tables),
                              .depth = call.depth,
                              .how = CallEnd::cut,
                              .duration = nanos(call.duration_ns),
                              .bias = nanos(call.added_ns)},
                     batch);
                tell_total(now,
                           {.process_start_ns = stack.process_start_ns,
                            .tgid = stack.tgid,
                            .tid = stack.tid,
                            .function = function,
                            .caller = call.caller},
                           {.calls = 1,
                            .total_ns = call.is_recursive != 0 ? 0 : call.duration_ns,
                            .self_ns = call.self_ns,
                            .cgroup = 0},
                           batch);
            }
        }
        return ok();
    }

    void tell_losses(Timestamp now, EventBatch& batch) {
        const at_native_counts counts = probes_.counts();
        health_.records_attempted = counts.records - calibration_.records;
        health_.untimed = counts.too_deep;
        tell_loss(now, LossKind::ring_full, counts.ring_full - calibration_.ring_full, batch);
        tell_loss(now, LossKind::state_map_full, counts.threads_full + counts.sums_full, batch);
        tell_loss(now, LossKind::shed, counts.values_shed, batch);
    }

    void tell_loss(Timestamp now, LossKind kind, std::uint64_t total, EventBatch& batch) {
        std::uint64_t& told = health_.lost.at(static_cast<std::size_t>(kind));
        if (total <= told) return;
        batch.events.push_back(
            {.at = now, .by = Backend::bpf, .body = Lost{.kind = kind, .count = total - told}});
        told = total;
    }

    ProbePlan plan_;
    FrameBook frames_;
    KernelProbes probes_;
    CallMeter meter_;
    Detail detail_;
    NativeHealth health_;
    at_native_counts calibration_{};  // what was counted before the source had a target
    Timestamp totals_told_{};
};

NativeSource::NativeSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NativeSource::~NativeSource() = default;
Status NativeSource::start() { return impl_->start(); }
Status NativeSource::focus(const Detail& detail) { return impl_->focus(detail); }
Result<Poll> NativeSource::poll(Nanos wait, EventBatch& batch) { return impl_->poll(wait, batch); }
Status NativeSource::finish(EventBatch& batch) { return impl_->finish(batch); }
NativeHealth NativeSource::health() const { return impl_->health(); }

Result<std::unique_ptr<NativeSource>> make_native_source(const NativeSourceOptions& options) {
    auto plan = plan_probes({.functions = options.functions,
                             .watches = options.watches,
                             .process = options.process,
                             .values_per_second = options.values_per_second});
    if (!plan) {
        Error error = plan.error();
        if (error.code == Errc::unsupported) error.code = Errc::invalid_argument;  // of the file, not of this machine
        return unexpected(std::move(error));
    }
    Calibration biases;
    auto loaded = load_probes(plan->functions.size(), options.ring_bytes, biases);
    if (!loaded) return loaded.forward();
    return std::unique_ptr<NativeSource>(new NativeSource(std::make_unique<NativeSource::Impl>(
        *std::move(plan), std::move(loaded->first), loaded->second, biases)));
}

}  // namespace autotune::native
