// Whatever the DWARF of a file says, also of itself in circles: an end, and names and lines within bounds.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "agent/symbols/debug_lines.hpp"
#include "tests/fuzz/invariant.hpp"

using namespace autotune::symbols;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    autotune::Fd fd(memfd_create("fuzz", MFD_CLOEXEC));
    if (write(fd.get(), data, size) != static_cast<ssize_t>(size)) return 0;
    auto lines = DebugLines::open(std::move(fd), 8u << 20);
    if (!lines) return 0;
    // Addresses of the file's own are in its bytes somewhere.
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= size && at < 2048; at += sizeof(std::uint64_t)) {
        std::uint64_t address = 0;
        std::memcpy(&address, data + at, sizeof address);
        const auto places = lines->at(address);
        autotune::fuzz::require(places.size() <= 64, "so many functions at most are inlined into each other");
    }
    for (std::uint64_t address = 0x1000; address < 0x1400; address += 8) (void)lines->at(address);
    return 0;
}
