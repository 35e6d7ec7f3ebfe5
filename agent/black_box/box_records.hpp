// The black box's records (bpf/black_box_wire.h) as values: bytes in, checked, nothing resolved. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "bpf/black_box_wire.h"
#include "core/result.hpp"

namespace autotune::black_box {

struct OpenFiles {
    at_box_head head{};
    std::vector<at_box_file> files;
    std::uint32_t more = 0;
};

struct CodeMemory {  // ranges of the process's memory
    at_box_head head{};
    struct Range {
        std::uint64_t address = 0;
        std::vector<std::byte> bytes;
    };
    std::vector<Range> ranges;
};

struct ThreadState {
    at_box_head head{};
    at_box_registers registers{};
    std::uint64_t stack_base = 0;
    std::vector<std::byte> stack;
    std::vector<at_python_frame> python;  // innermost first
    at_python_result python_result = AT_PYTHON_NONE;
};

using BoxRecord = std::variant<at_box_notice, at_box_mapped, at_box_dying, OpenFiles, CodeMemory, ThreadState>;

// Errors: corrupt.
[[nodiscard]] Result<BoxRecord> decode_box_record(std::span<const std::byte> bytes);

}  // namespace autotune::black_box
