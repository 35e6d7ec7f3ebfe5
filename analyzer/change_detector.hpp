// Says when a stream of numbers changed, with a bound on how often it says so for nothing.
//
// A value is looked at by its rank among all since the last change. If values are exchangeable (nothing changed; any
// distribution, heavy tails too), ranks are independent and uniform; equals are ranked by lot. So whether a value is
// among the top p so far is a coin of known weight, and an arm that bets on odds f times as high multiplies by L with
// E L = 1. Each arm sums its wealth over all possible times of the change (Shiryaev and Roberts, as e-detector: Shin,
// Ramdas, Rinaldo 2024): R ← L·(R + 1). Without a change E[mean R after n values] = n, so the mean time to an alarm at
// R ≥ A is at least A values: that is the bound.
//
// Streams whose values depend on earlier ones, or that move with the hour, do change by this measure. Pure values;
// deterministic: lots are drawn from a counter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/time.hpp"

namespace autotune::analysis {

// Ranks among all values so far, with those within 4 % as equals. Values below 2⁶ are equals too, as are those of
// 2⁴⁴ and more: meant for nanoseconds, bytes and parts of a million.
class SequentialRanks {
public:
    struct Rank {
        std::uint64_t rank = 0;  // from 1, the least
        std::uint64_t of = 0;
    };
    [[nodiscard]] Rank add(double value);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    void clear();

private:
    std::vector<std::uint32_t> tree_;  // Fenwick's, of counts by logarithm
    std::uint64_t count_ = 0, drawn_ = 0;
};

struct DetectedChange {
    Timestamp told;   // of the value that raised the alarm
    Timestamp since;  // when it most likely began
};

class ChangeDetector {
public:
    static constexpr double kMeanValuesToFalseAlarm = 100'000;  // A: at least so many
    static constexpr std::uint64_t kLearned = 100;  // values after which silence means that nothing changed

    // `tops`: the shares p that are looked at; one of 0.05 sees the 95th percentile move. REQUIRES: each in (0, 1).
    explicit ChangeDetector(std::span<const double> tops, double mean_values_to_false_alarm = kMeanValuesToFalseAlarm);

    // True: a change was found, and all is learnt anew from here.
    bool add(double value, Timestamp at);

    [[nodiscard]] std::uint64_t learned() const { return ranks_.count(); }
    [[nodiscard]] const std::optional<DetectedChange>& last() const { return last_; }

private:
    struct Arm {
        double top = 0, odds = 1;
        double evidence = 0;     // Σ over starts
        double best = 0;         // of the best start so far
        Timestamp best_start{};
    };
    std::vector<Arm> arms_;
    double bar_;
    SequentialRanks ranks_;
    std::optional<DetectedChange> last_;
};

}  // namespace autotune::analysis
