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
constexpr std::uint32_t kSeed = 12345;

constexpr std::array kPowers{1.0, 1.5, 2.0};
constexpr std::size_t kMostTold = 8;  // sizes of CPU up to which a function may use it, of those that a tariff tells

// 1 at 128 MB, or at the smallest size, less where there is more CPU.
struct Shape {
    double whole_mb = 0, power = 0;  // in proportion to memory up to whole_mb
    int most_cpus = 0;               // or, above 0, whole CPUs, one more with each 1769 MB
    double whole_cpu = 0;            // or, above 0, in proportion to the CPU that the tariff tells, up to so much
    [[nodiscard]] double at(const State& state, std::size_t i) const {
        const double mb = state.sizes_mb[i];
        if (whole_cpu > 0)
            return std::pow(state.price.at.front().cpu / std::min(state.price.at[i].cpu, whole_cpu), power);
        if (most_cpus > 0) return 1 / std::min<double>(std::floor(mb / kWholeCpuMb) + 1, most_cpus);
        return std::pow(128 / std::min(mb, whole_mb), power);
    }
};

std::vector<Shape> shapes_told(const std::vector<SizePrice>& sizes) {
    std::vector<double> cpus;
    for (const SizePrice& size : sizes) cpus.push_back(size.cpu);
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    std::vector<Shape> all;
    const std::size_t step = (cpus.size() + kMostTold - 1) / kMostTold;
    for (const double power : kPowers)
        for (std::size_t i = 0; i < cpus.size(); i += step) all.push_back({.power = power, .whole_cpu = cpus[i]});
    return all;
}

std::vector<Shape> shapes(const State& state) {
    const auto& told = state.price.at;
    if (!told.empty() && std::all_of(told.begin(), told.end(), [](const SizePrice& s) { return s.cpu > 0; }))
        return shapes_told(told);
    std::vector<Shape> all;
    for (const double power : kPowers)
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
    std::size_t size = 0;  // of State::sizes_mb
    double ms = 0, calls = 0;
};

std::vector<Point> measured(const State& state, const Feasible& range) {
    std::vector<Point> points;
    for (std::size_t i = 0; i < state.sizes_mb.size(); ++i)
        if (const Cell* cell = cell_at(state, i); cell && !cell->ok_ms.empty() && range.possible(i))
            points.push_back({i, mean(cell->ok_ms), static_cast<double>(cell->ok_ms.size())});
    return points;
}

// a and w of one shape with their covariance; f is 1 at the least size that was measured.
struct Fit {
    Shape shape;
    double cell_sd = 0;
    double a = 0, w = 0, variance_a = 0, variance_w = 0, covariance = 0;
    double weight = 0;
};

Fit fit(const State& state, const Shape& shape, double cell_sd, const std::vector<Point>& points, double noise_sd) {
    double scale = 0;
    for (const Point& p : points) scale = std::max(scale, p.ms);
    // A weak prior: waiting and working both of the size of what was seen.
    double aa = 1 / (scale * scale), ww = aa, aw = 0, ay = 0.5 / scale, wy = 0.5 / scale, log_det = 0;
    const double f0 = shape.at(state, points.front().size);
    const auto variance = [&](const Point& p) {
        return p.ms * p.ms * (cell_sd * cell_sd + noise_sd * noise_sd / p.calls);
    };
    for (const Point& p : points) {
        const double v = variance(p), f = shape.at(state, p.size) / f0;
        aa += 1 / v, ww += f * f / v, aw += f / v, ay += p.ms / v, wy += f * p.ms / v;
        log_det += std::log(v / (p.ms * p.ms));
    }
    const double det = std::max(aa * ww - aw * aw, 1e-300);
    double a = (ay * ww - wy * aw) / det, w = (wy * aa - ay * aw) / det;
    if (a < 0) a = 0, w = wy / ww;
    if (w < 0) w = 0, a = ay / aa;
    double chi = 0;
    for (const Point& p : points) {
        const double off = p.ms - a - w * shape.at(state, p.size) / f0;
        chi += off * off / variance(p);
    }
    return {shape, cell_sd, a, w, ww / det, aa / det, -aw / det, -0.5 * (chi + log_det)};
}

// Weights in proportion to how likely the calls are.
std::vector<Fit> fits_of(const State& state, const std::vector<Point>& points, double noise_sd) {
    std::vector<Fit> fits;
    double best = -kInf;
    for (const Shape& shape : shapes(state))
        for (const double cell_sd : kCellSds) {
            fits.push_back(fit(state, shape, cell_sd, points, noise_sd));
            best = std::max(best, fits.back().weight);
        }
    for (Fit& f : fits) f.weight = std::exp(f.weight - best);
    return fits;
}

