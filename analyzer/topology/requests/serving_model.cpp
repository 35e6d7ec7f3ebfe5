#include "analyzer/topology/requests/serving_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace autotune::analysis {

namespace {

constexpr std::size_t kMostCounted = 15;

std::uint64_t mark(std::uint32_t type) {
    std::uint64_t x = (type + 1) * 0x9E3779B97F4A7C15u;
    x ^= x >> 29;
    return x * 0xBF58476D1CE4E5B9u | 1;
}

// Where each outgoing call of one tuple stands.
struct Slots {
    std::array<std::int16_t, ServingModel::kMostSlots> at;
    Slots() { at.fill(-1); }
};

}  // namespace

void ServingModel::learn_patterns(Kind& kind, std::span<const Served* const> seen, std::size_t types,
                                  double rare) const {
    std::unordered_map<std::uint64_t, double> patterns;
    std::vector<std::vector<double>> counts(types, std::vector<double>(kMostCounted + 1, 0.0));
    std::vector<std::size_t> n(types);
    for (const Served* s : seen) {
        std::uint64_t key = 0;
        std::fill(n.begin(), n.end(), 0);
        for (const Outgoing& o : s->made) key += mark(o.type), ++n[o.type];
        patterns[key] += 1;
        for (std::size_t t = 0; t < types; ++t) counts[t][std::min(n[t], kMostCounted)] += 1;
    }
    double most = 0;
    for (const auto& [key, count] : patterns) most = std::max(most, count);
    const double all = static_cast<double>(seen.size()) + 1;
    kind.patterns.clear();
    for (const auto& [key, count] : patterns)
        if (count >= rare * most) kind.patterns[key] = static_cast<float>(std::log(count / all));
    kind.counts.assign(types, {});
    kind.makes.assign(types, 0);
    for (std::size_t t = 0; t < types; ++t) {
        for (const double c : counts[t])
            kind.counts[t].push_back(static_cast<float>(std::log((c + 0.02) / (all + 0.02 * kMostCounted))));
        kind.makes[t] = static_cast<float>(1 - counts[t][0] / std::max(1.0, all - 1));
    }
}

