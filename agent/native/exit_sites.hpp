// The instructions by which a function is left: returns, and jumps to other functions; and whether that is all it can
// do. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace autotune::native {

struct ExitSites {
    std::vector<std::uint32_t> into;  // bytes after the beginning of the code
    // Where the function may go on besides: targets outside the code of conditional and other jumps, from its
    // beginning. Those that are a part of the function (its rare part, put elsewhere) hold exits as well.
    std::vector<std::int64_t> outside;
};

// None: the code cannot be read to its end, jumps where nobody can tell, or is left by an instruction that takes no
// probe.
[[nodiscard]] std::optional<ExitSites> find_exit_sites(std::span<const std::byte> code);

// Calls nothing, goes on nowhere else, does not enter the kernel and stays on its stack: nothing is thrown through it or
// returns out of order while it runs, so that a return probe does no harm. False where that is not known.
[[nodiscard]] bool is_plain_leaf(std::span<const std::byte> code);

}  // namespace autotune::native
