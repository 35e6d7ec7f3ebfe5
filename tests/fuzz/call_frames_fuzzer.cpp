// Call frame information of any ELF file, and of bytes that are none.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/unwind/call_frames.hpp"
#include "agent/unwind/elf_frames.hpp"
#include "agent/unwind/unwind_table.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

namespace {

void check(const unwind::FrameRows& frames) {
    for (std::size_t i = 1; i < frames.rows.size(); ++i)
        fuzz::require(frames.rows[i - 1].address < frames.rows[i].address, "rows are in order");
    unwind::RecipeBook book;
    const unwind::UnwindTable table = unwind::pack(frames.rows, book);
    for (const unwind::FrameRow& row : frames.rows)
        if (row.address >> 48 == 0 && table.dropped == 0)
            fuzz::require(book.recipes()[table.find(row.address)] == row.recipe,
                          "the table says what the row says");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::uint8_t> bytes(data, size);
    for (const auto kind : {unwind::FrameSection::eh_frame, unwind::FrameSection::debug_frame}) {
        const std::array sections{unwind::FrameBytes{bytes, 0x1000, kind}};
        check(unwind::read_call_frames(sections));
    }
    if (const auto frames = unwind::read_elf_frames({reinterpret_cast<const char*>(data), size}))
        check(frames->frames);
    return 0;
}
