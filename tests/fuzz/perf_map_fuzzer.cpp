// What a process wrote for profilers, in pieces as it grows: bounded, and every name that is found is in the text.
#include <cstdint>
#include <string_view>

#include "agent/symbols/perf_map.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune::symbols;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    PerfMap map(data[0] + 1u);
    for (std::size_t at = 0, step = data[1] + 64u; at < text.size();) {
        const std::size_t used = map.add(text.substr(at, step), static_cast<std::uint32_t>(at));
        autotune::fuzz::require(used <= step, "no more is taken than there is");
        if (used == 0) step *= 2;
        if (used == 0 && at + step > 2 * text.size()) break;
        at += used;
    }
    autotune::fuzz::require(map.size() <= data[0] + 1u, "no more functions than the bound");
    for (std::uint64_t address : {0ull, 0x1000ull, 0x1010ull, 0x3ef41880ull, ~0ull})
        if (const auto name = map.find(address))
            autotune::fuzz::require(*name < text.size(), "a name is within the file");
    return 0;
}
