// JitSymbols: the perf map of one process; of a file that grows only what is new is read.
//
// Bounded: functions (perf_map.hpp), bytes that one look-up reads, and the file, 4 GiB. Names stay in the file, which is
// kept open: they can be had when the process and the file's name are gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/symbols/perf_map.hpp"
#include "core/tables.hpp"
#include "os/fd.hpp"

namespace autotune::symbols {

class JitSymbols {
public:
    // Name of the function at the address; "" when the file (see perf_map.hpp) has none or is not there.
    // `path`: of the map, through the process's root; `fallback` once the process is gone. Trusts only a regular file that was
    // written to since the process began (ns since 1970; 0: not known): else it is what an earlier one of that pid left.
    // Valid until the next call.
    [[nodiscard]] std::string_view find(std::uint64_t address, const std::string& path, const std::string& fallback,
                                        std::int64_t began_unix_ns = 0);

    [[nodiscard]] std::size_t bytes() const { return map_.bytes() + name_.capacity(); }
    // Functions that found no room.
    [[nodiscard]] std::uint64_t dropped() const { return map_.dropped(); }
    // Whether a file was not trusted since it is older than the process.
    [[nodiscard]] bool refused() const { return refused_; }

private:
    void refresh(const std::string& path, std::int64_t began_unix_ns);
    void read_more();
    [[nodiscard]] std::string_view name_at(std::uint32_t at);

    PerfMap map_;
    Fd file_;
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;
    std::uint32_t taken_ = 0;  // bytes of the file
    bool refused_ = false;
    std::string name_;
};

// What compiler writes names like this: Node's have a kind in front ("JS:~handler /app/x.js:3").
[[nodiscard]] FrameKind jit_kind(std::string_view name, bool process_has_jvm);

}  // namespace autotune::symbols
