// LatencyHistogram: how long many calls took, in bounded room: percentiles good to 1 %, the largest exact.
//
// Buckets grow by 1/64 of a power of two, as in HdrHistogram; only those that hold something take room (16 bytes).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>

#include "core/time.hpp"

namespace autotune::analysis {

class LatencyHistogram {
public:
    void add(Nanos value, std::uint64_t count = 1) {
        const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
        counts_[bucket_of(ns)] += count;
        total_ += count;
        sum_ += ns * count;
        largest_ = std::max(largest_, ns);
    }
    void merge(const LatencyHistogram& other) {
        for (const auto& [bucket, count] : other.counts_) counts_[bucket] += count;
        total_ += other.total_;
        sum_ += other.sum_;
        largest_ = std::max(largest_, other.largest_);
    }
    // By nearest rank; 0 when empty. REQUIRES: 0 < q <= 1.
    [[nodiscard]] Nanos percentile(double q) const {
        const double rank = std::max(std::ceil(q * static_cast<double>(total_) - 1e-9), 1.0);
        std::uint64_t seen = 0;
        for (const auto& [bucket, count] : counts_) {
            seen += count;
            if (static_cast<double>(seen) >= rank) return Nanos(static_cast<std::int64_t>(std::min(middle_of(bucket), largest_)));
        }
        return Nanos(0);
    }
    [[nodiscard]] Nanos largest() const { return Nanos(static_cast<std::int64_t>(largest_)); }
    [[nodiscard]] Nanos sum() const { return Nanos(static_cast<std::int64_t>(sum_)); }
    [[nodiscard]] std::uint64_t count() const { return total_; }

private:
    static constexpr unsigned kBits = 6;  // 64 buckets between powers of two

    static std::uint32_t bucket_of(std::uint64_t ns) {
        if (ns < (1u << (kBits + 1))) return static_cast<std::uint32_t>(ns);
        const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - kBits - 1;
        return (shift << kBits) + static_cast<std::uint32_t>(ns >> shift);
    }
    static std::uint64_t middle_of(std::uint32_t bucket) {
        if (bucket < (1u << (kBits + 1))) return bucket;
        const unsigned shift = (bucket >> kBits) - 1;
        const std::uint64_t lowest = std::uint64_t{(bucket & ((1u << kBits) - 1)) + (1u << kBits)} << shift;
        return lowest + (std::uint64_t{1} << shift) / 2;
    }

    std::map<std::uint32_t, std::uint64_t> counts_;
    std::uint64_t total_ = 0, sum_ = 0, largest_ = 0;
};

}  // namespace autotune::analysis
