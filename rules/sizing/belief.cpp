#include "rules/sizing/belief.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "rules/plan/time_model.hpp"

namespace autotune::rules::sizing {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr std::array kCellSds{0.03, 0.08, 0.2, 0.45};  // of a size's own factor, as logarithms
constexpr double kNoise = 0.08;                        // of a call, before any was seen; worth so many calls:
constexpr double kNoiseCalls = 4;

// 1 at 128 MB, less where there is more CPU.
struct Shape {
    double whole_mb = 0, power = 0;  // in proportion to memory up to whole_mb
    int most_cpus = 0;               // or, above 0, whole CPUs, one more with each 1769 MB
    [[nodiscard]] double at(double mb) const {
        if (most_cpus > 0) return 1 / std::min<double>(std::floor(mb / kWholeCpuMb) + 1, most_cpus);
        return std::pow(128 / std::min(mb, whole_mb), power);
    }
};

std::vector<Shape> shapes() {
    std::vector<Shape> all;
    for (const double power : {1.0, 1.5, 2.0})
        for (const double whole : {256.0, 512.0, 1024.0, kWholeCpuMb, 2 * kWholeCpuMb, 10'240.0})
            all.push_back({.whole_mb = whole, .power = power});
    for (const int cpus : {1, 2, 3, 4, 6}) all.push_back({.most_cpus = cpus});
    return all;
}

double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double v : values) sum += v;
    return sum / static_cast<double>(values.size());
}

const Cell* cell_at(const State& state, std::size_t i) {
    const auto found = state.cells.find(state.sizes_mb[i]);
    return found == state.cells.end() ? nullptr : &found->second;
}

bool ruled_out(const Cell& cell) {
    return cell.killed > 0 || (cell.errors >= 2 && cell.errors >= cell.ok_ms.size());
}

// Of the logarithm of a call's time, within a size.
struct Noise {
    double sd = 0, freedom = 0;
};
Noise noise(const State& state) {
    double squares = kNoiseCalls * kNoise * kNoise, freedom = kNoiseCalls;
    for (const auto& [mb, cell] : state.cells) {
        if (cell.ok_ms.size() < 2) continue;
        double middle = 0;
        for (const double ms : cell.ok_ms) middle += std::log(ms);
        middle /= static_cast<double>(cell.ok_ms.size());
        for (const double ms : cell.ok_ms) squares += (std::log(ms) - middle) * (std::log(ms) - middle);
        freedom += static_cast<double>(cell.ok_ms.size() - 1);
    }
    return {std::sqrt(squares / freedom), freedom};
}

struct Point {
    double mb = 0, ms = 0, calls = 0;
};

std::vector<Point> measured(const State& state, std::size_t first) {
    std::vector<Point> points;
    for (std::size_t i = first; i < state.sizes_mb.size(); ++i)
        if (const Cell* cell = cell_at(state, i); cell && !cell->ok_ms.empty())
            points.push_back({static_cast<double>(state.sizes_mb[i]), mean(cell->ok_ms),
                              static_cast<double>(cell->ok_ms.size())});
    return points;
}

// a and w of one shape with their covariance; f is 1 at the least size that was measured.
struct Fit {
    Shape shape;
    double cell_sd = 0;
    double a = 0, w = 0, variance_a = 0, variance_w = 0, covariance = 0;
    double weight = 0;
};

Fit fit(const Shape& shape, double cell_sd, const std::vector<Point>& points, double noise_sd) {
    double scale = 0;
    for (const Point& p : points) scale = std::max(scale, p.ms);
    // A weak prior: waiting and working both of the size of what was seen.
    double aa = 1 / (scale * scale), ww = aa, aw = 0, ay = 0.5 / scale, wy = 0.5 / scale, log_det = 0;
    const double f0 = shape.at(points.front().mb);
    const auto variance = [&](const Point& p) {
        return p.ms * p.ms * (cell_sd * cell_sd + noise_sd * noise_sd / p.calls);
    };
    for (const Point& p : points) {
        const double v = variance(p), f = shape.at(p.mb) / f0;
        aa += 1 / v, ww += f * f / v, aw += f / v, ay += p.ms / v, wy += f * p.ms / v;
        log_det += std::log(v / (p.ms * p.ms));
    }
    const double det = std::max(aa * ww - aw * aw, 1e-300);
    double a = (ay * ww - wy * aw) / det, w = (wy * aa - ay * aw) / det;
    if (a < 0) a = 0, w = wy / ww;
    if (w < 0) w = 0, a = ay / aa;
    double chi = 0;
    for (const Point& p : points) {
        const double off = p.ms - a - w * shape.at(p.mb) / f0;
        chi += off * off / variance(p);
    }
    return {shape, cell_sd, a, w, ww / det, aa / det, -aw / det, -0.5 * (chi + log_det)};
}

// Weights in proportion to how likely the calls are.
std::vector<Fit> fits_of(const std::vector<Point>& points, double noise_sd) {
    std::vector<Fit> fits;
    double best = -kInf;
    for (const Shape& shape : shapes())
        for (const double cell_sd : kCellSds) {
            fits.push_back(fit(shape, cell_sd, points, noise_sd));
            best = std::max(best, fits.back().weight);
        }
    for (Fit& f : fits) f.weight = std::exp(f.weight - best);
    return fits;
}

struct Scales {
    double most_cost = 0, most_ms = 0, least_cost = kInf;
};
double objective(const Objective& o, double mb, double ms, double quantile_ms, const Scales& scales) {
    const double cost = mb * ms;
    switch (o.goal) {
        case Goal::cost: return cost;
        case Goal::balanced:
            return o.parameter * cost / scales.most_cost + (1 - o.parameter) * ms / scales.most_ms;
        case Goal::fastest_within: return cost <= (1 + o.parameter / 100) * scales.least_cost ? ms : kInf;
        case Goal::slo: return quantile_ms <= o.parameter ? cost : kInf;
    }
    return kInf;
}

class Drawing {
public:
    Drawing(const State& state, const Feasible& range)
        : state_(state),
          range_(range),
          points_(measured(state, range.first)),
          noise_(noise(state)),
          fits_(fits_of(points_, noise_.sd)) {
        for (const Fit& f : fits_) weights_ += f.weight;
    }

