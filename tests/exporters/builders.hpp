// Invocations, outcomes and changes with everything set that a test does not care about.
#pragma once

#include "core/knowledge_store.hpp"
#include "core/sink.hpp"

namespace autotune::exporters {

inline WallTime at_second(std::int64_t seconds) {
    return WallTime(std::chrono::seconds(1'790'000'000 + seconds));
}

struct InvocationBuilder {
    Invocation it{.function = {"aws-lambda", "orders"},
                  .version = "1",
                  .duration = std::chrono::milliseconds(120),
                  .status = InvocationStatus::ok,
                  .memory_peak = 100 << 20,
                  .memory_limit = 128 << 20};

    InvocationBuilder& of(std::string function, std::string version = "1") {
        it.function.name = std::move(function);
        it.version = std::move(version);
        return *this;
    }
    InvocationBuilder& ended(InvocationStatus status) { return it.status = status, *this; }
    InvocationBuilder& took(Nanos duration) { return it.duration = duration, *this; }
    InvocationBuilder& peaked_at(std::uint64_t bytes) { return it.memory_peak = bytes, *this; }
    InvocationBuilder& cold() { return it.cold = true, *this; }
    operator Invocation() const { return it; }  // NOLINT: implicit, it is a builder
};

inline Action resize_action() {
    Action action{.target = {"aws-lambda", "orders"},
                  .change = Resize{128, 256},
                  .rule = "out-of-memory",
                  .because = "3 of 20 invocations ran out of memory",
                  .mode = Mode::apply,
                  .canary = CanaryPolicy{}};
    action.evidence.facts = {{"fn.oom_count", "3"}, {"fn.invocations", "20"}};
    action.evidence.from = from_ns(1'000'000'000);
    action.evidence.to = from_ns(61'000'000'000);
    return action;
}

inline Action notify_action() {
    Action action = resize_action();
    action.change = Notify{Severity::critical, "map-reduce"};
    action.canary.reset();
    return action;
}

inline Outcome outcome_of(Action action, Disposition disposition) {
    return {.action = std::move(action), .at = at_second(0), .disposition = disposition};
}

inline ChangeRecord observed_change() {
    ChangeRecord change{.action = resize_action(), .step = Step::observing, .candidate = "2"};
    change.candidate_published = at_second(-60);
    return change;
}

}  // namespace autotune::exporters
