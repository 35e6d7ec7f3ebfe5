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

constexpr double kWideShare = 0.10, kFlatShare = 0.002, kWider = 4;

struct Grid {
    double low = 0, step = 1;
    std::vector<double> counts;
};

// Gaussian kernels of width `h` over the grid's counts.
std::vector<double> smoothed(const Grid& grid, double h) {
    const int reach = std::max(1, static_cast<int>(std::ceil(4 * h / grid.step)));
    std::vector<double> kernel(static_cast<std::size_t>(reach) + 1);
    for (int i = 0; i <= reach; ++i) {
        const double z = i * grid.step / h;
        kernel[static_cast<std::size_t>(i)] = std::exp(-0.5 * z * z) / (h * 2.5066282746310002);
    }
    std::vector<double> out(grid.counts.size(), 0.0);
    const int size = static_cast<int>(grid.counts.size());
    for (int i = 0; i < size; ++i) {
        const double n = grid.counts[static_cast<std::size_t>(i)];
        if (n == 0) continue;
        for (int j = std::max(0, i - reach); j <= std::min(size - 1, i + reach); ++j)
            out[static_cast<std::size_t>(j)] += n * kernel[static_cast<std::size_t>(std::abs(j - i))];
    }
    return out;
}

}  // namespace

GapDensity GapDensity::learn(std::span<const double> gaps, double step_us, std::span<const double> weights) {
    GapDensity d;
    const auto weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
    std::vector<std::uint32_t> order;
    double count = 0, squares = 0;
    for (std::size_t i = 0; i < gaps.size(); ++i)
        if (const double w = weight(i); w > 0)
            order.push_back(static_cast<std::uint32_t>(i)), count += w, squares += w * w;
    d.count_ = order.size();
    d.each_.assign(gaps.size(), -16.0f);
    if (order.size() < 2) {
        d.mean_log_ = -16;
        return d;
    }
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return gaps[a] < gaps[b]; });
    const std::size_t n = order.size();
    const auto sorted = [&](std::size_t i) { return gaps[order[i]]; };
    // The densest quarter tells where and how sharp the peak is.
    const std::size_t quarter = std::max<std::size_t>(1, n / 4);
    std::size_t densest = 0;
    for (std::size_t i = 0; i + quarter < n; ++i)
        if (sorted(i + quarter) - sorted(i) < sorted(densest + quarter) - sorted(densest)) densest = i;
    d.centre_ = sorted(densest + quarter / 2);
    d.scale_ = std::max({(sorted(densest + quarter) - sorted(densest)) / 2, 1.0, step_us});

    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = std::asinh((sorted(i) - d.centre_) / d.scale_);
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) mean += x[i] * weight(order[i]);
    mean /= count;
    for (std::size_t i = 0; i < n; ++i) square += (x[i] - mean) * (x[i] - mean) * weight(order[i]);
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
        const double at = (x[i] - grid.low) / grid.step;
        const auto cell = static_cast<std::size_t>(at);
        const double part = at - static_cast<double>(cell);
        grid.counts[cell] += (1 - part) * weight(order[i]);
        grid.counts[cell + 1] += part * weight(order[i]);
    }
    const auto value = [&](const std::vector<double>& f, double at_x) {
        const double at = (at_x - grid.low) / grid.step;
        if (at < 0 || at >= static_cast<double>(cells)) return 0.0;
        const auto cell = static_cast<std::size_t>(at);
        const double part = at - static_cast<double>(cell);
        return f[cell] * (1 - part) + f[cell + 1] * part;
    };
    // The width of the kernels is the one by which each gap is best told by all the others.
    const double flat = kFlatShare / range;
    std::vector<double> best;
    double best_log = -1e300;
    const double wide_h = std::max(kWider * silverman, grid.step);
    const std::vector<double> wide = smoothed(grid, wide_h);
    const double own_wide = 1 / (wide_h * 2.5066282746310002);
    std::vector<float> each(n);
    for (const double part : {1.0, 0.6, 0.35}) {
        const double h = std::max(silverman * part, grid.step);
        std::vector<double> f = smoothed(grid, h);
        const double own = 1 / (h * 2.5066282746310002);
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const double g = (sorted(i) - d.centre_) / d.scale_;
            const double w = weight(order[i]), rest = std::max(count - w, 1e-9);
            const double narrow = std::max(0.0, value(f, x[i]) - w * own) / rest;
            const double broad = std::max(0.0, value(wide, x[i]) - w * own_wide) / rest;
            each[i] = static_cast<float>(
                std::log((1 - kWideShare - kFlatShare) * narrow + kWideShare * broad + flat) -
                0.5 * std::log(g * g + 1) - std::log(d.scale_));
            sum += w * each[i];
        }
        if (sum <= best_log) continue;
        best_log = sum, best = std::move(f);
        for (std::size_t i = 0; i < n; ++i) d.each_[order[i]] = each[i];
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
    for (int i = 0; i < 2 * kHalf + 2; ++i) {
        const double g = x_of(i);
        const double at = (std::asinh(g) - low_) / cell_;
        double f = flat_;
        if (at >= 0 && at < last) {
            const auto cell = static_cast<std::size_t>(at);
            const double part = at - static_cast<double>(cell);
            f += shape_[cell] * (1 - part) + shape_[cell + 1] * part;
        }
        table_[static_cast<std::size_t>(i)] =
            static_cast<float>(std::log(f) - 0.5 * std::log(g * g + 1) - std::log(scale_));
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
