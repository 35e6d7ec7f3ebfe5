#include "rules/sizing/tuner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace autotune::rules::sizing {

namespace {

constexpr int kCurves = 160;
constexpr double kCellSds[] = {0.03, 0.08, 0.2};
constexpr double kStop = 0.001;       // expected gain of one more call below which none is made
constexpr std::size_t kMostCalls = 8;  // at one size
constexpr double kInfringed = 1;      // a limit of cost that is not kept, or a size that fails: so many times the best
constexpr double kInf = std::numeric_limits<double>::infinity();

struct Shape {
    double whole_mb, power;
    int most_cpus;  // 0: in proportion
    [[nodiscard]] double at(double m) const {
        if (most_cpus > 0) return 1.0 / std::min<double>(std::floor(m / 1769) + 1, most_cpus);
        return std::pow(128 / std::min(m, whole_mb), power);
    }
};
std::vector<Shape> shapes() {
    std::vector<Shape> all;
    for (double p : {1.0, 1.5, 2.0})
        for (double s : {256., 512., 1024., 1769., 3538., 10240.}) all.push_back({s, p, 0});
    for (int n : {1, 2, 3, 4, 6}) all.push_back({0, 0, n});
    return all;
}
bool ruled_out(const Cell& c) { return c.killed > 0 || (c.errors >= 2 && c.errors >= c.ok_ms.size()); }
double mean(const std::vector<double>& v) {
    double sum = 0;
    for (double x : v) sum += x;
    return sum / static_cast<double>(v.size());
}

struct Fit {
    Shape shape;
    double cell_sd, a, w, va, vw, cov, weight;
};

struct Point {
    double m, y, n;
};

double noise(const State& s) {
    double ss = 4 * 0.08 * 0.08, df = 4;
    for (const auto& [m, c] : s.cells) {
        if (c.ok_ms.size() < 2) continue;
        double mu = 0;
        for (double x : c.ok_ms) mu += std::log(x);
        mu /= static_cast<double>(c.ok_ms.size());
        for (double x : c.ok_ms) ss += (std::log(x) - mu) * (std::log(x) - mu);
        df += static_cast<double>(c.ok_ms.size() - 1);
    }
    return std::sqrt(ss / df);
}

Fit fit(const Shape& shape, double cell_sd, const std::vector<Point>& points, double sd) {
    double scale = 0;
    for (const Point& p : points) scale = std::max(scale, p.y);
    // A weak prior: waiting and working both of the size of what was seen.
    double aa = 1 / (scale * scale), ww = aa, aw = 0, ay = 0.5 / scale, wy = 0.5 / scale, log_det = 0;
    const double f0 = shape.at(points.front().m);
    for (const Point& p : points) {
        const double var = p.y * p.y * (cell_sd * cell_sd + sd * sd / p.n), f = shape.at(p.m) / f0;
        aa += 1 / var, ww += f * f / var, aw += f / var, ay += p.y / var, wy += f * p.y / var;
        log_det += std::log(var / (p.y * p.y));
    }
    const double det = std::max(aa * ww - aw * aw, 1e-300);
    double a = (ay * ww - wy * aw) / det, w = (wy * aa - ay * aw) / det;
    if (a < 0) a = 0, w = wy / ww;
    if (w < 0) w = 0, a = ay / aa;
    double chi = 0;
    for (const Point& p : points) {
        const double r = p.y - a - w * shape.at(p.m) / f0;
        chi += r * r / (p.y * p.y * (cell_sd * cell_sd + sd * sd / p.n));
    }
    return {shape, cell_sd, a, w, ww / det, aa / det, -aw / det, -0.5 * (chi + log_det)};
}

double objective(const Objective& o, double cost, double t, double most_cost, double most_time, double least_cost) {
    switch (o.goal) {
        case Goal::cost: return cost;
        case Goal::balanced: return o.parameter * cost / most_cost + (1 - o.parameter) * t / most_time;
        case Goal::fastest_within: return cost <= (1 + o.parameter / 100) * least_cost ? t : kInf;
    }
    return kInf;
}

}  // namespace

