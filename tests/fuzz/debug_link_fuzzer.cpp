// .gnu_debuglink: whatever the section says, its name leads into no other folder.
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/symbols/debug_files.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A copy of that very size, so that the sanitizer sees a step beyond.
    const std::string section(reinterpret_cast<const char*>(data), size);
    const symbols::DebugLink link = symbols::parse_debug_link(section);
    fuzz::require(link.name.find('/') == std::string::npos && link.name.find('\0') == std::string::npos, "a file's name");
    fuzz::require(link.name != "." && link.name != "..", "not a folder");
    fuzz::require(link.name.size() + 5 <= size || link.name.empty(), "behind the name there is a checksum");
    for (const std::string& place : symbols::debug_file_places({.root = "/r", .path = "/usr/bin/p", .build_id = {}, .link = link}))
        fuzz::require(place == "/r/usr/bin/" + link.name || place == "/r/usr/bin/.debug/" + link.name ||
                          place == "/r/usr/lib/debug/usr/bin/" + link.name,
                      "only where debug files are");
    return 0;
}
