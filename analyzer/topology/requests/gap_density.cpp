#include "analyzer/topology/requests/gap_density.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace autotune::analysis {

namespace {

// Places of the table: sign · log2(1 + |x|), log2 by the straight line between powers of two that a float's
// bits are.
constexpr std::size_t kCells = 1000;
constexpr int kPerOctave = 32, kOctaves = 26, kHalf = kPerOctave * kOctaves;

float place_of(double x) {
    const float size = 1.0f + static_cast<float>(std::min(std::fabs(x), 6.0e7));
    const auto bits = std::bit_cast<std::uint32_t>(size) - 0x3f800000u;
    const float octaves = static_cast<float>(bits) * (1.0f / 8388608.0f) * kPerOctave;
    return kHalf + (x < 0 ? -octaves : octaves);
}

double x_of(int place) {
    const int from_middle = std::abs(place - kHalf);
    const int octave = from_middle / kPerOctave;
    const double part = static_cast<double>(from_middle % kPerOctave) / kPerOctave;
    const double size = std::ldexp(1.0 + part, octave) - 1.0;
    return place < kHalf ? -size : size;
}

constexpr double kSqrtTwoPi = 2.5066282746310002;
constexpr double kWideShare = 0.10, kFlatShare = 0.002, kWider = 4;

struct Grid {
    double low = 0, step = 1;
    std::vector<double> counts;
};

// Gaussian kernels of width `h` over the grid's counts.
std::vector<double> smoothed(const Grid& grid, double h) {
    const int reach = std::max(1, static_cast<int>(std::ceil(4 * h / grid.step)));
    std::vector<double> kernel(2 * static_cast<std::size_t>(reach) + 1);  // both sides, so that it is read in one direction
    for (int i = 0; i <= reach; ++i) {
        const double z = i * grid.step / h;
        kernel[static_cast<std::size_t>(reach - i)] = kernel[static_cast<std::size_t>(reach + i)] =
            std::exp(-0.5 * z * z) / (h * kSqrtTwoPi);
    }
    std::vector<double> out(grid.counts.size(), 0.0);
    const int size = static_cast<int>(grid.counts.size());
    for (int i = 0; i < size; ++i) {
        const double n = grid.counts[static_cast<std::size_t>(i)];
        if (n == 0) continue;
        const int begin = std::max(0, i - reach), end = std::min(size - 1, i + reach) + 1;
        const double* const k = kernel.data() + (begin - i + reach);
        double* const to = out.data() + begin;
        for (int j = 0; j < end - begin; ++j) to[j] += n * k[j];
    }
    return out;
}

// A gap that is learned from: where it lies on the grid, and what is told of it by the others.
struct Learned {
    double gap = 0;
    std::uint32_t number = 0;  // among those that were given
    std::uint32_t cell = 0;
    double part = 0;  // of the way to the next cell
    double weight = 1;
    double stretch = 0;  // log of the scale's slope there
    double broad = 0;    // what the wide kernels of the others and the flat part give it
    [[nodiscard]] double value(const std::vector<double>& f) const { return f[cell] * (1 - part) + f[cell + 1] * part; }
};

// Of each place of the table: what is asked of it for any density.
struct Place {
    double asinh = 0, stretch = 0;
};

const std::vector<Place>& places() {
    static const std::vector<Place> all = [] {
        std::vector<Place> out(2 * kHalf + 2);
        for (int i = 0; i < 2 * kHalf + 2; ++i) {
            const double g = x_of(i);
            out[static_cast<std::size_t>(i)] = {std::asinh(g), 0.5 * std::log(g * g + 1)};
        }
        return out;
    }();
    return all;
}

}  // namespace

