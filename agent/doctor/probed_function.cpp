#include "agent/doctor/probed_function.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "os/file.hpp"

namespace autotune::doctor {

__attribute__((noinline, patchable_function_entry(1))) void probed_function() { asm volatile(""); }

Result<ProbePlace> probed_function_place() {
    const auto maps = read_file("/proc/self/maps");
    if (!maps) return maps.forward();
    static constexpr std::array<unsigned char, 4> kEndbr64{0xF3, 0x0F, 0x1E, 0xFA};
    auto address = reinterpret_cast<std::uint64_t>(&probed_function);
    // With CET the nop comes after; a probe on endbr64 itself would be single-stepped.
    if (std::memcmp(reinterpret_cast<const void*>(address), kEndbr64.data(), kEndbr64.size()) == 0)
        address += kEndbr64.size();
    std::string_view text = *maps;
    while (!text.empty()) {
        const auto length = std::min(text.find('\n'), text.size());
        const std::string line(text.substr(0, length));
        text.remove_prefix(std::min(length + 1, text.size()));
        std::uint64_t start = 0, end = 0, offset = 0;
        if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &offset) != 3)
            continue;
        if (start <= address && address < end) return ProbePlace{"/proc/self/exe", address - start + offset};
    }
    return fail(Errc::not_found, "this program's own mapping was not found");
}

}  // namespace autotune::doctor
