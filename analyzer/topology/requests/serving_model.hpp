// ServingModel: how one service serves: which calls it makes for a call of a class, after which gaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "analyzer/topology/requests/gap_density.hpp"

namespace autotune::analysis {

// An outgoing call as its caller saw it. Microseconds from any one origin.
struct Outgoing {
    double start = 0, end = 0;
    std::uint32_t type = 0;  // callee and operation, numbered within the service
};

// An incoming call.
struct Incoming {
    double start = 0, end = 0;
    double load = 0;         // calls open when it began
    double lag = 0;          // of a join: how much later the last of the others of its request began
    double end_lag = 0;      // and when the last of the others ended, after this began
    std::uint32_t kind = 0;  // operation (and what else tells classes apart), numbered within the service
};

// One incoming call with the outgoing calls made for it, in order of start.
struct Served {
    Incoming call;
    std::span<const Outgoing> made;
};

// The score is a logarithm of likelihood: which calls were made (all at once, and each apart where the whole
// was not seen), the gap before each start after what it was found to follow best (the start of the call
// served, a sibling's start or end, or the end of the latest sibling that ended before), and the gap between
// the end of what the answer was found to wait for and the answer.
class ServingModel {
public:
    static constexpr std::size_t kOrdinals = 3;  // first, second, and all later ones of a type
    static constexpr std::size_t kMostSlots = 48;

    // REQUIRES: kinds and types of `seen` below these counts. `rare`: patterns seen less than that share of
    // the commonest one of their kind are not believed.
    void learn(std::span<const Served> seen, std::size_t kinds, std::size_t types, double step_us,
               double rare);

    [[nodiscard]] float score(const Incoming& call, std::span<const Outgoing> made) const;
    [[nodiscard]] bool learned() const { return !kinds_.empty(); }
    // Whether it was learned with so many.
    [[nodiscard]] bool covers(std::size_t kinds, std::size_t types) const {
        return kinds_.size() >= kinds && !kinds_.empty() && kinds_[0].counts.size() >= types;
    }

private:
    // What else a gap may depend on.
    enum class Beside : std::uint8_t {
        nothing,
        own_duration,
        reference_duration,
        reference_start,
        duration,
        load,
        lag,
        end_lag,
        sibling
    };
    enum class After : std::uint8_t {
        call_start,
        latest_end,
        last_of_others,
        end_of_others,
        sibling_start,
        sibling_end
    };
    struct Start {
        After after = After::call_start;
        std::uint8_t sibling = 0;
        Beside beside = Beside::nothing;
        std::uint8_t other = 0;  // sibling beside it: when it began after the reference
        int alike = -1;          // sibling whose duration tells something of its own
        GapDensity duration;
        ConditionalDensity duration_beside;
        ConditionalDensity conditional;
        GapDensity density, fallback;  // fallback: after the start of the call
        bool known = false;
    };
    struct Kind {
        std::vector<Start> starts;  // by slot
        GapDensity end;             // after the latest end of all calls made
        int end_slot = -1;          // or of that one's end, where there is one
        GapDensity end_of_slot;
        Beside end_beside = Beside::nothing;
        ConditionalDensity end_conditional;
        GapDensity alone;  // nothing was called
        std::unordered_map<std::uint64_t, float> patterns;
        std::vector<std::vector<float>> counts;  // by type and count
        std::vector<float> makes;                // by type: share
        float unseen = -20;
    };
    [[nodiscard]] static double value(Beside beside, const Incoming& call, const Outgoing& own,
                                      const Outgoing* reference);
    [[nodiscard]] std::size_t slot(std::uint32_t type, std::size_t before) const {
        return (type * kOrdinals + (before < kOrdinals ? before : kOrdinals - 1)) % kMostSlots;
    }
    void learn_patterns(Kind& kind, std::span<const Served* const> seen, std::size_t types,
                        double rare) const;
    void learn_gaps(Kind& kind, std::span<const Served* const> seen, double step_us) const;

    std::vector<Kind> kinds_;
};

}  // namespace autotune::analysis
