#include "rules/canary/correlation.hpp"

#include <cmath>

namespace autotune::rules {

namespace {

int sign_of(const Pair& pair) {
    if (failed(pair.canary) || failed(pair.baseline)) return failed(pair.canary) - failed(pair.baseline);
    return (pair.canary.duration > pair.baseline.duration) - (pair.canary.duration < pair.baseline.duration);
}

}  // namespace

bool SignCorrelation::worrying() const {
    constexpr double kStandardErrors = 4;
    return lag_one * std::sqrt(static_cast<double>(pairs)) > kStandardErrors;
}

SignCorrelation sign_correlation(std::span<const Pair> pairs) {
    if (pairs.size() < 2) return {};
    double mean = 0;
    for (const Pair& pair : pairs) mean += sign_of(pair);
    mean /= static_cast<double>(pairs.size());
    double own = 0, next = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const double here = sign_of(pairs[i]) - mean;
        own += here * here;
        if (i + 1 < pairs.size()) next += here * (sign_of(pairs[i + 1]) - mean);
    }
    return {.lag_one = own > 0 ? next / own : 0, .pairs = pairs.size() - 1};
}

}  // namespace autotune::rules
