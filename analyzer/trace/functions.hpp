// Functions: how often each was called and how long it took, from single calls and from totals.
//
// Where a source gives totals they are exact and single calls are a part of them. Where it does not, the
// calls are counted here. Which of the two knew more calls is believed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/trace/forest.hpp"
#include "core/trace.hpp"

namespace autotune::analysis {

class Functions {
public:
    // `self`: without the calls beneath, as far as they were told.
    void add(Backend by, const CallDone& call, Nanos self);
    void add(Backend by, const CallTotals& totals);

    // A tree of calls that is complete: only it shows which calls are within one of the same function, whose
    // time must not count twice.
    void add_tree(const Forest& forest, Forest::NodeId root);

    // Most self time first.
    [[nodiscard]] std::vector<FunctionUse> sorted() const;
    // By caller and function. Of each function either all by totals or all by trees, as in sorted().
    [[nodiscard]] std::vector<CallUse> calls() const;

private:
    struct Use {
        Backend by{};
        std::uint64_t calls = 0, raised = 0, cut = 0;  // one by one
        Nanos slowest{0};
        std::optional<Nanos> bias;  // the least of a call: without those of calls beneath
        Nanos spread{0};
        std::uint64_t counted = 0;  // by totals
        Nanos counted_total{0}, counted_self{0};
        Nanos self{0};
        Nanos total{0};  // by trees

        [[nodiscard]] bool by_totals() const { return counted >= calls && counted > 0; }
    };
    struct Pair {
        std::uint64_t calls = 0, counted = 0;  // by trees, by totals
        Nanos total{0}, counted_total{0};
    };
    static constexpr std::size_t kMostPairs = 100'000;
    Pair* pair(FrameId caller, FrameId function);  // null: nobody called it, or there are too many

    std::unordered_map<FrameId, Use> uses_;
    std::map<std::pair<FrameId, FrameId>, Pair> pairs_;  // caller, function
};

}  // namespace autotune::analysis
