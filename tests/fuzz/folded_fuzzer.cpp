// Folded stacks of any tool: read, written, and read again they weigh the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "exporters/render/folded.hpp"
#include "exporters/render/folded_reader.hpp"
#include "exporters/render/gzip.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)render::gunzip(text, 1 << 20);
    const auto profile = render::read_folded(text, "", ProfileUnit::count);
    if (!profile) return 0;
    const std::string once = render::folded(*profile);
    const auto again = render::read_folded(once, "", ProfileUnit::count);
    fuzz::require(again.has_value(), "what was written can be read");
    fuzz::require(again->total() == profile->total(), "and weighs the same");
    return 0;
}
