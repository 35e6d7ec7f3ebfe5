// CopiedStacks: the stacks that the kernel side copied and whose samples have not come yet. One thread. Bounded.
#pragma once

#include <deque>
#include <optional>

#include "agent/symbols/copied_stack.hpp"
#include "agent/symbols/sampler_program.hpp"
#include "agent/symbols/sampler_record.hpp"

namespace autotune::symbols {

class CopiedStacks {
public:
    // The copy of that sample's stack, read from the ring if it is not here yet; nothing when it was lost.
    [[nodiscard]] std::optional<CopiedStack> take(const RecordOrigin& of, SamplerProgram& program);

private:
    std::deque<CopiedStack> waiting_;
};

}  // namespace autotune::symbols