void ServingModel::learn_gaps(Kind& kind, std::span<const Served* const> seen, double step_us) const {
    const std::size_t slots = kind.starts.size();
    std::vector<Slots> where(seen.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
        std::array<std::uint8_t, 256> before{};
        for (std::size_t j = 0; j < seen[i]->made.size(); ++j) {
            const std::uint32_t type = seen[i]->made[j].type;
            where[i].at[slot(type, before[type & 255]++)] = static_cast<std::int16_t>(j);
        }
    }
    // Milliseconds have steps: what lies between is filled evenly.
    std::uint32_t noise = 12345;
    const auto jitter = [&] {
        noise = noise * 1664525u + 1013904223u;
        return step_us > 2 ? (static_cast<double>(noise >> 8) / 16777216.0 - 0.5) * step_us : 0.0;
    };
    std::vector<double> gaps;
    struct Choice {
        double gain;
        std::size_t slot;
        After after;
        std::size_t sibling;
        GapDensity density;
    };
    std::vector<Choice> choices;
    for (std::size_t s = 0; s < slots; ++s) {
        Start& start = kind.starts[s];
        const auto gather = [&](const auto& reference) {
            gaps.clear();
            for (std::size_t i = 0; i < seen.size(); ++i) {
                const int j = where[i].at[s];
                if (j < 0) continue;
                const auto from = reference(i, static_cast<std::size_t>(j));
                if (std::isnan(from)) continue;
                gaps.push_back(seen[i]->made[static_cast<std::size_t>(j)].start - from + jitter());
            }
            return GapDensity::learn(gaps, step_us);
        };
        constexpr double kNot = std::numeric_limits<double>::quiet_NaN();
        start.fallback = gather([&](std::size_t i, std::size_t) { return seen[i]->call.start; });
        start.known = start.fallback.count() > 0;
        start.after = After::call_start;
        if (start.fallback.count() < 10) continue;
        const auto enough = [&](const GapDensity& d) {
            return d.count() * 10 >= start.fallback.count() * 8;  // of most of them
        };
        GapDensity latest = gather([&](std::size_t i, std::size_t j) {
            const double at = seen[i]->made[j].start;
            double from = kNot;
            for (const Outgoing& o : seen[i]->made)
                if (o.end <= at && !(o.end <= from)) from = o.end;
            return from;
        });
        if (enough(latest))
            choices.push_back(
                {latest.mean_log() - start.fallback.mean_log(), s, After::latest_end, 0, latest});
        GapDensity others = gather([&](std::size_t i, std::size_t) {
            return seen[i]->call.start + std::max(0.0, seen[i]->call.lag);
        });
        if (others.mean_log() > start.fallback.mean_log())
            choices.push_back(
                {others.mean_log() - start.fallback.mean_log(), s, After::last_of_others, 0, others});
        GapDensity ended =
            gather([&](std::size_t i, std::size_t) { return seen[i]->call.start + seen[i]->call.end_lag; });
        if (ended.mean_log() > start.fallback.mean_log())
            choices.push_back(
                {ended.mean_log() - start.fallback.mean_log(), s, After::end_of_others, 0, ended});
        for (std::size_t u = 0; u < slots; ++u) {
            if (u == s || !kind.starts[u].known) {
                if (u <= s) continue;
            }
            if (u == s) continue;
            for (const After after : {After::sibling_start, After::sibling_end}) {
                GapDensity d = gather([&](std::size_t i, std::size_t) {
                    const int j = where[i].at[u];
                    if (j < 0) return kNot;
                    const Outgoing& o = seen[i]->made[static_cast<std::size_t>(j)];
                    return after == After::sibling_start ? o.start : o.end;
                });
                if (enough(d))
                    choices.push_back({d.mean_log() - start.fallback.mean_log(), s, after, u, std::move(d)});
            }
        }
    }
    std::sort(choices.begin(), choices.end(),
              [](const Choice& a, const Choice& b) { return a.gain > b.gain; });
    std::vector<std::uint8_t> chosen(slots, 0);
    for (Choice& c : choices) {
        if (c.gain <= 0.01 || chosen[c.slot]) continue;
        bool cycle = false;
        if (c.after != After::latest_end && c.after != After::last_of_others &&
            c.after != After::end_of_others)
            for (std::size_t u = c.sibling, n = 0; n <= slots; ++n) {
                if (u == c.slot) cycle = true;
                const Start& up = kind.starts[u];
                if (cycle || !chosen[u] || up.after == After::latest_end ||
                    up.after == After::last_of_others || up.after == After::end_of_others)
                    break;
                u = up.sibling;
            }
        if (cycle) continue;
        chosen[c.slot] = 1;
        kind.starts[c.slot].after = c.after;
        kind.starts[c.slot].sibling = static_cast<std::uint8_t>(c.sibling);
        kind.starts[c.slot].density = std::move(c.density);
    }
    std::vector<double> beside;
    // What each depends on, itself included; nothing may depend on itself.
    std::vector<std::uint64_t> closure(slots);
    for (std::size_t s = 0; s < slots; ++s) {
        std::size_t u = s;
        for (std::size_t n = 0; n <= slots; ++n) {
            closure[s] |= 1ull << u;
            const Start& at = kind.starts[u];
            if (at.after != After::sibling_start && at.after != After::sibling_end) break;
            u = at.sibling;
        }
    }
    for (std::size_t s = 0; s < slots; ++s) {
        Start& start = kind.starts[s];
        if (start.fallback.count() < 200) continue;
        const bool sibling = start.after == After::sibling_start || start.after == After::sibling_end;
        double best = (start.after == After::call_start ? start.fallback : start.density).mean_log() + 0.02;
        std::vector<std::pair<Beside, std::size_t>> ways;
        for (const Beside b : {Beside::own_duration, Beside::reference_duration, Beside::reference_start,
                               Beside::duration, Beside::load, Beside::lag, Beside::end_lag})
            ways.push_back({b, 0});
        for (std::size_t u = 0; u < slots; ++u)
            if (u != s && kind.starts[u].known && !(closure[u] >> s & 1) && !(sibling && u == start.sibling))
                ways.push_back({Beside::sibling, u});
        for (const auto& [b, u] : ways) {
            if ((start.after == After::call_start || start.after == After::last_of_others ||
                 start.after == After::end_of_others) &&
                (b == Beside::reference_duration || b == Beside::reference_start))
                continue;
            gaps.clear(), beside.clear();
            for (std::size_t i = 0; i < seen.size(); ++i) {
                const int j = where[i].at[s];
                if (j < 0) continue;
                const Outgoing& own = seen[i]->made[static_cast<std::size_t>(j)];
                const Outgoing* reference = nullptr;
                if (sibling) {
                    const int k = where[i].at[start.sibling];
                    if (k < 0) continue;
                    reference = &seen[i]->made[static_cast<std::size_t>(k)];
                } else if (start.after == After::latest_end) {
                    for (const Outgoing& o : seen[i]->made)
                        if (o.end <= own.start && (!reference || o.end > reference->end)) reference = &o;
                    if (!reference) continue;
                }
                const int other = where[i].at[u];
                if (b == Beside::sibling && other < 0) continue;
                const double from =
                    (start.after == After::call_start      ? seen[i]->call.start
                     : start.after == After::end_of_others ? seen[i]->call.start + seen[i]->call.end_lag
                     : start.after == After::last_of_others
                         ? seen[i]->call.start + std::max(0.0, seen[i]->call.lag)
                     : start.after == After::sibling_start ? reference->start
                                                           : reference->end);
                gaps.push_back(own.start - from + jitter());
                beside.push_back(b == Beside::sibling
                                     ? seen[i]->made[static_cast<std::size_t>(other)].start - from
                                     : value(b, seen[i]->call, own, reference));
            }
            if (gaps.size() * 10 < start.fallback.count() * 8) continue;
            ConditionalDensity d = ConditionalDensity::learn(gaps, beside, step_us);
            if (d.mean_log() > best) {
                best = d.mean_log(), start.beside = b, start.other = static_cast<std::uint8_t>(u),
                start.conditional = std::move(d);
            }
        }
        if (start.beside == Beside::sibling)
            for (std::size_t u = 0; u < slots; ++u)
                if (closure[u] >> s & 1) closure[u] |= closure[start.other];
    }
    // Durations of siblings.
    {
        std::vector<std::uint64_t> depends(slots);
        for (std::size_t s = 0; s < slots; ++s) depends[s] = 1ull << s;
        for (std::size_t s = 0; s < slots; ++s) {
            Start& start = kind.starts[s];
            if (start.fallback.count() < 200) continue;
            double best = 0.03;
            for (std::size_t u = 0; u < slots; ++u) {
                if (depends[u] >> s & 1) continue;
                gaps.clear(), beside.clear();
                for (std::size_t i = 0; i < seen.size(); ++i) {
                    const int j = where[i].at[s], k = where[i].at[u];
                    if (j < 0 || k < 0) continue;
                    const Outgoing& own = seen[i]->made[static_cast<std::size_t>(j)];
                    const Outgoing& other = seen[i]->made[static_cast<std::size_t>(k)];
                    gaps.push_back(own.end - own.start + jitter());
                    beside.push_back(other.end - other.start);
                }
                if (gaps.size() * 10 < start.fallback.count() * 8) continue;
                GapDensity alone = GapDensity::learn(gaps, step_us);
                ConditionalDensity both = ConditionalDensity::learn(gaps, beside, step_us);
                if (both.mean_log() - alone.mean_log() > best) {
                    best = both.mean_log() - alone.mean_log();
                    start.alike = static_cast<int>(u), start.duration = std::move(alone),
                    start.duration_beside = std::move(both);
                }
            }
            if (start.alike >= 0)
                for (std::size_t u = 0; u < slots; ++u)
                    if (depends[u] >> s & 1) depends[u] |= depends[static_cast<std::size_t>(start.alike)];
        }
    }
    // What the answer waits for.
    const auto ends = [&](const auto& reference) {
        gaps.clear();
        for (std::size_t i = 0; i < seen.size(); ++i) {
            const double from = reference(i);
            if (!std::isnan(from)) gaps.push_back(seen[i]->call.end - from + jitter());
        }
        return GapDensity::learn(gaps, step_us);
    };
    constexpr double kNot = std::numeric_limits<double>::quiet_NaN();
    kind.alone = ends([&](std::size_t i) { return seen[i]->made.empty() ? seen[i]->call.start : kNot; });
    kind.end = ends([&](std::size_t i) {
        double latest = kNot;
        for (const Outgoing& o : seen[i]->made)
            if (!(o.end <= latest)) latest = o.end;
        return latest;
    });
    kind.end_slot = -1;
    double best = kind.end.mean_log() + 0.01;
    for (std::size_t s = 0; s < slots; ++s) {
        GapDensity d = ends([&](std::size_t i) {
            const int j = where[i].at[s];
            return j < 0 ? kNot : seen[i]->made[static_cast<std::size_t>(j)].end;
        });
        if (d.count() * 10 >= kind.end.count() * 8 && d.count() > 9 && d.mean_log() > best)
            best = d.mean_log(), kind.end_slot = static_cast<int>(s), kind.end_of_slot = std::move(d);
    }
    if (kind.end.count() >= 200) {
        double best2 = (kind.end_slot >= 0 ? kind.end_of_slot : kind.end).mean_log() + 0.02;
        for (const Beside b : {Beside::reference_duration, Beside::reference_start, Beside::load, Beside::lag,
                               Beside::end_lag}) {
            gaps.clear(), beside.clear();
            for (std::size_t i = 0; i < seen.size(); ++i) {
                const Outgoing* reference = nullptr;
                if (kind.end_slot >= 0) {
                    const int j = where[i].at[static_cast<std::size_t>(kind.end_slot)];
                    if (j >= 0) reference = &seen[i]->made[static_cast<std::size_t>(j)];
                } else
                    for (const Outgoing& o : seen[i]->made)
                        if (!reference || o.end > reference->end) reference = &o;
                if (!reference) continue;
                gaps.push_back(seen[i]->call.end - reference->end + jitter());
                beside.push_back(value(b, seen[i]->call, *reference, reference));
            }
            ConditionalDensity d = ConditionalDensity::learn(gaps, beside, step_us);
            if (d.mean_log() > best2) {
                best2 = d.mean_log(), kind.end_beside = b, kind.end_conditional = std::move(d);
            }
        }
    }
}

