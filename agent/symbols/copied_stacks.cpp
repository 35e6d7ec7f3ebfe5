#include "agent/symbols/copied_stacks.hpp"

#include <algorithm>
#include <utility>

namespace autotune::symbols {

namespace {
constexpr std::size_t kMostWaiting = AT_COPY_RING_BYTES / sizeof(at_stack_copy);
static_assert(kMostWaiting > AT_MOST_COPIES);
}

std::optional<CopiedStack> CopiedStacks::take(const RecordOrigin& of, SamplerProgram& program) {
    const auto is_wanted = [&](const CopiedStack& s) {
        return s.at_ns == static_cast<std::uint64_t>(to_ns(of.at)) && s.thread == static_cast<std::uint32_t>(of.thread);
    };
    auto found = std::ranges::find_if(waiting_, is_wanted);
    if (found == waiting_.end()) {
        (void)program.drain_copies([&](std::span<const std::byte> bytes) {
            if (auto copy = decode_copied_stack(bytes)) waiting_.push_back(*std::move(copy));
        });
        // The samples of the oldest have been lost.
        while (waiting_.size() > kMostWaiting) waiting_.pop_front();
        found = std::ranges::find_if(waiting_, is_wanted);
    }
    if (found == waiting_.end()) return std::nullopt;
    CopiedStack copy = std::move(*found);
    waiting_.erase(found);
    return copy;
}

}  // namespace autotune::symbols
