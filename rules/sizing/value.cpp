#include "rules/sizing/value.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace autotune::rules::sizing {

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr int kHalvings = 14;  // of the span between the parts' quantiles

double normal_share(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

// Of log-normal calls around a mean.
double quantile_of(double mean, double sd, double z) { return mean * std::exp(z * sd - sd * sd / 2); }

struct Scales {
    double most_cost = 0, most_ms = 0, least_cost = kInf;
};

// One curve of each part.
class Curve {
public:
    Curve(const std::vector<Part>& parts, std::size_t k, Limit limit)
        : parts_(parts), k_(k), limit_(limit), goal_(parts.front().state->objective) {
        for (const Part& part : parts) billed_.emplace_back(part.state->price, spread(*part.state));
    }

    void write(std::vector<double>& ms, std::vector<double>& value, std::vector<double>* quantiles) const {
        const std::size_t n = ms.size();
        Scales all;
        std::vector<double> least(parts_.size(), kInf);  // cost, by part
        std::vector<double> costs(n, kInf);
        for (std::size_t i = 0; i < n; ++i) {
            if (!works(i)) continue;
            double mean = 0, middle = 0, cost = 0, middle_cost = 0;
            for (std::size_t p = 0; p < parts_.size(); ++p) {
                const double weight = parts_[p].weight, own = paid(p, i, part_ms(p, i));
                mean += weight * part_ms(p, i), middle += weight * part_middle(p, i);
                cost += weight * own, middle_cost += weight * paid(p, i, part_middle(p, i));
                least[p] = std::min(least[p], own);
            }
            ms[i] = mean, costs[i] = cost;
            // What costs and times are set against is no size's own luck.
            all.most_cost = std::max(all.most_cost, middle_cost), all.most_ms = std::max(all.most_ms, middle);
            all.least_cost = std::min(all.least_cost, cost);
        }
        for (std::size_t i = 0; i < n; ++i) {
            if (!(ms[i] < kInf)) continue;
            if (quantiles) (*quantiles)[i] = quantile(i);
            value[i] = objective(i, costs[i], ms[i], all, least, quantiles ? (*quantiles)[i] : 0);
        }
    }

private:
    [[nodiscard]] double part_ms(std::size_t p, std::size_t i) const { return parts_[p].curves->ms[k_][i]; }
    [[nodiscard]] double part_middle(std::size_t p, std::size_t i) const { return parts_[p].curves->middle[k_][i]; }
    [[nodiscard]] bool works(std::size_t i) const {
        for (std::size_t p = 0; p < parts_.size(); ++p)
            if (!(part_ms(p, i) < kInf)) return false;
        return true;
    }
    [[nodiscard]] double paid(std::size_t p, std::size_t i, double ms) const {
        return cost(*parts_[p].state, i, billed_[p].ms(ms));
    }
    [[nodiscard]] double objective(std::size_t i, double cost, double ms, const Scales& all, const std::vector<double>& least,
                                   double quantile_ms) const {
        const double parameter = goal_.parameter, within = 1 + parameter / 100;
        switch (goal_.goal) {
            case Goal::cost: return cost;
            case Goal::balanced: return parameter * cost / all.most_cost + (1 - parameter) * ms / all.most_ms;
            case Goal::fastest_within:
                if (limit_ == Limit::of_all) return cost <= within * all.least_cost ? ms : kInf;
                for (std::size_t p = 0; p < parts_.size(); ++p)
                    if (paid(p, i, part_ms(p, i)) > within * least[p]) return kInf;
                return ms;
            case Goal::slo: return quantile_ms <= parameter ? cost : kInf;
        }
        return kInf;
    }
    [[nodiscard]] double quantile(std::size_t i) const {
        double low = kInf, high = 0;
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            const double own = quantile_of(part_ms(p, i), parts_[p].curves->sd[k_], goal_.quantile_z);
            low = std::min(low, own), high = std::max(high, own);
        }
        if (limit_ == Limit::of_each || parts_.size() == 1) return high;
        const double share = normal_share(goal_.quantile_z);
        for (int n = 0; n < kHalvings; ++n) {
            const double middle = std::sqrt(low * high);
            double below = 0;
            for (std::size_t p = 0; p < parts_.size(); ++p) {
                const double sd = parts_[p].curves->sd[k_];
                below += parts_[p].weight * normal_share((std::log(middle / part_ms(p, i)) + sd * sd / 2) / sd);
            }
            (below < share ? low : high) = middle;
        }
        return high;
    }

    const std::vector<Part>& parts_;
    std::size_t k_;
    Limit limit_;
    const Objective& goal_;
    std::vector<MeanBilled> billed_;  // by part
};

}  // namespace

Values values_of(const std::vector<Part>& parts, Limit limit) {
    const std::size_t n = parts.front().state->sizes_mb.size();
    Values out;
    out.ms.assign(kCurves, std::vector<double>(n, kInf)), out.objective = out.ms;
    const bool slo = parts.front().state->objective.goal == Goal::slo;
    if (slo) out.quantile_ms = out.ms;
    for (std::size_t k = 0; k < kCurves; ++k)
        Curve(parts, k, limit).write(out.ms[k], out.objective[k], slo ? &out.quantile_ms[k] : nullptr);
    return out;
}

}  // namespace autotune::rules::sizing
