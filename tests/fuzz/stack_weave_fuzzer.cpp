// Any native roles, any entry marks: every Python frame is shown once, in order, and every foreign native one.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "agent/symbols/stack_weave.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune::symbols;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t python = std::min<std::size_t>(data[0], size - 2);
    const std::vector<std::uint8_t> entries(data + 2, data + 2 + python);
    std::vector<NativeRole> native;
    for (std::size_t i = 2 + python; i < size; ++i) native.push_back(static_cast<NativeRole>(data[i] % 3));
    const Woven woven = weave({.native = native,
                               .is_entry = entries,
                               .native_whole = (data[1] & 1) != 0,
                               .python_whole = (data[1] & 2) != 0});
    std::size_t next_python = 0, foreign = 0, last_native = 0;
    for (const Woven::Place& place : woven.places) {
        if (place.is_python) {
            autotune::fuzz::require(place.index == next_python++, "Python's frames come in order");
            continue;
        }
        autotune::fuzz::require(native[place.index] == NativeRole::foreign, "only foreign frames are shown");
        autotune::fuzz::require(foreign++ == 0 || place.index > last_native, "native frames come in order");
        last_native = place.index;
    }
    autotune::fuzz::require(next_python == python, "every Python frame is shown");
    autotune::fuzz::require(foreign == static_cast<std::size_t>(std::ranges::count(native, NativeRole::foreign)),
                            "every foreign frame is shown");
    return 0;
}
