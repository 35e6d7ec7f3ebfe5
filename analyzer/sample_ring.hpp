// SampleRing: the newest stack samples of one function, a fixed number of them at most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace autotune::analysis {

inline constexpr std::uint64_t kInitSerial = 0;  // no invocation has it

struct Sample {
    Timestamp at;
    std::uint64_t serial = kInitSerial;  // of the invocation it fell into
    StackId stack{};
    SampleOf of = SampleOf::cpu;
    bool truncated = false;
    std::uint64_t weight = 0;  // ns, or bytes of memory
};

class SampleRing {
public:
    explicit SampleRing(std::size_t capacity = 0) : capacity_(capacity) {}

    // False: an older one was replaced.
    bool add(const Sample& sample) {
        if (samples_.size() < capacity_) return samples_.push_back(sample), true;
        if (capacity_ != 0) samples_[next_] = sample, next_ = (next_ + 1) % capacity_;
        return false;
    }

    // Not in order of time once the ring has gone round.
    [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }

private:
    std::size_t capacity_;
    std::size_t next_ = 0;
    std::vector<Sample> samples_;
};

}  // namespace autotune::analysis
