// Call frame information (.eh_frame, .debug_frame) of x86-64 code, turned into rows: from this address on,
// this recipe.
//
// Total: any bytes are accepted; what is damaged or beyond us yields fewer rows, which are counted, never a
// crash and never more than the bytes' own length in work. Pure. DWARF 5, section 6.4; LSB 5, "Exception
// Frames" for .eh_frame and its augmentations.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/unwind/recipe.hpp"

namespace autotune::unwind {

enum class FrameSection : std::uint8_t { eh_frame, debug_frame };

struct FrameBytes {
    std::span<const std::uint8_t> bytes;
    std::uint64_t address = 0;  // of the section, in the file's own addresses
    FrameSection kind = FrameSection::eh_frame;
};

struct FrameRow {
    std::uint64_t address = 0;  // the file's own
    Recipe recipe;
};

struct FrameRows {
    std::vector<FrameRow>
        rows;  // by address, no two alike in a row; where code ends or is not described: none
    std::uint64_t functions = 0;
    std::uint64_t damaged = 0;      // entries that could not be read
    std::uint64_t unsupported = 0;  // rows whose rule is beyond us: none stands there
};

// Later sections add what earlier ones do not describe.
[[nodiscard]] FrameRows read_call_frames(std::span<const FrameBytes> sections);

}  // namespace autotune::unwind