GapDensity GapDensity::learn(std::span<const double> gaps, double step_us, std::span<const double> weights) {
    GapDensity d;
    std::vector<std::pair<double, std::uint32_t>> order;  // gap, number
    order.reserve(gaps.size());
    double count = 0, squares = 0;
    const auto weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
    for (std::size_t i = 0; i < gaps.size(); ++i)
        if (const double w = weight(i); w > 0)
            order.push_back({gaps[i], static_cast<std::uint32_t>(i)}), count += w, squares += w * w;
    d.count_ = order.size();
    d.each_.assign(gaps.size(), -16.0f);
    if (order.size() < 2) {
        d.mean_log_ = -16;
        return d;
    }
    std::sort(order.begin(), order.end());
    std::vector<Learned> seen(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        seen[i].gap = order[i].first, seen[i].number = order[i].second, seen[i].weight = weight(order[i].second);
    const std::size_t n = seen.size();
    // The densest quarter tells where and how sharp the peak is.
    const std::size_t quarter = std::max<std::size_t>(1, n / 4);
    std::size_t densest = 0;
    for (std::size_t i = 0; i + quarter < n; ++i)
        if (seen[i + quarter].gap - seen[i].gap < seen[densest + quarter].gap - seen[densest].gap) densest = i;
    d.centre_ = seen[densest + quarter / 2].gap;
    d.scale_ = std::max({(seen[densest + quarter].gap - seen[densest].gap) / 2, 1.0, step_us});

    std::vector<double> x(n);
    const double log_scale = std::log(d.scale_);
    for (std::size_t i = 0; i < n; ++i) {
        const double g = (seen[i].gap - d.centre_) / d.scale_;
        x[i] = std::asinh(g);
        seen[i].stretch = 0.5 * std::log(g * g + 1) + log_scale;
    }
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) mean += x[i] * seen[i].weight;
    mean /= count;
    for (std::size_t i = 0; i < n; ++i) square += (x[i] - mean) * (x[i] - mean) * seen[i].weight;
    const double deviation = std::sqrt(square / count);
    const double quartiles = x[n * 3 / 4] - x[n / 4];
    double spread = std::min(deviation, quartiles / 1.34);
    if (spread <= 0) spread = std::max(deviation, 0.05);
    const double silverman = 0.9 * spread * std::pow(count * count / squares, -0.2);

    Grid grid;
    const double pad = 4 * kWider * silverman + 0.5;
    grid.low = x.front() - pad;
    const double range = x.back() + pad - grid.low;
    const std::size_t cells = kCells;
    grid.step = range / static_cast<double>(cells);
    grid.counts.assign(cells + 2, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        Learned& l = seen[i];
        const double at = (x[i] - grid.low) / grid.step;
        l.cell = static_cast<std::uint32_t>(at);
        l.part = at - static_cast<double>(l.cell);
        grid.counts[l.cell] += (1 - l.part) * l.weight;
        grid.counts[l.cell + 1] += l.part * l.weight;
    }
    // The width of the kernels is the one by which each gap is best told by all the others.
    const double flat = kFlatShare / range;
    std::vector<double> best;
    double best_log = -1e300;
    const double wide_h = std::max(kWider * silverman, grid.step);
    const std::vector<double> wide = smoothed(grid, wide_h);
    const double own_wide = 1 / (wide_h * kSqrtTwoPi);
    for (Learned& l : seen)
        l.broad = kWideShare * std::max(0.0, l.value(wide) - l.weight * own_wide) / std::max(count - l.weight, 1e-9) + flat;
    std::vector<float> each(n);
    for (const double part : {1.0, 0.6, 0.35}) {
        const double h = std::max(silverman * part, grid.step);
        std::vector<double> f = smoothed(grid, h);
        const double own = 1 / (h * kSqrtTwoPi);
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const Learned& l = seen[i];
            const double narrow = std::max(0.0, l.value(f) - l.weight * own) / std::max(count - l.weight, 1e-9);
            each[i] = static_cast<float>(std::log((1 - kWideShare - kFlatShare) * narrow + l.broad) - l.stretch);
            sum += l.weight * each[i];
        }
        if (sum <= best_log) continue;
        best_log = sum, best = std::move(f);
        for (std::size_t i = 0; i < n; ++i) d.each_[seen[i].number] = each[i];
    }
    d.mean_log_ = best_log / count;
    d.low_ = grid.low, d.cell_ = grid.step;
    d.shape_.resize(cells + 1);
    for (std::size_t i = 0; i <= cells; ++i)
        d.shape_[i] = static_cast<float>((1 - kWideShare - kFlatShare) * best[i] / count +
                                         kWideShare * wide[i] / count);
    d.flat_ = flat;
    return d;
}

