// Monitor: the event sources of this machine, started as far as kernel and user allow.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/black_box/recorder.hpp"
#include "core/event_source.hpp"
#include "core/sink.hpp"

namespace autotune::cli {

using Say = std::function<void(const std::string&)>;

struct MonitorOptions {
    std::vector<std::string> cgroups;  // as Detail::cgroups
    std::uint32_t sample_hz = 99;      // 0: no stack samples
    std::optional<double> budget;      // cores; none: whatever it takes
};

class Monitor {
public:
    Monitor();
    ~Monitor();

    // Starts what can be started. What cannot is said, with what still works, and kept in health().missing;
    // never an error: without any source the loop still finishes what it has begun.
    void start(const MonitorOptions& options, const Say& say);

    [[nodiscard]] bool attached() const;
    [[nodiscard]] std::vector<EventSource*> sources() const;
    [[nodiscard]] AgentHealth health() const;
    // Of killed processes; null: none are written down.
    [[nodiscard]] black_box::Recorder* recorder() const;

    // False while calls on sockets are given up to keep the budget, and without any source.
    [[nodiscard]] bool hears_calls() const;

    // Once a turn: gives up detail, or takes it back, to keep the budget; says so. While a change is judged every
    // invocation is told, even if the budget is not kept.
    void keep_budget(Timestamp now, bool is_judging, const Say& say);

    // Says a problem of a report once.
    void note(const std::string& problem, const Say& say);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace autotune::cli
