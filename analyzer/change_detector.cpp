#include "analyzer/change_detector.hpp"

#include <algorithm>
#include <cmath>

namespace autotune::analysis {

namespace {

constexpr int kPerOctave = 16, kLowest = 6, kHighest = 44;
constexpr std::size_t kBins = static_cast<std::size_t>(kHighest - kLowest) * kPerOctave;

std::size_t bin_of(double value) {
    const double place = (std::log2(value) - kLowest) * kPerOctave;
    if (!(place > 0)) return 0;
    return static_cast<std::size_t>(std::min(place, static_cast<double>(kBins - 1)));
}

// splitmix64: the n-th of a fixed series of lots.
std::uint64_t lot(std::uint64_t n) {
    std::uint64_t z = n * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

// How much more, or less, often than before a value is among the top.
constexpr double kOdds[] = {2, 4, 16, 64, 1. / 2, 1. / 8, 1. / 64};

}  // namespace

SequentialRanks::Rank SequentialRanks::add(double value) {
    if (tree_.empty()) tree_.resize(kBins + 1);
    const auto up_to = [&](std::size_t bins) {
        std::uint64_t sum = 0;
        for (; bins > 0; bins &= bins - 1) sum += tree_[bins];
        return sum;
    };
    const std::size_t bin = bin_of(value);
    const std::uint64_t below = up_to(bin), equal = up_to(bin + 1) - below;
    for (std::size_t at = bin + 1; at <= kBins; at += at & (~at + 1)) ++tree_[at];
    return {.rank = below + lot(++drawn_) % (equal + 1) + 1, .of = ++count_};
}

void SequentialRanks::clear() {
    std::fill(tree_.begin(), tree_.end(), 0);
    count_ = 0;
}

ChangeDetector::ChangeDetector(std::span<const double> tops, double mean_values_to_false_alarm)
    : bar_(mean_values_to_false_alarm) {
    for (const double top : tops)
        for (const double odds : kOdds) arms_.push_back({.top = top, .odds = odds});
}

bool ChangeDetector::add(double value, Timestamp at) {
    const auto [rank, of] = ranks_.add(value);
    double sum = 0;
    for (Arm& arm : arms_) {
        const auto places = static_cast<std::uint64_t>(arm.top * static_cast<double>(of));
        const double chance = static_cast<double>(places) / static_cast<double>(of);  // exactly, under no change
        const double gain = (rank + places > of ? arm.odds : 1.0) / (1 + (arm.odds - 1) * chance);
        if (arm.best <= 1) {
            arm.best = 1;
            arm.best_start = at;
        }
        arm.best *= gain;
        arm.evidence = gain * (arm.evidence + 1);
        sum += arm.evidence;
    }
    if (arms_.empty() || sum < bar_ * static_cast<double>(arms_.size())) return false;
    const auto strongest =
        std::max_element(arms_.begin(), arms_.end(), [](const Arm& a, const Arm& b) { return a.evidence < b.evidence; });
    last_ = DetectedChange{.told = at, .since = strongest->best_start};
    for (Arm& arm : arms_) arm.evidence = arm.best = 0;
    ranks_.clear();
    return true;
}

}  // namespace autotune::analysis
