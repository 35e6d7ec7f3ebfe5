// FinishedInvocations: the invocations that have ended while somebody watched, of which there may be any number. Bounded:
// so many are known one by one; when there are more, the quicker half of them is only counted. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/invocation.hpp"

namespace autotune::cli {

struct Finished {
    InvocationId id;
    Nanos duration{0};
    std::uint32_t function = 0;  // FinishedInvocations::functions
    InvocationStatus status{};
    bool cold = false;
};

inline bool is_slower(const Finished& a, const Finished& b) {
    return std::pair(b.duration, a.id.view()) < std::pair(a.duration, b.id.view());
}

class FinishedInvocations {
public:
    // REQUIRES: an even number.
    explicit FinishedInvocations(std::size_t most = 200'000) : most_(most) {}

    void add(const Invocation& one) {
        const auto known = std::ranges::find(functions_, one.function.name);
        const auto function = static_cast<std::uint32_t>(known - functions_.begin());
        if (known == functions_.end()) functions_.push_back(one.function.name);
        if (all_.size() == most_) {
            const auto middle = all_.begin() + static_cast<std::ptrdiff_t>(most_ / 2);
            std::nth_element(all_.begin(), middle, all_.end(), is_slower);
            all_.erase(middle, all_.end());
        }
        all_.push_back({one.id, one.duration, function, one.status, one.cold});
        ++count_;
    }
    // All that are known one by one, the slowest first.
    const std::vector<Finished>& sorted() {
        std::ranges::sort(all_, is_slower);
        return all_;
    }
    [[nodiscard]] const std::string& function_of(const Finished& one) const { return functions_[one.function]; }
    [[nodiscard]] const std::vector<std::string>& functions() const { return functions_; }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t only_counted() const { return count_ - all_.size(); }

private:
    std::size_t most_;
    std::vector<Finished> all_;
    std::vector<std::string> functions_;
    std::uint64_t count_ = 0;
};

}  // namespace autotune::cli
