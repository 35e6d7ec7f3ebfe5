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

    // Where the newest is. REQUIRES: there is one.
    [[nodiscard]] std::size_t newest() const { return (next_ + samples_.size() - 1) % samples_.size(); }
    // More of one that was the newest once. False: it is there no longer, or is of something else.
    bool add_to(std::size_t at, const Sample& more) {
        if (at >= samples_.size()) return false;
        Sample& known = samples_[at];
        if (known.serial != more.serial || known.stack != more.stack || known.of != more.of || known.truncated != more.truncated) return false;
        known.weight += more.weight;
        return true;
    }

    // Not in order of time once the ring has gone round.
    [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }

private:
    std::size_t capacity_;
    std::size_t next_ = 0;
    std::vector<Sample> samples_;
};

}  // namespace autotune::analysis
