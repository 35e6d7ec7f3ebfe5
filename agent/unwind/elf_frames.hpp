// The call frame information of one ELF file, read.
#pragma once

#include <string_view>

#include "agent/unwind/call_frames.hpp"
#include "core/result.hpp"

namespace autotune::unwind {

// .eh_frame, also of a file without section headers, then .debug_frame. Does not take the descriptor. A file
// without either has no rows. Errors: corrupt (no ELF file), unsupported (not of x86-64).
[[nodiscard]] Result<FrameRows> read_elf_frames(int fd);
// The same from memory (the vdso).
[[nodiscard]] Result<FrameRows> read_elf_frames(std::string_view bytes);

}  // namespace autotune::unwind
