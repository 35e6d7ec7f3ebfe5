// PythonLayout: where one version of CPython keeps what a stack walk needs. Byte offsets of 64-bit release
// builds, taken from each version's headers (3.8.18, 3.9.18, 3.10.13, 3.11.2, 3.11.7, 3.12.1, 3.13.0).
#pragma once

#include <cstdint>
#include <span>

#include "agent/symbols/python_line_table.hpp"
#include "bpf/sampler_wire.h"
#include "core/result.hpp"

namespace autotune::symbols {

// Offsets in PyCodeObject and in the unicode objects that it points to.
struct PythonCodeLayout {
    std::uint32_t first_line = 0;
    std::uint32_t file_name = 0;
    std::uint32_t name = 0;
    std::uint32_t qualified_name = 0;  // 0: none before 3.11
    std::uint32_t line_table = 0;
    std::uint32_t instructions = 0;  // start of the code units; 0: frames hold an index, not an address
    std::uint32_t ascii_text = 0;    // sizeof(PyASCIIObject)
    std::uint32_t compact_text = 0;  // sizeof(PyCompactUnicodeObject)
    LineTableFormat line_format{};
};

struct PythonLayout {
    unsigned minor = 0;  // of 3.minor
    at_python_offsets walk{};
    PythonCodeLayout code;
};

// Null for versions that are not known.
[[nodiscard]] const PythonLayout* python_layout(unsigned minor);

// 3.13 describes itself at the start of _PyRuntime (_Py_DebugOffsets): takes from there what may move
// between its patch releases. `runtime`: the first kDebugOffsetsSize bytes. Errors: corrupt when it is not
// that structure, unsupported for free-threaded builds.
inline constexpr std::size_t kDebugOffsetsSize = 80;
[[nodiscard]] Result<PythonLayout> with_debug_offsets(PythonLayout layout,
                                                      std::span<const std::byte> runtime);

}  // namespace autotune::symbols
