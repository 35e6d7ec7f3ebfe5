// MappingWatch: keeps a symbolizer abreast of what processes map, in the order of time, so that each sample is named by
// what was mapped when it was taken: also of a process that has gone since, and where a library took another one's place.
//
// Without the right to hear of mappings nothing happens; the symbolizer looks for itself then. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/symbols/heard_mappings.hpp"
#include "agent/symbols/mapping_events.hpp"
#include "agent/symbols/symbolizer.hpp"

namespace autotune::symbols {

class MappingWatch {
public:
    using OnReplaced = std::function<void(const ProcessId&)>;

    // The symbolizer outlives it. `on_replaced`: a file took another one's place in that process.
    MappingWatch(Symbolizer& symbolizer, OnReplaced on_replaced)
        : symbolizer_(symbolizer), on_replaced_(std::move(on_replaced)) {}

    Status start();
    // It is `at` now, as far as the samples go: what came before counts.
    void advance(Timestamp at);
    // It is now.
    void catch_up() { advance(clock_.now()); }
    // A sample is of that process, or it is another program now: the symbolizer is told what was heard, once.
    void met(const ProcessId& process);
    void replaced(const ProcessId& process);

    [[nodiscard]] std::vector<int> ready_fds() const { return events_ ? events_->ready_fds() : std::vector<int>(); }
    [[nodiscard]] std::uint64_t lost() const { return events_ ? events_->lost() : 0; }

private:
    void hear();
    bool drained();  // whether some were lost
    void begin_anew();
    void apply(const NewMapping& heard);
    void tell(const ProcessId& process);

    SystemClock clock_;
    Symbolizer& symbolizer_;
    OnReplaced on_replaced_;
    std::optional<MappingEvents> events_;
    HeardMappings heard_;
    std::vector<NewMapping> pending_;  // by time
    std::size_t applied_ = 0;          // of them
    Timestamp heard_until_{};
    std::unordered_map<std::int32_t, ProcessId> met_;
    std::unordered_set<std::int32_t> has_more_;  // of them: has mapped something since the symbolizer was told
};

}  // namespace autotune::symbols
