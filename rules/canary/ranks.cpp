#include "rules/canary/ranks.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace autotune::rules {

namespace {

constexpr int kPerOctave = 64, kLowest = -24, kHighest = 8;  // 2^−24 … 2^8
constexpr std::size_t kBins = static_cast<std::size_t>(kHighest - kLowest) * kPerOctave;

std::size_t bin_of(double size) {
    const double place = (std::log2(size) - kLowest) * kPerOctave;
    if (!(place > 0)) return 0;
    return static_cast<std::size_t>(std::min(place, static_cast<double>(kBins - 1)));
}

constexpr std::size_t kLeastForTail = 20;  // a 95th percentile of fewer calls is their maximum

std::size_t rank_95(std::size_t n) { return (n * 95 + 99) / 100; }  // from 1

}  // namespace

double SizeRanks::rank(double size) const {
    if (count_ == 0) return 0.5;
    const auto up_to = [&](std::size_t bins) {
        std::uint64_t sum = 0;
        for (; bins > 0; bins &= bins - 1) sum += tree_[bins];
        return sum;
    };
    const std::size_t bin = bin_of(size);
    const std::uint64_t below = up_to(bin), with_equals = up_to(bin + 1);
    return (static_cast<double>(below + with_equals) + 1) / (2 * static_cast<double>(count_ + 1));
}

void SizeRanks::add(double size) {
    if (tree_.empty()) tree_.resize(kBins + 1);
    ++count_;
    for (std::size_t at = bin_of(size) + 1; at <= kBins; at += at & (~at + 1)) ++tree_[at];
}

void TailThreshold::add_success(Nanos duration) {
    if (!low_.empty() && duration < low_.front()) {
        low_.push_back(duration);
        std::push_heap(low_.begin(), low_.end());
    } else {
        high_.push_back(duration);
        std::push_heap(high_.begin(), high_.end(), std::greater<>());
    }
    settle();
}

void TailThreshold::add_failure() {
    ++failures_;
    settle();
}

// As many in `low_` as the rank says, or all.
void TailThreshold::settle() {
    const std::size_t wanted = std::min(rank_95(calls()), low_.size() + high_.size());
    while (low_.size() < wanted) {
        std::pop_heap(high_.begin(), high_.end(), std::greater<>());
        low_.push_back(high_.back());
        high_.pop_back();
        std::push_heap(low_.begin(), low_.end());
    }
    while (low_.size() > wanted) {
        std::pop_heap(low_.begin(), low_.end());
        high_.push_back(low_.back());
        low_.pop_back();
        std::push_heap(high_.begin(), high_.end(), std::greater<>());
    }
}

TailThreshold::Kind TailThreshold::kind() const {
    if (calls() < kLeastForTail) return Kind::too_few;
    return rank_95(calls()) > low_.size() + high_.size() ? Kind::failure : Kind::time;
}

}  // namespace autotune::rules
