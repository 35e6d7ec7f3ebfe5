// Whatever an ELF file says, its image answers; what it finds is what it was asked for.
// How it was built is told of each.
#include <cstdint>
#include <cstring>

#include "agent/symbols/demangle.hpp"
#include "agent/symbols/elf_image.hpp"
#include "agent/symbols/tracing_build.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune::symbols;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto build = tracing_build(bytes))
        autotune::fuzz::require(!build->reachable() || build->any(), "only what was built so can be reached");
    auto image = ElfImage::read(bytes);
    if (!image) return 0;
    // Addresses of the file's own are in its bytes somewhere.
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= size && at < 4096; at += sizeof(std::uint64_t)) {
        std::uint64_t address = 0;
        std::memcpy(&address, data + at, sizeof address);
        if (const auto found = image->find(address)) {
            autotune::fuzz::require(found->offset <= address && !found->name.empty(),
                                    "a function has a name");
            (void)demangle(found->name);
        }
        (void)image->address_of_offset(address);
    }
    (void)image->address_of("_PyRuntime");
    (void)image->text_offset();
    ElfImage copy = *image;
    copy.adopt_functions(std::move(*image));
    (void)copy.bytes();
    return 0;
}
