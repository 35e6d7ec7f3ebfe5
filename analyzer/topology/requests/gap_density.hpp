// GapDensity: how likely a gap between two moments is, learned from gaps that were seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace autotune::analysis {

// A kernel density over a scale that is linear about the gaps' densest place and logarithmic far from it, so
// that one density holds a sharp peak of microseconds and a tail of seconds; a part of it has kernels four
// times as wide, and a last small part is flat: nothing is impossible. Tabulated: one look-up is a few
// nanoseconds. Gaps in microseconds, negative ones too; the logarithm of the density is per microsecond.
class GapDensity {
public:
    // `step_us`: of the clock; gaps are known no better. `gaps` may be empty: then any gap is as likely.
    [[nodiscard]] static GapDensity learn(std::span<const double> gaps, double step_us,
                                          std::span<const double> weights = {});

    // What log needs.
    void tabulate();
    // REQUIRES: tabulated since it was learned.
    [[nodiscard]] float log(double gap_us) const;
    // Of the gaps that it was learned from, each as the others tell it.
    [[nodiscard]] double mean_log() const { return mean_log_; }
    [[nodiscard]] std::size_t count() const { return count_; }

private:
    double centre_ = 0, scale_ = 1;
    std::vector<float> table_;  // by place
    double mean_log_ = -30;
    std::size_t count_ = 0;
    std::vector<float> shape_;  // over the scale, from low_ in steps of cell_
    double low_ = 0, cell_ = 1, flat_ = 0;
    std::vector<float> each_;  // of each gap learned from, as the others tell it
    friend class ConditionalDensity;
};

// The same where the gap depends on something else that is seen, say how long the call before took: a density
// for each part of its range, blended.
class ConditionalDensity {
public:
    static constexpr std::size_t kParts = 5;

    [[nodiscard]] static ConditionalDensity learn(std::span<const double> gaps,
                                                  std::span<const double> beside, double step_us);
    [[nodiscard]] bool known() const { return mean_log_ > -29; }
    void tabulate();
    [[nodiscard]] float log(double gap_us, double beside) const;
    [[nodiscard]] double mean_log() const { return mean_log_; }

private:
    [[nodiscard]] double place(double beside) const;
    std::vector<double> knots_;
    std::vector<GapDensity> parts_;
    double mean_log_ = -30;
};

}  // namespace autotune::analysis
