// ProcessMaps: the executable mappings of one process, from /proc/PID/maps. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::symbols {

struct Mapping {
    std::uint64_t start = 0;
    std::uint64_t end = 0;     // exclusive
    std::uint64_t offset = 0;  // of `start` in the file
    std::uint64_t device = 0;  // as stat's st_dev
    std::uint64_t inode = 0;   // 0: no file
    std::string path;          // as in the process's mount namespace, without " (deleted)"; "[vdso]"; ""

    [[nodiscard]] bool has_file() const { return inode != 0; }
    [[nodiscard]] bool contains(std::uint64_t address) const { return start <= address && address < end; }
};

class ProcessMaps {
public:
    ProcessMaps() = default;

    // Keeps the executable mappings of a maps file; lines that do not parse are skipped.
    [[nodiscard]] static ProcessMaps parse(std::string_view text);

    [[nodiscard]] static ProcessMaps of(std::vector<Mapping> mappings);

    // Null when no executable mapping holds the address.
    [[nodiscard]] const Mapping* find(std::uint64_t address) const;
    [[nodiscard]] const std::vector<Mapping>& mappings() const { return mappings_; }  // by start
    [[nodiscard]] bool empty() const { return mappings_.empty(); }

private:
    std::vector<Mapping> mappings_;
};

}  // namespace autotune::symbols
