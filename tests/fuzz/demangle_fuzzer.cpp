// A linker's name is whatever a file says: the answer is bounded, and other names stay as they are.
#include <cstdint>
#include <string_view>

#include "agent/symbols/debug_files.hpp"
#include "agent/symbols/demangle.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune::symbols;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view name(reinterpret_cast<const char*>(data), size);
    const std::string plain = demangle(name);
    autotune::fuzz::require(plain.size() <= 8192 || plain == name, "a name has an end");
    if (!name.starts_with("_")) autotune::fuzz::require(plain == name, "only mangled names change");
    const DebugLink link = parse_debug_link(name);
    autotune::fuzz::require(link.name.find('/') == std::string::npos, "a link stays in its folder");
    return 0;
}
