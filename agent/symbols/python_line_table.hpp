// From an instruction of a CPython code object to its source line. Pure.
//
// Formats: co_lnotab (3.8, 3.9), co_linetable of PEP 626 (3.10), the location table of 3.11 on
// (Objects/locations.md in CPython's source).
#pragma once

#include <cstdint>
#include <span>

namespace autotune::symbols {

enum class LineTableFormat : std::uint8_t { lnotab, linetable, locations };

// `byte_offset`: of the instruction from the code's first. 0 when the table gives no line for it; a table
// that is cut or malformed gives what could be read before.
[[nodiscard]] std::uint32_t python_line(LineTableFormat format, std::span<const std::uint8_t> table,
                                        std::uint32_t first_line, std::uint64_t byte_offset);

}  // namespace autotune::symbols
