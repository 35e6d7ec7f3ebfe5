// One memory size for a function whose input buckets need different ones: next(Mix) → MixProbe | Choose.
//
// Each bucket is believed to have a curve of its own; what is minimised is the objective of the mix, so many calls of each
// (value.hpp). A size is chosen only where every bucket was measured there, and one that a bucket fails at is no size for the
// mix. Pure, and the same for the same Mix.
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "rules/sizing/belief.hpp"

namespace autotune::rules::sizing {

struct Mix {
    std::vector<State> buckets;   // of the same sizes, objective and price; their budgets and spendings are not looked at
    std::vector<double> weights;  // shares of the calls, > 0, together 1
    Limit limit = Limit::of_all;
    double budget = 0, spent = 0;  // of all buckets together, as State's
};

struct MixProbe {
    std::uint32_t memory_mb = 0;
    std::size_t bucket = 0;
};
using MixStep = std::variant<MixProbe, Choose>;

// Choose has the mix's mean and quantile. Its memory_mb is 0 also where a bucket works at no size. REQUIRES: a bucket.
[[nodiscard]] MixStep next(const Mix& mix);

// Of the mix, as of State; empty while a bucket has succeeded nowhere.
[[nodiscard]] std::vector<Expected> expected(const Mix& mix);

// What a size means to one bucket: its time there, how much worse than the bucket's own best it may be, whether a limit is kept.
// memory_mb is 0 where the bucket is not believed to work there.
[[nodiscard]] Choose at_size(const State& bucket, std::uint32_t memory_mb);

// The best for one bucket by itself, of the sizes where it was measured kLeastCalls times; memory_mb is 0 where there is none.
[[nodiscard]] Choose best_of(const State& bucket);

}  // namespace autotune::rules::sizing
