#include "rules/sizing/mix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "rules/sizing/choosing.hpp"

namespace autotune::rules::sizing {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// The mix as a State: a size has as many successes as the bucket that has the fewest there.
State whole_of(const Mix& mix) {
    const State& like = mix.buckets.front();
    State whole{.sizes_mb = like.sizes_mb, .objective = like.objective, .budget = mix.budget, .cells = {}, .spent = mix.spent, .price = like.price};
    for (std::size_t i = 0; i < whole.sizes_mb.size(); ++i) {
        std::size_t calls = std::numeric_limits<std::size_t>::max();
        double mean = 0;
        for (std::size_t b = 0; b < mix.buckets.size(); ++b) {
            calls = std::min(calls, successes(mix.buckets[b], i));
            if (calls == 0) break;
            double sum = 0;
            const auto& ok = mix.buckets[b].cells.at(whole.sizes_mb[i]).ok_ms;
            for (const double ms : ok) sum += ms;
            mean += mix.weights[b] * sum / static_cast<double>(ok.size());
        }
        if (calls > 0) whole.cells[whole.sizes_mb[i]].ok_ms.assign(calls, mean);
    }
    return whole;
}

// The belief about a mix in which every bucket has succeeded somewhere.
class Believed {
public:
    explicit Believed(const Mix& mix) : mix_(mix), whole_(whole_of(mix)) {
        std::size_t works = 0;
        range_.shown.assign(whole_.sizes_mb.size(), true);
        for (std::size_t b = 0; b < mix.buckets.size(); ++b) {
            const Feasible own = feasible(mix.buckets[b]);
            range_.first = std::max(range_.first, own.first);
            works = std::max(works, own.succeeded);
            for (std::size_t i = 0; i < whole_.sizes_mb.size(); ++i) range_.shown[i] = range_.shown[i] && own.possible(i);
            curves_.push_back(draw_curves(mix.buckets[b], own, static_cast<std::uint32_t>(b)));
        }
        // From there on no bucket is known to fail; where all have succeeded, if that is anywhere.
        range_.succeeded = works;
        for (std::size_t i = whole_.sizes_mb.size(); i > works; --i)
            if (successes(whole_, i - 1) > 0) range_.succeeded = i - 1;
        std::vector<Part> parts;
        for (std::size_t b = 0; b < mix.buckets.size(); ++b) parts.push_back({&mix.buckets[b], &curves_[b], mix.weights[b]});
        values_ = values_of(parts, mix.limit);
    }

    [[nodiscard]] MixStep step() const {
        const std::size_t none = whole_.sizes_mb.size();
        const Choosing choosing(whole_, range_, values_);
        const std::size_t measured = choosing.best_measured(1);
        if (measured == none) {  // no size where all buckets have succeeded
            if (is_spent(whole_)) return Choose{};
            const std::size_t likely = choosing.best_measured(0);
            return probe(likely == none ? none - 1 : likely, none);
        }
        const Step step = choosing.step();
        if (const auto* choice = std::get_if<Choose>(&step)) return *choice;
        return probe(index_of(std::get<Probe>(step).memory_mb), measured);
    }
    [[nodiscard]] const Values& values() const { return values_; }

private:
    [[nodiscard]] std::size_t index_of(std::uint32_t mb) const {
        return static_cast<std::size_t>(std::lower_bound(whole_.sizes_mb.begin(), whole_.sizes_mb.end(), mb) - whole_.sizes_mb.begin());
    }
    // The bucket whose time there is least known, of what it is to the mix; to settle what is chosen, one that lacks calls.
    [[nodiscard]] MixProbe probe(std::size_t i, std::size_t measured) const {
        std::size_t fewest = std::numeric_limits<std::size_t>::max();
        for (const State& bucket : mix_.buckets) fewest = std::min(fewest, successes(bucket, i));
        const bool settle = fewest == 0 || (i == measured && fewest < kLeastCalls);
        std::size_t chosen = 0;
        double most = -1;
        for (std::size_t b = 0; b < mix_.buckets.size(); ++b) {
            const std::size_t calls = successes(mix_.buckets[b], i);
            if (calls >= kMostCalls || (settle && calls > fewest)) continue;
            const double doubt = mix_.weights[b] * deviation(b, i);
            if (doubt > most) most = doubt, chosen = b;
        }
        return {whole_.sizes_mb[i], chosen};
    }
    [[nodiscard]] double deviation(std::size_t b, std::size_t i) const {
        double sum = 0, squares = 0, n = 0;
        for (const auto& curve : curves_[b].ms)
            if (curve[i] < kInf) sum += curve[i], squares += curve[i] * curve[i], ++n;
        return n > 0 ? std::sqrt(std::max(0.0, squares / n - sum / n * sum / n)) : 0;
    }

    const Mix& mix_;
    State whole_;
    Feasible range_;
    std::vector<Curves> curves_;
    Values values_;
};

bool is_spent(const Mix& mix) { return mix.budget > 0 && mix.spent >= mix.budget; }

// The first bucket that has succeeded nowhere, or whose larger sizes are to be asked first, as of a function alone.
std::optional<std::size_t> unknown_bucket(const Mix& mix) {
    for (std::size_t b = 0; b < mix.buckets.size(); ++b) {
        const Feasible own = feasible(mix.buckets[b]);
        const std::size_t n = mix.buckets[b].sizes_mb.size();
        if (!own.some_work() || (!is_spent(mix) && own.first < n && own.succeeded == n)) return b;
    }
    return std::nullopt;
}

Values values_alone(const State& bucket, const Feasible& range, Curves& curves) {
    curves = draw_curves(bucket, range);
    return values_of({{&bucket, &curves, 1}}, Limit::of_all);
}

}  // namespace

MixStep next(const Mix& mix) {
    if (const auto b = unknown_bucket(mix)) {
        const State& bucket = mix.buckets[*b];
        const Feasible range = feasible(bucket);
        if (is_spent(mix) || range.first == bucket.sizes_mb.size()) return Choose{};
        return MixProbe{gallop(bucket, range.first).memory_mb, *b};
    }
    return Believed(mix).step();
}

std::vector<Expected> expected(const Mix& mix) {
    if (std::ranges::any_of(mix.buckets, [](const State& bucket) { return !feasible(bucket).some_work(); })) return {};
    const Believed believed(mix);
    return expected_of(believed.values().ms);
}

Choose at_size(const State& bucket, std::uint32_t memory_mb) {
    const Feasible range = feasible(bucket);
    const auto at = std::lower_bound(bucket.sizes_mb.begin(), bucket.sizes_mb.end(), memory_mb);
    const auto i = static_cast<std::size_t>(at - bucket.sizes_mb.begin());
    if (!range.some_work() || i == bucket.sizes_mb.size() || *at != memory_mb || !range.possible(i))
        return {};
    Curves curves;
    const Values values = values_alone(bucket, range, curves);
    if (std::none_of(values.ms.begin(), values.ms.end(), [&](const auto& curve) { return curve[i] < kInf; })) return {};
    return Choosing(bucket, range, values).answer(i);
}

Choose best_of(const State& bucket) {
    const Feasible range = feasible(bucket);
    if (!range.some_work()) return {};
    Curves curves;
    const Choosing choosing(bucket, range, values_alone(bucket, range, curves));
    const std::size_t chosen = choosing.best_measured(kLeastCalls);
    return chosen == bucket.sizes_mb.size() ? Choose{} : choosing.answer(chosen);
}

}  // namespace autotune::rules::sizing