class Drawing {
public:
    Drawing(const State& state, const Feasible& range, std::uint32_t stream)
        : state_(state),
          range_(range),
          points_(measured(state, range)),
          noise_(noise(state)),
          fits_(fits_of(state, points_, noise_.sd)),
          random_(kSeed + stream) {
        for (const Fit& f : fits_) weights_ += f.weight;
    }

    Curves draw() {
        const std::size_t n = state_.sizes_mb.size();
        Curves out;
        out.ms.assign(kCurves, std::vector<double>(n, kInf)), out.middle = out.ms;
        out.sd.assign(kCurves, 0);
        for (std::size_t k = 0; k < kCurves; ++k) {
            if (state_.objective.goal == Goal::slo) out.sd[k] = some_spread();
            one(out.ms[k], out.middle[k]);
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
    double some_spread() {
        std::chi_squared_distribution<double> chi(noise_.freedom);
        return noise_.sd * std::sqrt(noise_.freedom / std::max(chi(random_), 1e-6));
    }
    void one(std::vector<double>& ms, std::vector<double>& middle) {
        const Fit& f = some_fit();
        const double z1 = normal_(random_), z2 = normal_(random_), sd_a = std::sqrt(f.variance_a);
        const double rest = std::max(0.0, f.variance_w - f.covariance * f.covariance / f.variance_a);
        const double a = std::max(0.0, f.a + sd_a * z1);
        const double w = std::max(0.0, f.w + f.covariance / sd_a * z1 + std::sqrt(rest) * z2);
        const double f0 = f.shape.at(state_, points_.front().size);
        const auto unknown = static_cast<double>(range_.succeeded - range_.first);
        const double begins = std::floor(static_cast<double>(range_.first) + uniform_(random_) * unknown);
        for (std::size_t i = 0; i < ms.size(); ++i) {
            if (!range_.possible(i)) continue;
            const double z = normal_(random_);
            if (static_cast<double>(i) < begins && !range_.shown[i]) continue;
            const auto [around, spread] = at_size(f.cell_sd, i, std::max(a + w * f.shape.at(state_, i) / f0, 1e-6));
            middle[i] = around, ms[i] = around * std::exp(spread * z);
        }
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
    std::mt19937 random_;
    std::normal_distribution<double> normal_;
    std::uniform_real_distribution<double> uniform_;
};

}  // namespace

double spread(const State& state) { return noise(state).sd; }

std::size_t successes(const State& state, std::size_t i) {
    const Cell* cell = cell_at(state, i);
    return cell ? cell->ok_ms.size() : 0;
}

Feasible feasible(const State& state) {
    Feasible out{.first = 0, .succeeded = state.sizes_mb.size(), .shown = std::vector<bool>(state.sizes_mb.size())};
    // What is ruled out takes all below with it: what needs memory those that have worked so far too, time and errors not.
    std::size_t holds = 0;
    for (std::size_t i = 0; i < state.sizes_mb.size(); ++i) {
        const Cell* cell = cell_at(state, i);
        if (state.sizes_mb[i] < state.floor_mb || (cell && ruled_out(*cell))) out.first = i + 1;
        if (state.sizes_mb[i] < state.floor_mb || (cell && cell->out_of_memory > 0)) holds = i + 1;
    }
    for (std::size_t i = holds; i < out.first; ++i) {
        const Cell* cell = cell_at(state, i);
        out.shown[i] = cell && cell->ok_ms.size() >= kLeastCalls && !ruled_out(*cell);
    }
    for (std::size_t i = state.sizes_mb.size(); i > out.first; --i)
        if (successes(state, i - 1) > 0) out.succeeded = i - 1;
    return out;
}

bool Feasible::some_work() const {
    return succeeded < shown.size() || std::find(shown.begin(), shown.end(), true) != shown.end();
}

Curves draw_curves(const State& state, const Feasible& range, std::uint32_t stream) {
    return Drawing(state, range, stream).draw();
}

double sorted_at(const std::vector<double>& sorted, double p) {
    return sorted[static_cast<std::size_t>(p * static_cast<double>(sorted.size() - 1))];
}

std::vector<Expected> expected_of(const std::vector<std::vector<double>>& curves_ms) {
    std::vector<Expected> out;
    for (std::size_t i = 0; i < curves_ms.front().size(); ++i) {
        std::vector<double> times;
        for (const auto& curve : curves_ms)
            if (curve[i] < kInf) times.push_back(curve[i]);
        std::sort(times.begin(), times.end());
        Expected e{.works = static_cast<double>(times.size()) / static_cast<double>(curves_ms.size())};
        if (!times.empty())
            e.ms = sorted_at(times, 0.5), e.low_ms = sorted_at(times, 0.05),
            e.high_ms = sorted_at(times, 0.95);
        out.push_back(e);
    }
    return out;
}

std::vector<Expected> expected(const State& state) {
    const Feasible range = feasible(state);
    if (!range.some_work()) return {};
    return expected_of(draw_curves(state, range).ms);
}

}  // namespace autotune::rules::sizing
