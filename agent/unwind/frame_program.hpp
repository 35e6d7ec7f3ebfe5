// The instructions of one call frame entry, run: rows of recipes. Pure, total.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/unwind/call_frames.hpp"

namespace autotune::unwind {

// What a common information entry says to all its functions.
struct CommonFrame {
    std::uint64_t code_alignment = 1;
    std::int64_t data_alignment = -8;
    std::uint64_t return_column = 16;
    std::uint8_t pointer_encoding = 0;  // of the functions' addresses and of DW_CFA_set_loc
    bool has_augmentation_data = false;
    bool is_signal_frame = false;
    std::span<const std::uint8_t> instructions;
};

struct ProgramResult {
    bool damaged = false;
    std::uint64_t unsupported = 0;  // rows
};

// Appends rows for [start, end): one at each change.
ProgramResult run_frame_program(const CommonFrame& common, std::span<const std::uint8_t> instructions,
                                std::uint64_t start, std::uint64_t end, std::vector<FrameRow>& rows);

}  // namespace autotune::unwind
