// Two orders of what was seen so far, for streams of any length. Pure values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/time.hpp"

namespace autotune::rules {

// Where a size would stand among earlier ones. Sizes within about 1 % of each other are of one rank.
class SizeRanks {
public:
    // In (0, 1), never falling with `size`, half-way among equals; ½ where nothing came before. REQUIRES: size ≥ 0.
    [[nodiscard]] double rank(double size) const;
    void add(double size);

private:
    std::vector<std::uint32_t> tree_;  // Fenwick's, of counts by logarithm of the size
    std::uint64_t count_ = 0;
};

// The time that 95 of 100 calls so far did not exceed, by the nearest rank; failures stand above all successes.
class TailThreshold {
public:
    void add_success(Nanos duration);
    void add_failure();
    [[nodiscard]] std::size_t calls() const { return low_.size() + high_.size() + failures_; }
    enum class Kind : std::uint8_t { too_few, time, failure };  // failure: more than 5 of 100 failed
    [[nodiscard]] Kind kind() const;
    [[nodiscard]] Nanos time() const { return low_.front(); }  // REQUIRES: kind() is time

private:
    void settle();
    std::vector<Nanos> low_, high_;  // heaps: the greatest of those up to the rank, the least of those beyond
    std::size_t failures_ = 0;
};

}  // namespace autotune::rules
