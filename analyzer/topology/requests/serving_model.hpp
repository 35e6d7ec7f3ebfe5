// ServingModel: how one service serves: which calls it makes for a call of a class, after which gaps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
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

// The score is a logarithm of likelihood: which calls were made, the gap before each start after what tells
// most about it, and the gap between the end of what the answer waits for and the answer. What a gap is
// measured from, and what else it depends on, is chosen by how well each gap seen is told by all others.
class ServingModel {
public:
    static constexpr std::size_t kOrdinals = 3;  // first, second, and all later ones of a type
    static constexpr std::size_t kMostSlots = 48;
    static constexpr std::size_t kMostMade = 64;  // for a call; of more, the first

    enum class Choose : std::uint8_t { anew, as_before };

    // REQUIRES: kinds and types of `seen` below these counts. `rare`: patterns seen less than that share of
    // the commonest one of their kind are not believed. `choose` what gaps are measured from, or only learn
    // them again.
    void learn(std::span<const Served> seen, std::size_t kinds, std::size_t types, double step_us,
               double rare, Choose choose);

    [[nodiscard]] float score(const Incoming& call, std::span<const Outgoing> made) const;
    [[nodiscard]] bool learned() const { return !kinds_.empty(); }
    // Whether it was learned with so many.
    [[nodiscard]] bool covers(std::size_t kinds, std::size_t types) const {
        return kinds_.size() >= kinds && types_ >= types;
    }

private:
    enum class After : std::uint8_t {
        call_start,
        latest_end,  // of siblings that ended before
        last_of_others,
        end_of_others,
        sibling_start,
        sibling_end,
        latest_end_of_all,  // of ends
    };
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
    // How a moment is told from others.
    struct Feature {
        After after = After::call_start;
        Beside beside = Beside::nothing;
        std::uint8_t sibling = 0, other = 0;  // slots
        GapDensity density;                   // beside nothing
        ConditionalDensity conditional;
    };
    struct Start {
        Feature feature;
        GapDensity fallback;  // after the start of the call
        int alike = -1;       // sibling whose duration tells something of its own
        GapDensity duration;
        ConditionalDensity duration_beside;
        std::size_t seen = 0;
    };
    struct Kind {
        std::vector<Start> starts;  // by slot
        Feature end;
        GapDensity any_end;  // after the latest end of all, where `end` is not known
        GapDensity alone;    // nothing was called
        std::vector<std::pair<std::uint64_t, float>> patterns;
        std::size_t seen = 0;
    };
    struct Slots {
        std::array<std::int8_t, kMostSlots> at;  // outgoing call in each slot
        std::array<std::uint8_t, kMostMade> of;  // slot of each outgoing call
        Slots() { at.fill(-1); }
    };
    struct Gap {
        bool known = false;
        double gap = 0, beside = 0;
    };
    struct Lesson;  // what learning has at hand

    // Which types were called how often, in whatever order.
    static std::uint64_t pattern_of(std::span<const Outgoing> made);
    static void find_slots(std::span<const Outgoing> made, Slots& slots);
    static Gap gap(const Feature& f, const Incoming& call, std::span<const Outgoing> made, const Slots& slots,
                   std::size_t own);
    static Gap end_gap(const Feature& f, const Incoming& call, std::span<const Outgoing> made,
                       const Slots& slots);
    static double value(Beside beside, const Incoming& call, const Outgoing& own, const Outgoing* reference);
    static double log(const Feature& f, const Gap& gap);
    static void learn_patterns(Kind& kind, const Lesson& lesson, double rare);
    static double fit(Feature& f, Lesson& lesson, int slot, std::size_t& count);
    static void choose_references(Kind& kind, Lesson& lesson);
    static void choose_besides(Kind& kind, Lesson& lesson);
    static void choose_durations(Kind& kind, Lesson& lesson);
    static void learn_durations(Start& start, Lesson& lesson, std::size_t slot, std::size_t other);
    static void choose_end(Kind& kind, Lesson& lesson);

    std::vector<Kind> kinds_;
    std::size_t types_ = 0;
};

}  // namespace autotune::analysis