    Curves draw() {
        const std::size_t n = state_.sizes_mb.size();
        Curves out;
        out.ms.assign(kCurves, std::vector<double>(n, kInf)), out.objective = out.ms;
        out.quantile.assign(kCurves, 1);
        for (std::size_t k = 0; k < kCurves; ++k) {
            if (state_.objective.goal == Goal::slo) out.quantile[k] = some_quantile();
            one(out.ms[k], out.objective[k], out.quantile[k]);
        }
        return out;
    }

private:
    const Fit& some_fit() {
        double pick = uniform_(random_) * weights_;
        std::size_t j = 0;
        while (j + 1 < fits_.size() && (pick -= fits_[j].weight) > 0) ++j;
        return fits_[j];
    }
    // Log-normal calls: of a spread that is itself known from so many calls only.
    double some_quantile() {
        std::chi_squared_distribution<double> chi(noise_.freedom);
        const double sd = noise_.sd * std::sqrt(noise_.freedom / std::max(chi(random_), 1e-6));
        return std::exp(state_.objective.quantile_z * sd - sd * sd / 2);
    }
    void one(std::vector<double>& ms, std::vector<double>& value, double quantile) {
        const Fit& f = some_fit();
        const double z1 = normal_(random_), z2 = normal_(random_), sd_a = std::sqrt(f.variance_a);
        const double rest = std::max(0.0, f.variance_w - f.covariance * f.covariance / f.variance_a);
        const double a = std::max(0.0, f.a + sd_a * z1);
        const double w = std::max(0.0, f.w + f.covariance / sd_a * z1 + std::sqrt(rest) * z2);
        const double f0 = f.shape.at(points_.front().mb);
        const auto unknown = static_cast<double>(range_.succeeded - range_.first);
        const double begins = std::floor(static_cast<double>(range_.first) + uniform_(random_) * unknown);
        Scales scales;
        for (std::size_t i = range_.first; i < ms.size(); ++i) {
            const double mb = state_.sizes_mb[i], z = normal_(random_);
            if (static_cast<double>(i) < begins) continue;
            const auto [middle, spread] = at_size(f.cell_sd, i, std::max(a + w * f.shape.at(mb) / f0, 1e-6));
            ms[i] = middle * std::exp(spread * z);
            // What costs and times are set against is no size's own luck.
            scales.most_cost = std::max(scales.most_cost, mb * middle),
            scales.most_ms = std::max(scales.most_ms, middle);
            scales.least_cost = std::min(scales.least_cost, mb * ms[i]);
        }
        for (std::size_t i = range_.first; i < ms.size(); ++i)
            if (ms[i] < kInf)
                value[i] = objective(state_.objective, state_.sizes_mb[i], ms[i], quantile * ms[i], scales);
    }
    // The fit's time there, drawn towards what was measured there; and how far the true one may be from it.
    [[nodiscard]] std::pair<double, double> at_size(double cell_sd, std::size_t i, double fitted) const {
        const Cell* cell = cell_at(state_, i);
        if (!cell || cell->ok_ms.empty()) return {fitted, cell_sd};
        const double of_fit = 1 / (cell_sd * cell_sd);
        const double of_calls = static_cast<double>(cell->ok_ms.size()) / (noise_.sd * noise_.sd);
        const double pull = of_calls / (of_fit + of_calls) * std::log(mean(cell->ok_ms) / fitted);
        return {fitted * std::exp(pull), 1 / std::sqrt(of_fit + of_calls)};
    }