Step next(const State& s) {
    // What is ruled out takes all below with it.
    std::size_t first = 0, feasible_from = s.sizes_mb.size();
    for (std::size_t i = 0; i < s.sizes_mb.size(); ++i) {
        const auto at = s.cells.find(s.sizes_mb[i]);
        if (s.sizes_mb[i] < s.floor_mb || (at != s.cells.end() && ruled_out(at->second))) first = i + 1;
    }
    std::vector<Point> points;
    for (std::size_t i = first; i < s.sizes_mb.size(); ++i) {
        const auto at = s.cells.find(s.sizes_mb[i]);
        if (at == s.cells.end() || at->second.ok_ms.empty()) continue;
        feasible_from = std::min(feasible_from, i);
        points.push_back({double(s.sizes_mb[i]), mean(at->second.ok_ms), double(at->second.ok_ms.size())});
    }
    if (first == s.sizes_mb.size()) return Choose{};
    if (points.empty()) {  // gallop: twice what failed
        const double wanted = first == 0 ? 0 : 2.0 * s.sizes_mb[first - 1];
        for (std::size_t i = first; i < s.sizes_mb.size(); ++i)
            if (s.sizes_mb[i] >= wanted) return Probe{s.sizes_mb[i]};
        return Probe{s.sizes_mb.back()};
    }
    const double sd = noise(s);
    std::vector<Fit> fits;
    double best = -kInf, total = 0;
    for (const Shape& shape : shapes())
        for (double cell_sd : kCellSds) fits.push_back(fit(shape, cell_sd, points, sd)), best = std::max(best, fits.back().weight);
    for (Fit& f : fits) total += f.weight = std::exp(f.weight - best);

    const std::size_t n = s.sizes_mb.size();
    std::mt19937 random(12345);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform;
    std::vector<std::vector<double>> value(kCurves, std::vector<double>(n, kInf)), time = value;
    for (int k = 0; k < kCurves; ++k) {
        double pick = uniform(random) * total;
        std::size_t j = 0;
        while (j + 1 < fits.size() && (pick -= fits[j].weight) > 0) ++j;
        const Fit& f = fits[j];
        const double z1 = normal(random), z2 = normal(random), sa = std::sqrt(f.va);
        const double a = std::max(0.0, f.a + sa * z1);
        const double w = std::max(0.0, f.w + f.cov / sa * z1 + std::sqrt(std::max(0.0, f.vw - f.cov * f.cov / f.va)) * z2);
        const double f0 = f.shape.at(points.front().m), boundary = first + uniform(random) * double(feasible_from - first);
        double most_cost = 0, most_time = 0, least_cost = kInf;
        for (std::size_t i = first; i < n; ++i) {
            const double m = s.sizes_mb[i], z = normal(random);
            if (double(i) < std::floor(boundary)) continue;
            double t = std::max(a + w * f.shape.at(m) / f0, 1e-6), spread = f.cell_sd;
            const auto at = s.cells.find(s.sizes_mb[i]);
            if (at != s.cells.end() && !at->second.ok_ms.empty()) {
                const double p0 = 1 / (f.cell_sd * f.cell_sd), p1 = double(at->second.ok_ms.size()) / (sd * sd);
                t *= std::exp(p1 / (p0 + p1) * std::log(mean(at->second.ok_ms) / t)), spread = 1 / std::sqrt(p0 + p1);
            }
            const double smooth = t;
            t *= std::exp(spread * z);
            time[k][i] = t;
            most_cost = std::max(most_cost, m * smooth), most_time = std::max(most_time, smooth);
            least_cost = std::min(least_cost, m * t);
        }
        for (std::size_t i = first; i < n; ++i)
            if (time[k][i] < kInf)
                value[k][i] = objective(s.objective, s.sizes_mb[i] * time[k][i], time[k][i], most_cost, most_time, least_cost);
    }
    // The best of what is measured well enough: least mean regret, an infringed limit counted as 100 %.
    const auto calls = [&](std::size_t i) {
        const auto at = s.cells.find(s.sizes_mb[i]);
        return at == s.cells.end() ? std::size_t{0} : at->second.ok_ms.size();
    };
    std::vector<double> least(kCurves);
    for (int k = 0; k < kCurves; ++k) least[k] = *std::min_element(value[k].begin(), value[k].end());
    const auto regret = [&](std::size_t i, int k) { return value[k][i] < kInf ? value[k][i] / least[k] - 1 : kInfringed; };
    std::size_t chosen = n;
    double chosen_regret = kInf;
    for (std::size_t i = feasible_from; i < n; ++i) {
        if (calls(i) < 1) continue;
        double sum = 0;
        for (int k = 0; k < kCurves; ++k) sum += regret(i, k);
        if (sum / kCurves < chosen_regret) chosen = i, chosen_regret = sum / kCurves;
    }
    if (calls(chosen) < kLeastCalls) return Probe{s.sizes_mb[chosen]};
    const double unit = s.sizes_mb.back() * points.back().y;
    double best_score = 0, gain_there = 0;
    std::size_t where = n;
    for (std::size_t i = first; i < n; ++i) {
        if (calls(i) >= kMostCalls || i == chosen) continue;
        double gain = 0, t = 0;
        int seen = 0;
        for (int k = 0; k < kCurves; ++k) {
            gain += std::max(0.0, regret(chosen, k) - regret(i, k));
            if (time[k][i] < kInf) t += time[k][i], ++seen;
        }
        gain /= kCurves;
        const double price = 0.01 + s.sizes_mb[i] * (seen ? t / seen : points.front().y) / unit;
        if (gain > kStop && gain / std::sqrt(price) > best_score) best_score = gain / std::sqrt(price), where = i, gain_there = gain;
    }
    (void)gain_there;
    const bool dear = s.spent_mb_ms > 4 * unit || (s.budget_mb_ms > 0 && s.spent_mb_ms > s.budget_mb_ms);
    if (where < n && !dear) return Probe{s.sizes_mb[where]};
    std::vector<double> regrets(kCurves), times;
    for (int k = 0; k < kCurves; ++k) {
        regrets[k] = regret(chosen, k);
        if (time[k][chosen] < kInf) times.push_back(time[k][chosen]);
    }
    std::sort(regrets.begin(), regrets.end()), std::sort(times.begin(), times.end());
    const auto q = [](const std::vector<double>& v, double p) { return v[std::size_t(p * double(v.size() - 1))]; };
    return Choose{s.sizes_mb[chosen], q(times, 0.5), q(times, 0.05), q(times, 0.95), q(regrets, 0.95)};
}

}  // namespace autotune::rules::sizing
