// InvocationDeeds as the sampler tells them.
#include <algorithm>
#include <utility>

#include "agent/symbols/sampler_source.hpp"
#include "cli/invocation_deeds.hpp"
#include "cli/sampler_notes.hpp"

namespace autotune::cli {

namespace {

class SampledDeeds final : public InvocationDeeds {
public:
    SampledDeeds(const ProfileTarget& target, const BpfSource& boundaries, Detail detail,
                 std::unique_ptr<symbols::SamplerSource> sampler)
        : target_(target), boundaries_(boundaries), detail_(std::move(detail)), sampler_(std::move(sampler)) {}

    Status start() override {
        if (Status s = sampler_->focus(detail_); !s) return s;
        return sampler_->start();
    }
    Status poll(EventBatch& batch) override {
        const std::size_t before = batch.events.size();
        if (auto polled = sampler_->poll(Nanos(0), batch); !polled) return polled.forward();
        count(batch, before);
        return ok();
    }
    Status finish(EventBatch& batch) override {
        const std::size_t before = batch.events.size();
        if (Status s = sampler_->finish(batch); !s) return s;
        count(batch, before);
        return ok();
    }
    Expected expect(const ProcessId& process, bool) override {
        sampler_->expect(process);
        return Expected::told;
    }
    [[nodiscard]] ProfileOf kind() const override {
        switch (target_.mode) {
            case symbols::SamplerMode::on_cpu: return ProfileOf::cpu;
            case symbols::SamplerMode::off_cpu: return ProfileOf::off_cpu;
            case symbols::SamplerMode::wall: return ProfileOf::wall;
            case symbols::SamplerMode::memory:
            case symbols::SamplerMode::growth: return ProfileOf::memory;
        }
        return ProfileOf::cpu;
    }
    void mark(Profile& profile) const override {
        if (target_.mode == symbols::SamplerMode::growth) profile.measure = "mapped_space";
        if (target_.mode == symbols::SamplerMode::on_cpu) profile.period = 1'000'000'000 / std::max(target_.hz, 1u);
    }
    Status conclude(LiveProfile& out) override {
        const symbols::SamplerHealth health = sampler_->health();
        out.samples = samples_;
        out.unknown_stacks = health.unknown_stacks;
        out.bytes = health.bytes;
        out.notes = sampler_notes(health);
        out.bpf_seconds = sampler_->bpf_run_seconds() + boundaries_.bpf_run_seconds();
        return ok();
    }

private:
    void count(const EventBatch& batch, std::size_t from) {
        samples_ += static_cast<std::uint64_t>(std::ranges::count_if(
            batch.events.begin() + static_cast<std::ptrdiff_t>(from), batch.events.end(),
            [](const Event& event) { return std::holds_alternative<StackSample>(event.body); }));
    }

    const ProfileTarget& target_;
    const BpfSource& boundaries_;
    Detail detail_;
    std::unique_ptr<symbols::SamplerSource> sampler_;
    std::uint64_t samples_ = 0;
};

}  // namespace

Result<std::unique_ptr<InvocationDeeds>> sampled_deeds(const ProfileTarget& target, const BpfSource& boundaries, const Detail& detail) {
    auto sampler = symbols::make_sampler_source({.tracked = boundaries.tracked_maps(),
                                                 .sample_hz = target.hz,
                                                 .mode = target.mode,
                                                 .kernel = target.kernel,
                                                 .run_time = target.cost});
    if (!sampler) return sampler.forward();
    return std::make_unique<SampledDeeds>(target, boundaries, detail, std::move(*sampler));
}

}  // namespace autotune::cli
