// Which size is best by what the curves are worth, and where a call would tell most for its price.
#pragma once

#include <cstddef>
#include <vector>

#include "rules/sizing/belief.hpp"
#include "rules/sizing/value.hpp"

namespace autotune::rules::sizing {

[[nodiscard]] bool is_spent(const State& state);

// `state` must outlive it.
class Choosing {
public:
    // REQUIRES: values of the state's sizes.
    Choosing(const State& state, const Feasible& range, Values values);

    // The next call or the answer. REQUIRES: some size has succeeded.
    [[nodiscard]] Step step() const;
    // Of sizes with so many successes, the one of least regret; sizes_mb.size(): there is none.
    [[nodiscard]] std::size_t best_measured(std::size_t calls) const;
    // What is to be said of a size. REQUIRES: some curve works there.
    [[nodiscard]] Choose answer(std::size_t chosen) const;

private:
    [[nodiscard]] double regret(std::size_t i, std::size_t k) const;
    [[nodiscard]] double dearest_call() const;
    [[nodiscard]] double mean_ms(std::size_t i) const;
    [[nodiscard]] double price_of_call(std::size_t i, std::size_t chosen) const;  // chosen: one that was measured
    [[nodiscard]] double better_by(std::size_t i, std::size_t chosen, std::size_t k) const;
    [[nodiscard]] std::vector<std::size_t> rivals(std::size_t chosen) const;
    [[nodiscard]] double gain_of_first_call(std::size_t i, std::size_t chosen) const;
    [[nodiscard]] double gain_of_more_calls(std::size_t i, std::size_t chosen, const std::vector<std::size_t>& rivals) const;
    [[nodiscard]] std::size_t worth_a_call(std::size_t chosen) const;

    const State& state_;
    Feasible range_;
    Values values_;
    std::vector<double> least_;  // by curve
};

}  // namespace autotune::rules::sizing
