// StackBook: the stacks that the kernel side has told, by number: named once, however often they are sampled.
//
// One thread. A stack that holds code which a JIT wrote is named anew each time: such code moves, and its names may
// come later. All calls are given the same Tables. Bounded: more than twice as many stacks are kept as may be told before the kernel
// side tells one anew, so that none it refers to has gone here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "agent/symbols/python_frames.hpp"
#include "agent/symbols/recently_used.hpp"
#include "agent/symbols/sampler_record.hpp"
#include "agent/symbols/stack_builder.hpp"
#include "agent/symbols/symbolizer.hpp"
#include "core/tables.hpp"

namespace autotune::symbols {

class StackBook {
public:
    // Both outlive it.
    StackBook(Symbolizer& symbolizer, PythonFrames& python) : symbolizer_(symbolizer), python_(python) {}

    void learn(SampleRecord told, Tables& tables);

    // What is shown for a stack of that number. Of at_no_stack, and of stacks that nobody told us of, one frame in
    // brackets that says what it is; the latter are counted.
    [[nodiscard]] BuiltStack find(std::uint32_t number, Tables& tables);

    [[nodiscard]] std::uint64_t unknown() const { return unknown_; }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        BuiltStack built;
        std::unique_ptr<SampleRecord> raw;  // of those that are named anew
        bool always = false;                // … whenever they are sampled; else when names have come
        std::uint64_t generation = 0;       // of the names that it has (Symbolizer::generation)
    };
    struct Passing {
        const Tables* of = nullptr;
        StringId jit{}, anonymous{}, unmapped{};
    };
    [[nodiscard]] BuiltStack build(const SampleRecord& told, Tables& tables);
    [[nodiscard]] bool may_change(std::span<const FrameId> frames, Tables& tables);

    Symbolizer& symbolizer_;
    PythonFrames& python_;
    static constexpr std::size_t kKept = 9 * AT_KEPT_STACKS / 4;
    // What was told after a stack that the kernel side still refers to, and as many before it that were used since, are newer in use;
    // RecentlyUsed may be early by a sixteenth.
    static_assert(kKept - kKept / 16 >= 2 * AT_OLD_STACK);
    RecentlyUsed<std::uint32_t, Entry> entries_{kKept};
    std::optional<Passing> passing_;  // names that do not stay
    std::uint64_t unknown_ = 0;
};

}  // namespace autotune::symbols
