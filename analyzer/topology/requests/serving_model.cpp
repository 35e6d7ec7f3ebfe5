#include "analyzer/topology/requests/serving_model.hpp"

#include <algorithm>
#include <cmath>

namespace autotune::analysis {

namespace {

constexpr float kUnseen = -20;  // a pattern that was never seen, or is not believed

}  // namespace

std::uint64_t ServingModel::pattern_of(std::span<const Outgoing> made) {
    std::uint64_t key = 0;
    for (const Outgoing& o : made) {
        std::uint64_t x = (o.type + 1) * 0x9E3779B97F4A7C15u;
        x ^= x >> 29;
        key += x * 0xBF58476D1CE4E5B9u | 1;
    }
    return key;
}

void ServingModel::find_slots(std::span<const Outgoing> made, Slots& slots) {
    for (std::size_t j = 0; j < made.size(); ++j) {
        std::size_t before = 0;
        for (std::size_t i = 0; i < j; ++i) before += made[i].type == made[j].type;
        const std::size_t s = (made[j].type * kOrdinals + std::min(before, kOrdinals - 1)) % kMostSlots;
        slots.of[j] = static_cast<std::uint8_t>(s);
        slots.at[s] = static_cast<std::int8_t>(j);
    }
}

double ServingModel::value(Beside beside, const Incoming& call, const Outgoing& own,
                           const Outgoing* reference) {
    switch (beside) {
        case Beside::nothing:
        case Beside::sibling: break;
        case Beside::own_duration: return own.end - own.start;
        case Beside::reference_duration: return reference ? reference->end - reference->start : 0;
        case Beside::reference_start: return reference ? reference->start - call.start : 0;
        case Beside::duration: return call.end - call.start;
        case Beside::load: return call.load;
        case Beside::lag: return call.lag;
        case Beside::end_lag: return call.end_lag;
    }
    return 0;
}

// The gap before the start of made[own].
ServingModel::Gap ServingModel::gap(const Feature& f, const Incoming& call, std::span<const Outgoing> made,
                                    const Slots& slots, std::size_t own) {
    const Outgoing& o = made[own];
    const Outgoing* reference = nullptr;
    double from = call.start;
    switch (f.after) {
        case After::call_start: break;
        case After::last_of_others: from = call.start + std::max(0.0, call.lag); break;
        case After::end_of_others: from = call.start + call.end_lag; break;
        case After::latest_end:
            for (const Outgoing& other : made)
                if (other.end <= o.start && (!reference || other.end > reference->end)) reference = &other;
            if (!reference) return {};
            from = reference->end;
            break;
        default:
            if (slots.at[f.sibling] < 0) return {};
            reference = &made[static_cast<std::size_t>(slots.at[f.sibling])];
            from = f.after == After::sibling_start ? reference->start : reference->end;
    }
    if (f.beside == Beside::nothing) return {true, o.start - from, 0};
    if (f.beside != Beside::sibling) return {true, o.start - from, value(f.beside, call, o, reference)};
    if (slots.at[f.other] < 0) return {};
    return {true, o.start - from, made[static_cast<std::size_t>(slots.at[f.other])].start - from};
}

// The gap before the answer.
ServingModel::Gap ServingModel::end_gap(const Feature& f, const Incoming& call,
                                        std::span<const Outgoing> made, const Slots& slots) {
    const Outgoing* reference = nullptr;
    if (f.after == After::sibling_end) {
        if (slots.at[f.sibling] < 0) return {};
        reference = &made[static_cast<std::size_t>(slots.at[f.sibling])];
    } else {
        for (const Outgoing& o : made)
            if (!reference || o.end > reference->end) reference = &o;
        if (!reference) return {};
    }
    return {true, call.end - reference->end, value(f.beside, call, *reference, reference)};
}

double ServingModel::log(const Feature& f, const Gap& gap) {
    return f.beside == Beside::nothing ? f.density.log(gap.gap) : f.conditional.log(gap.gap, gap.beside);
}

float ServingModel::score(const Incoming& call, std::span<const Outgoing> made) const {
    const Kind& kind = kinds_[call.kind];
    made = made.first(std::min(made.size(), kMostMade));
    const std::uint64_t key = pattern_of(made);
    double sum = kUnseen;
    for (const auto& [pattern, log] : kind.patterns)
        if (pattern == key) {
            sum = log;
            break;
        }
    if (made.empty()) return static_cast<float>(sum + kind.alone.log(call.end - call.start));
    Slots slots;
    find_slots(made, slots);
    for (std::size_t j = 0; j < made.size(); ++j) {
        const Start& start = kind.starts[slots.of[j]];
        const Gap g = gap(start.feature, call, made, slots, j);
        sum += !g.known ? start.fallback.log(made[j].start - call.start) : log(start.feature, g);
        if (start.alike >= 0 && slots.at[static_cast<std::size_t>(start.alike)] >= 0) {
            const Outgoing& o =
                made[static_cast<std::size_t>(slots.at[static_cast<std::size_t>(start.alike)])];
            const double own = made[j].end - made[j].start;
            sum += start.duration_beside.log(own, o.end - o.start) - start.duration.log(own);
        }
    }
    const Gap g = end_gap(kind.end, call, made, slots);
    if (g.known) return static_cast<float>(sum + log(kind.end, g));
    double last = made[0].end;
    for (const Outgoing& o : made) last = std::max(last, o.end);
    return static_cast<float>(sum + kind.any_end.log(call.end - last));
}

}  // namespace autotune::analysis
