// How a ServingModel is learned.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "analyzer/topology/requests/serving_model.hpp"

namespace autotune::analysis {

struct ServingModel::Lesson {
    std::vector<Served> seen;
    std::vector<Slots> slots;
    double step_us = 1;
    std::uint32_t place = 0;  // within a step
    std::vector<double> gaps, besides;

    // The next gaps are filled as all others were: what is learned of the same is the same.
    void begin() {
        place = 0;
        gaps.clear(), besides.clear();
    }
    // Milliseconds have steps: what lies between is filled evenly.
    double jitter() {
        place += 2654435769u;  // 2^32 / golden ratio: any run of them lies evenly
        return step_us > 2 ? (static_cast<double>(place >> 8) / 16777216.0 - 0.5) * step_us : 0.0;
    }
};

namespace {

constexpr double kNothing = -1e9;
constexpr std::size_t kMostLearned = 4'000;
constexpr std::size_t kEnough = 10;         // gaps for a choice
constexpr std::size_t kEnoughBeside = 200;  // gaps for one that depends on something
constexpr double kWorthBeside = 0.1, kWorthDuration = 0.1,
                 kWorth = 0.01;  // of gain in log likelihood, each gap

}  // namespace

void ServingModel::learn_patterns(Kind& kind, const Lesson& lesson, double rare) {
    std::unordered_map<std::uint64_t, double> count;
    for (const Served& s : lesson.seen) count[pattern_of(s.made)] += 1;
    double most = 0;
    for (const auto& [key, n] : count) most = std::max(most, n);
    const double all = static_cast<double>(lesson.seen.size()) + 1;
    kind.patterns.clear();
    for (const auto& [key, n] : count)
        if (n >= rare * most) kind.patterns.push_back({key, static_cast<float>(std::log(n / all))});
    std::sort(kind.patterns.begin(), kind.patterns.end(), [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
}

// Learns the feature of a slot's start (of the answer: slot < 0). Mean log likelihood of each gap, told by
// the others.
double ServingModel::fit(Feature& f, Lesson& lesson, int slot, std::size_t& count) {
    lesson.begin();
    for (std::size_t i = 0; i < lesson.seen.size(); ++i) {
        const Served& s = lesson.seen[i];
        const int own = slot < 0 ? 0 : lesson.slots[i].at[static_cast<std::size_t>(slot)];
        if (own < 0 || s.made.empty()) continue;
        const Gap g = slot < 0 ? end_gap(f, s.call, s.made, lesson.slots[i])
                               : gap(f, s.call, s.made, lesson.slots[i], static_cast<std::size_t>(own));
        if (g.known) lesson.gaps.push_back(g.gap + lesson.jitter()), lesson.besides.push_back(g.beside);
    }
    count = lesson.gaps.size();
    if (f.beside == Beside::nothing) {
        f.density = GapDensity::learn(lesson.gaps, lesson.step_us);
        return count == 0 ? kNothing : f.density.mean_log();
    }
    f.conditional = ConditionalDensity::learn(lesson.gaps, lesson.besides, lesson.step_us);
    return f.conditional.known() ? f.conditional.mean_log() : kNothing;
}

// What each start is measured from, without cycles.
void ServingModel::choose_references(Kind& kind, Lesson& lesson) {
    const std::size_t slots = kind.starts.size();
    struct Choice {
        double gain;
        std::size_t slot;
        Feature feature;
    };
    std::vector<Choice> choices;
    for (std::size_t s = 0; s < slots; ++s) {
        Start& start = kind.starts[s];
        Feature plain;
        const double base = fit(plain, lesson, static_cast<int>(s), start.seen);
        start.fallback = plain.density;
        start.feature = std::move(plain);
        if (start.seen < kEnough) continue;
        const auto consider = [&](After after, std::size_t sibling) {
            Choice c{0, s, {}};
            c.feature.after = after, c.feature.sibling = static_cast<std::uint8_t>(sibling);
            std::size_t n = 0;
            c.gain = fit(c.feature, lesson, static_cast<int>(s), n) - base;
            if (n * 10 < start.seen * 8 || c.gain <= kWorth) return;
            choices.push_back(std::move(c));
        };
        consider(After::latest_end, 0);
        if (std::any_of(lesson.seen.begin(), lesson.seen.end(),
                        [](const Served& v) { return v.call.lag != 0; })) {
            consider(After::last_of_others, 0);
            consider(After::end_of_others, 0);
        }
        for (std::size_t u = 0; u < slots; ++u)
            if (u != s) consider(After::sibling_start, u), consider(After::sibling_end, u);
    }
    std::stable_sort(choices.begin(), choices.end(),
                     [](const Choice& a, const Choice& b) { return a.gain > b.gain; });
    const auto by_name = [](const Feature& f) {
        return f.after == After::sibling_start || f.after == After::sibling_end;
    };
    std::vector<const Choice*> chosen(slots, nullptr);
    for (const Choice& c : choices) {
        bool no = chosen[c.slot] != nullptr;
        for (const Choice* at = &c; at && !no && by_name(at->feature); at = chosen[at->feature.sibling])
            no = at->feature.sibling == c.slot;
        if (!no) chosen[c.slot] = &c;
    }
    for (const Choice* c : chosen)
        if (c) kind.starts[c->slot].feature = c->feature;
}

void ServingModel::choose_besides(Kind& kind, Lesson& lesson) {
    const std::size_t slots = kind.starts.size();
    // What each depends on, itself included; nothing may depend on itself.
    std::vector<std::uint64_t> depends(slots);
    const auto by_name = [&](std::size_t s) {
        const After after = kind.starts[s].feature.after;
        return after == After::sibling_start || after == After::sibling_end;
    };
    for (std::size_t s = 0; s < slots; ++s)
        for (std::size_t u = s;; u = kind.starts[u].feature.sibling) {
            depends[s] |= 1ull << u;
            if (!by_name(u)) break;
        }
    for (std::size_t s = 0; s < slots; ++s) {
        Start& start = kind.starts[s];
        if (start.seen < kEnoughBeside) continue;
        std::size_t n = 0;
        Feature best = start.feature;
        double most = fit(best, lesson, static_cast<int>(s), n) + kWorthBeside;
        const bool reference = by_name(s) || start.feature.after == After::latest_end;
        const auto consider = [&](Beside beside, std::size_t other) {
            Feature f;
            f.after = start.feature.after, f.sibling = start.feature.sibling;
            f.beside = beside, f.other = static_cast<std::uint8_t>(other);
            const double mean = fit(f, lesson, static_cast<int>(s), n);
            if (mean > most && n * 10 >= start.seen * 8) most = mean, best = std::move(f);
        };
        for (const Beside b :
             {Beside::own_duration, Beside::duration, Beside::load, Beside::lag, Beside::end_lag})
            consider(b, 0);
        if (reference) consider(Beside::reference_duration, 0), consider(Beside::reference_start, 0);
        for (std::size_t u = 0; u < slots; ++u)
            if (u != s && kind.starts[u].seen > 0 && !(depends[u] >> s & 1) &&
                !(by_name(s) && u == start.feature.sibling))
                consider(Beside::sibling, u);
        start.feature = std::move(best);
        if (start.feature.beside == Beside::sibling)
            for (std::size_t u = 0; u < slots; ++u)
                if (depends[u] >> s & 1) depends[u] |= depends[start.feature.other];
    }
}

void ServingModel::learn_durations(Start& start, Lesson& lesson, std::size_t slot, std::size_t other) {
    lesson.begin();
    for (std::size_t i = 0; i < lesson.seen.size(); ++i) {
        const int j = lesson.slots[i].at[slot], k = lesson.slots[i].at[other];
        if (j < 0 || k < 0) continue;
        const auto& made = lesson.seen[i].made;
        const Outgoing &own = made[static_cast<std::size_t>(j)], &beside = made[static_cast<std::size_t>(k)];
        lesson.gaps.push_back(own.end - own.start + lesson.jitter());
        lesson.besides.push_back(beside.end - beside.start);
    }
    start.duration = GapDensity::learn(lesson.gaps, lesson.step_us);
    start.duration_beside = ConditionalDensity::learn(lesson.gaps, lesson.besides, lesson.step_us);
    start.alike = start.duration_beside.known() ? static_cast<int>(other) : -1;
}

void ServingModel::choose_durations(Kind& kind, Lesson& lesson) {
    const std::size_t slots = kind.starts.size();
    std::vector<std::uint64_t> depends(slots);
    for (std::size_t s = 0; s < slots; ++s) depends[s] = 1ull << s;
    for (std::size_t s = 0; s < slots; ++s) {
        Start& start = kind.starts[s];
        start.alike = -1;
        if (start.seen < kEnoughBeside) continue;
        double most = kWorthDuration;
        Start best;
        for (std::size_t u = 0; u < slots; ++u) {
            if (depends[u] >> s & 1 || kind.starts[u].seen < kEnoughBeside) continue;
            Start tried;
            learn_durations(tried, lesson, s, u);
            if (tried.alike < 0 || lesson.gaps.size() * 10 < start.seen * 8) continue;
            const double gain = tried.duration_beside.mean_log() - tried.duration.mean_log();
            if (gain > most) most = gain, best = std::move(tried);
        }
        if (best.alike < 0) continue;
        start.alike = best.alike, start.duration = std::move(best.duration);
        start.duration_beside = std::move(best.duration_beside);
        for (std::size_t u = 0; u < slots; ++u)
            if (depends[u] >> s & 1) depends[u] |= depends[static_cast<std::size_t>(start.alike)];
    }
}

void ServingModel::choose_end(Kind& kind, Lesson& lesson) {
    std::size_t all = 0, n = 0;
    Feature best;
    best.after = After::latest_end_of_all;
    double most = fit(best, lesson, -1, all) + kWorth;
    for (std::size_t s = 0; s < kind.starts.size(); ++s) {
        Feature f;
        f.after = After::sibling_end, f.sibling = static_cast<std::uint8_t>(s);
        const double mean = fit(f, lesson, -1, n);
        if (mean > most && n >= kEnough && n * 10 >= all * 8) most = mean, best = std::move(f);
    }
    most += kWorthBeside - kWorth;
    if (all >= kEnoughBeside)
        for (const Beside b : {Beside::reference_duration, Beside::reference_start, Beside::load, Beside::lag,
                               Beside::end_lag}) {
            Feature f;
            f.after = best.after, f.sibling = best.sibling, f.beside = b;
            const double mean = fit(f, lesson, -1, n);
            if (mean > most) most = mean, best = std::move(f);
        }
    kind.end = std::move(best);
}

void ServingModel::learn(std::span<const Served> seen, std::size_t kinds, std::size_t types, double step_us,
                         double rare, Choose choose) {
    if (!covers(kinds, types)) choose = Choose::anew;
    if (choose == Choose::anew) kinds_.assign(kinds, {});
    types_ = std::max(types_, types);
    std::vector<Lesson> lessons(kinds);
    // Of very many, evenly every so many: more do not tell more.
    std::vector<std::size_t> all(kinds, 0), passed(kinds, 0);
    for (const Served& s : seen) ++all[s.call.kind];
    for (const Served& s : seen) {
        Lesson& lesson = lessons[s.call.kind];
        const std::size_t every = 1 + all[s.call.kind] / kMostLearned;
        if (passed[s.call.kind]++ % every != 0) continue;
        lesson.seen.push_back({s.call, s.made.first(std::min(s.made.size(), kMostMade))});
        lesson.slots.emplace_back();
        find_slots(lesson.seen.back().made, lesson.slots.back());
    }
    for (std::size_t k = 0; k < kinds; ++k) {
        Kind& kind = kinds_[k];
        Lesson& lesson = lessons[k];
        lesson.step_us = step_us;
        // What was learned of many is not given up for a few.
        if (choose == Choose::as_before && lesson.seen.size() * 4 < kind.seen) continue;
        kind.seen = lesson.seen.size();
        learn_patterns(kind, lesson, rare);
        kind.starts.resize(std::min(types * kOrdinals, kMostSlots));
        lesson.begin();
        for (const Served& s : lesson.seen)
            if (s.made.empty()) lesson.gaps.push_back(s.call.end - s.call.start + lesson.jitter());
        kind.alone = GapDensity::learn(lesson.gaps, step_us);
        if (choose == Choose::anew) {
            choose_references(kind, lesson);
            choose_besides(kind, lesson);
            choose_durations(kind, lesson);
            choose_end(kind, lesson);
        } else {
            std::size_t n = 0;
            for (std::size_t s = 0; s < kind.starts.size(); ++s) {
                Start& start = kind.starts[s];
                Feature plain;
                fit(plain, lesson, static_cast<int>(s), start.seen);
                start.fallback = std::move(plain.density);
                if (start.feature.after == After::call_start && start.feature.beside == Beside::nothing)
                    start.feature.density = start.fallback;
                else {
                    Feature f = start.feature;
                    if (fit(f, lesson, static_cast<int>(s), n) > kNothing) start.feature = std::move(f);
                }
                if (start.alike >= 0)
                    learn_durations(start, lesson, s, static_cast<std::size_t>(start.alike));
            }
            Feature f = kind.end;
            if (fit(f, lesson, -1, n) > kNothing) kind.end = std::move(f);
        }
        if (kind.end.after == After::latest_end_of_all && kind.end.beside == Beside::nothing)
            kind.any_end = {};  // never asked for
        else {
            Feature any;
            any.after = After::latest_end_of_all;
            std::size_t n = 0;
            fit(any, lesson, -1, n);
            kind.any_end = std::move(any.density);
        }
        for (Start& start : kind.starts) {
            for (GapDensity* d : {&start.fallback, &start.feature.density, &start.duration}) d->tabulate();
            start.feature.conditional.tabulate();
            start.duration_beside.tabulate();
        }
        for (GapDensity* d : {&kind.alone, &kind.any_end, &kind.end.density}) d->tabulate();
        kind.end.conditional.tabulate();
    }
}

}  // namespace autotune::analysis