void GapDensity::tabulate() {
    each_.clear();
    if (shape_.empty()) return;
    table_.resize(2 * kHalf + 2);
    const double last = static_cast<double>(shape_.size() - 1);
    const double log_scale = std::log(scale_), log_flat = std::log(flat_);
    const std::vector<Place>& all = places();
    for (std::size_t i = 0; i < table_.size(); ++i) {
        const Place& place = all[i];
        const double at = (place.asinh - low_) / cell_;
        double log_f = log_flat;
        if (at >= 0 && at < last) {
            const auto cell = static_cast<std::size_t>(at);
            const double part = at - static_cast<double>(cell);
            log_f = std::log(flat_ + shape_[cell] * (1 - part) + shape_[cell + 1] * part);
        }
        table_[i] = static_cast<float>(log_f - place.stretch - log_scale);
    }
    shape_.clear();
    shape_.shrink_to_fit();
}

void ConditionalDensity::tabulate() {
    for (GapDensity& part : parts_) part.tabulate();
}

double ConditionalDensity::place(double beside) const {
    std::size_t i = 0;
    while (i < knots_.size() && knots_[i] < beside) ++i;
    if (i == 0) return 0;
    if (i == knots_.size()) return static_cast<double>(i) - 1;
    return static_cast<double>(i) - 1 + (beside - knots_[i - 1]) / (knots_[i] - knots_[i - 1]);
}

ConditionalDensity ConditionalDensity::learn(std::span<const double> gaps, std::span<const double> beside,
                                             double step_us) {
    ConditionalDensity d;
    std::vector<double> sorted(beside.begin(), beside.end());
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < kParts && !sorted.empty(); ++i) {
        const double knot = sorted[(2 * i + 1) * sorted.size() / (2 * kParts)];
        if (d.knots_.empty() || knot > d.knots_.back()) d.knots_.push_back(knot);
    }
    if (d.knots_.size() < 2) return d;
    std::vector<double> weights(gaps.size()), places(gaps.size());
    for (std::size_t i = 0; i < gaps.size(); ++i) places[i] = d.place(beside[i]);
    for (std::size_t k = 0; k < d.knots_.size(); ++k) {
        for (std::size_t i = 0; i < gaps.size(); ++i)
            weights[i] = std::max(0.0, 1 - std::fabs(places[i] - static_cast<double>(k)));
        d.parts_.push_back(GapDensity::learn(gaps, step_us, weights));
        if (d.parts_.back().count() < 20) return d;
    }
    double sum = 0;
    for (std::size_t i = 0; i < gaps.size(); ++i) {
        const auto low = std::min(static_cast<std::size_t>(places[i]), d.knots_.size() - 2);
        const double part = places[i] - static_cast<double>(low);
        sum += part <= 0   ? d.parts_[low].each_[i]
               : part >= 1 ? d.parts_[low + 1].each_[i]
                           : (1 - part) * d.parts_[low].each_[i] + part * d.parts_[low + 1].each_[i];
    }
    d.mean_log_ = sum / static_cast<double>(gaps.size());
    return d;
}

float ConditionalDensity::log(double gap_us, double beside) const {
    const double at = place(beside);
    const auto low = std::min(static_cast<std::size_t>(at), knots_.size() - 2);
    const auto part = static_cast<float>(at - static_cast<double>(low));
    if (part == 0) return parts_[low].log(gap_us);
    if (part == 1) return parts_[low + 1].log(gap_us);
    return parts_[low].log(gap_us) * (1 - part) + parts_[low + 1].log(gap_us) * part;
}

float GapDensity::log(double gap_us) const {
    if (table_.empty()) return -16.0f;
    const float at = place_of((gap_us - centre_) / scale_);
    const int cell = static_cast<int>(at);
    const float part = at - static_cast<float>(cell);
    const auto i = static_cast<std::size_t>(cell);
    return table_[i] + (table_[i + 1] - table_[i]) * part;
}

}  // namespace autotune::analysis
