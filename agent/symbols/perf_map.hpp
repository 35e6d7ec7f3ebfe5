// PerfMap: functions that a JIT compiler wrote, from the text file it keeps for profilers
// (/tmp/perf-PID.map; Linux tools/perf/Documentation/jit-interface.txt). A value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::symbols {

class PerfMap {
public:
    // Lines "START SIZE name" with hexadecimal numbers; others are skipped. Of functions that overlap the
    // later line counts: the compiler has used the memory again.
    [[nodiscard]] static PerfMap parse(std::string_view text);

    // Name of the function that holds the address; "" when none does.
    [[nodiscard]] std::string_view find(std::uint64_t address) const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        std::uint64_t start = 0;
        std::uint64_t size = 0;
        std::string name;
    };
    std::vector<Entry> entries_;  // by start, no overlaps with an equal start
};

}  // namespace autotune::symbols
