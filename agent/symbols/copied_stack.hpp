// CopiedStack: a thread's registers and the top of its stack as the kernel side copied them, where it could not walk
// them: the process's unwinding tables were not there yet, or a library had come that they did not have.
//
// Walked here by the same recipes and the same code as there (bpf/logic/unwind.h), once the tables are known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "agent/unwind/recipe.hpp"
#include "bpf/sampler_wire.h"
#include "core/result.hpp"

namespace autotune::symbols {

struct CopiedStack {
    std::uint64_t at_ns = 0;  // with `thread`: of which sample
    std::uint32_t thread = 0;
    std::uint64_t ip = 0;
    std::uint64_t sp = 0;
    std::uint64_t bp = 0;
    std::uint64_t base = 0;  // address of the first byte
    std::vector<std::byte> bytes;
};

// A record of the ring stack_copies. Errors: corrupt.
[[nodiscard]] Result<CopiedStack> decode_copied_stack(std::span<const std::byte> record);

struct WalkedStack {
    std::vector<std::uint64_t> frames;  // the instruction, then return addresses
    at_native_result result = AT_NATIVE_CUT;
};

// The recipe at an address of the process; nothing where no mapping is known.
using RecipeAt = std::function<std::optional<unwind::Recipe>(std::uint64_t address)>;

[[nodiscard]] WalkedStack walk_copied(const CopiedStack& stack, const RecipeAt& recipe_at);

}  // namespace autotune::symbols
