// A record of the black box, damaged, through decoding, what people read, and the walk of the stack that it holds.
#include "agent/black_box/box_assembly.hpp"
#include "agent/black_box/box_records.hpp"
#include "agent/black_box/memory_by_mapping.hpp"
#include "agent/black_box/unwind_files.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    (void)black_box::memory_by_mapping({reinterpret_cast<const char*>(data), size});
    const auto record = black_box::decode_box_record(bytes);
    if (!record) return 0;
    if (const auto* dying = std::get_if<at_box_dying>(&*record))
        fuzz::require(black_box::calls_of(*dying).size() <= AT_BOX_CALLS, "no more calls than there is room for");
    if (const auto* files = std::get_if<black_box::OpenFiles>(&*record))
        fuzz::require(black_box::files_of(*files).size() == files->files.size(), "each file is told");
    if (const auto* thread = std::get_if<black_box::ThreadState>(&*record)) {
        black_box::UnwindFiles files;
        const auto walked = files.walk({}, thread->registers, thread->stack_base, thread->stack);
        fuzz::require(walked.addresses.size() <= 1024, "a walk ends");
    }
    return 0;
}
