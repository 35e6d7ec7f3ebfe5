// Compressed symbols (.gnu_debugdata): whatever the bytes say, what comes out is within the limit, and an ELF reader's to take.
#include <cstdint>
#include <string_view>

#include "agent/symbols/elf_image.hpp"
#include "agent/symbols/xz.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const symbols::XzLimits limits{.output = 1u << 20, .memory = 4u << 20};
    const auto out = symbols::unxz({reinterpret_cast<const char*>(data), size}, limits);
    if (!out) {
        fuzz::require(out.error().code == Errc::corrupt || out.error().code == Errc::resource_exhausted, "says why");
        return 0;
    }
    fuzz::require(out->size() <= limits.output, "no more comes out than may");
    (void)symbols::ElfImage::read(*out);
    return 0;
}