double ServingModel::value(Beside beside, const Incoming& call, const Outgoing& own,
                           const Outgoing* reference) {
    switch (beside) {
        case Beside::nothing:
        case Beside::sibling: break;
        case Beside::own_duration: return own.end - own.start;
        case Beside::reference_duration: return reference->end - reference->start;
        case Beside::reference_start: return reference->start - call.start;
        case Beside::duration: return call.end - call.start;
        case Beside::load: return call.load;
        case Beside::lag: return call.lag;
        case Beside::end_lag: return call.end_lag;
    }
    return 0;
}

void ServingModel::learn(std::span<const Served> seen, std::size_t kinds, std::size_t types, double step_us,
                         double rare) {
    kinds_.assign(kinds, {});
    std::vector<std::vector<const Served*>> by_kind(kinds);
    for (const Served& s : seen) by_kind[s.call.kind].push_back(&s);
    for (std::size_t k = 0; k < kinds; ++k) {
        kinds_[k].starts.resize(std::min(types * kOrdinals, kMostSlots));
        learn_patterns(kinds_[k], by_kind[k], types, rare);
        learn_gaps(kinds_[k], by_kind[k], step_us);
    }
}

float ServingModel::score(const Incoming& call, std::span<const Outgoing> made) const {
    const Kind& kind = kinds_[call.kind];
    if (made.empty()) {
        const auto found = kind.patterns.find(0);
        return (found == kind.patterns.end() ? kind.unseen : found->second) +
               kind.alone.log(call.end - call.start);
    }
    Slots where;
    std::array<std::uint8_t, 64> slot_of;
    std::uint64_t key = 0;
    const std::size_t n = std::min<std::size_t>(made.size(), 64);
    double latest = made[0].end;
    for (std::size_t j = 0; j < n; ++j) {
        const std::uint32_t type = made[j].type;
        std::size_t before = 0;
        for (std::size_t i = 0; i < j; ++i) before += made[i].type == type;
        const std::size_t s = slot(type, before);
        slot_of[j] = static_cast<std::uint8_t>(s);
        where.at[s] = static_cast<std::int16_t>(j);
        key += mark(type);
        latest = std::max(latest, made[j].end);
    }
    float sum;
    if (const auto found = kind.patterns.find(key); found != kind.patterns.end())
        sum = found->second;
    else
        sum = kind.unseen;
    for (std::size_t j = 0; j < n; ++j) {
        const Start& start = kind.starts[slot_of[j]];
        double from = call.start;
        const GapDensity* density = &start.fallback;
        const Outgoing* reference = nullptr;
        bool usual = start.after == After::call_start;
        switch (start.after) {
            case After::call_start: break;
            case After::end_of_others:
                from = call.start + call.end_lag, density = &start.density, usual = true;
                break;
            case After::last_of_others:
                from = call.start + std::max(0.0, call.lag), density = &start.density, usual = true;
                break;
            case After::latest_end: {
                bool any = false;
                for (std::size_t i = 0; i < n; ++i)
                    if (made[i].end <= made[j].start && (!any || made[i].end > from))
                        from = made[i].end, any = true, reference = &made[i];
                if (any) density = &start.density, usual = true;
                break;
            }
            case After::sibling_start:
            case After::sibling_end:
                if (const int i = where.at[start.sibling]; i >= 0) {
                    const Outgoing& o = made[static_cast<std::size_t>(i)];
                    from = start.after == After::sibling_start ? o.start : o.end;
                    density = &start.density;
                    reference = &o, usual = true;
                }
        }
        if (start.alike >= 0)
            if (const int i = where.at[static_cast<std::size_t>(start.alike)]; i >= 0) {
                const Outgoing& o = made[static_cast<std::size_t>(i)];
                const double own = made[j].end - made[j].start;
                sum += start.duration_beside.log(own, o.end - o.start) - start.duration.log(own);
            }
        if (usual && start.beside == Beside::sibling) {
            const int i = where.at[start.other];
            sum += i >= 0 ? start.conditional.log(made[j].start - from,
                                                  made[static_cast<std::size_t>(i)].start - from)
                          : density->log(made[j].start - from);
        } else
            sum += usual && start.beside != Beside::nothing
                       ? start.conditional.log(made[j].start - from,
                                               value(start.beside, call, made[j], reference))
                       : density->log(made[j].start - from);
    }
    const Outgoing* last = nullptr;
    bool usual = true;
    if (kind.end_slot >= 0 && where.at[static_cast<std::size_t>(kind.end_slot)] >= 0)
        last = &made[static_cast<std::size_t>(where.at[static_cast<std::size_t>(kind.end_slot)])];
    else {
        usual = kind.end_slot < 0;
        for (std::size_t j = 0; j < n; ++j)
            if (!last || made[j].end > last->end) last = &made[j];
    }
    if (usual && kind.end_beside != Beside::nothing)
        return sum +
               kind.end_conditional.log(call.end - last->end, value(kind.end_beside, call, *last, last));
    return sum + (usual && kind.end_slot >= 0 ? kind.end_of_slot : kind.end).log(call.end - last->end);
}

}  // namespace autotune::analysis
