// The call frame information of one ELF file, read, and where its bytes lie in memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/unwind/call_frames.hpp"
#include "core/result.hpp"

namespace autotune::unwind {

struct LoadSegment {
    std::uint64_t offset = 0;   // in the file
    std::uint64_t address = 0;  // the file's own
    std::uint64_t size = 0;     // in the file
};

struct ElfFrames {
    FrameRows frames;
    std::vector<LoadSegment> segments;

    // File offset to the file's own address.
    [[nodiscard]] std::optional<std::uint64_t> address_of_offset(std::uint64_t offset) const;
};

// .eh_frame, also of a file without section headers, then .debug_frame. Does not take the descriptor. A file
// without either has no rows. Errors: corrupt (no ELF file), unsupported (not of x86-64).
[[nodiscard]] Result<ElfFrames> read_elf_frames(int fd);
// The same from memory (the vdso).
[[nodiscard]] Result<ElfFrames> read_elf_frames(std::string_view bytes);

}  // namespace autotune::unwind
