// Evidence by betting: a purse split over stakes, each of which bets on every outcome.
//
// An outcome is a number in [−1, 1] whose mean, given all that came before, is at most 0 if the hypothesis is
// true; a stake λ in [0, 1) multiplies what it holds by 1 + λ·outcome. No stake can expect a gain from a true
// hypothesis, so neither can their sum E: P(E ever ≥ 1/α) ≤ α (Ville), whatever the outcomes depend on.
// Pure values; natural logarithms, since purses grow without bound.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace autotune::rules {

// ln Σ wᵢ·e^xᵢ. REQUIRES: Σ wᵢ = 1.
template <std::size_t N>
[[nodiscard]] double log_weighted_sum(const std::array<double, N>& logs, const std::array<double, N>& weights) {
    const double largest = *std::max_element(logs.begin(), logs.end());
    double sum = 0;
    for (std::size_t i = 0; i < N; ++i) sum += weights[i] * std::exp(logs[i] - largest);
    return largest + std::log(sum);
}

template <std::size_t N>
struct Stakes {
    std::array<double, N> stake;   // λ
    std::array<double, N> share;   // of the purse at the start; the sum is 1
};

template <std::size_t N>
struct Purse {
    std::array<double, N> log_held{};  // of each stake, by what it was given

    void bet(const Stakes<N>& stakes, double outcome) {
        for (std::size_t i = 0; i < N; ++i) log_held[i] += std::log1p(stakes.stake[i] * outcome);
    }
    [[nodiscard]] double log_evidence(const Stakes<N>& stakes) const {
        return log_weighted_sum(log_held, stakes.share);
    }
};

}  // namespace autotune::rules
