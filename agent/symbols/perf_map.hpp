// PerfMap: where functions that a JIT compiler wrote begin and end, from the text file that it keeps for profilers
// (/tmp/perf-PID.map; Linux tools/perf/Documentation/jit-interface.txt). A value, 16 bytes a function: names stay in
// the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace autotune::symbols {

class PerfMap {
public:
    explicit PerfMap(std::size_t max_entries = 1'000'000) : max_entries_(max_entries) {}

    // More of the file: `text` stands at byte `at` of it, where a line begins. Lines "START SIZE name" with
    // hexadecimal numbers are taken, others skipped. Returns how many bytes were: whole lines only, the last may be
    // being written.
    std::size_t add(std::string_view text, std::uint32_t at);

    // Where in the file the name of the function begins that holds the address; it ends with its line. Of functions
    // that overlap the later line counts: the compiler has used the memory again.
    [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t address);

    [[nodiscard]] std::size_t size();
    [[nodiscard]] std::size_t bytes() const { return (entries_.capacity() + fresh_.capacity()) * sizeof(Entry); }
    // Lines beyond the bound, which are not known; one that tells a known function anew is not beyond it.
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

private:
    struct Entry {
        std::uint64_t start = 0;
        std::uint32_t size = 0;
        std::uint32_t name = 0;
    };
    static_assert(sizeof(Entry) == 16);
    void settle();
    bool replace(const Entry& with);

    std::size_t max_entries_;
    bool full_ = false;
    std::vector<Entry> entries_;  // by start, no two of one start
    std::vector<Entry> fresh_;    // as they came
    std::uint64_t dropped_ = 0;
};

}  // namespace autotune::symbols