    const State& state_;
    Feasible range_;
    std::vector<Point> points_;
    Noise noise_;
    std::vector<Fit> fits_;
    double weights_ = 0;
    std::mt19937 random_{12345};
    std::normal_distribution<double> normal_;
    std::uniform_real_distribution<double> uniform_;
};

}  // namespace

std::size_t successes(const State& state, std::size_t i) {
    const Cell* cell = cell_at(state, i);
    return cell ? cell->ok_ms.size() : 0;
}

Feasible feasible(const State& state) {
    Feasible out{.first = 0, .succeeded = state.sizes_mb.size()};
    // What is ruled out takes all below with it.
    for (std::size_t i = 0; i < state.sizes_mb.size(); ++i) {
        const Cell* cell = cell_at(state, i);
        if (state.sizes_mb[i] < state.floor_mb || (cell && ruled_out(*cell))) out.first = i + 1;
    }
    for (std::size_t i = state.sizes_mb.size(); i > out.first; --i)
        if (successes(state, i - 1) > 0) out.succeeded = i - 1;
    return out;
}

Curves draw_curves(const State& state, const Feasible& range) { return Drawing(state, range).draw(); }

double sorted_at(const std::vector<double>& sorted, double p) {
    return sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))];
}

std::vector<Expected> expected(const State& state) {
    const Feasible range = feasible(state);
    if (range.succeeded == state.sizes_mb.size()) return {};
    const Curves curves = draw_curves(state, range);
    std::vector<Expected> out;
    for (std::size_t i = 0; i < state.sizes_mb.size(); ++i) {
        std::vector<double> times;
        for (const auto& curve : curves.ms)
            if (curve[i] < kInf) times.push_back(curve[i]);
        std::sort(times.begin(), times.end());
        Expected e{.works = static_cast<double>(times.size()) / kCurves};
        if (!times.empty())
            e.ms = sorted_at(times, 0.5), e.low_ms = sorted_at(times, 0.05),
            e.high_ms = sorted_at(times, 0.95);
        out.push_back(e);
    }
    return out;
}

}  // namespace autotune::rules::sizing
