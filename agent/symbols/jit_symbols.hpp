// JitSymbols: the perf map of one process, read again when it has grown.
#pragma once

#include <cstdint>
#include <string>

#include "agent/symbols/perf_map.hpp"
#include "core/tables.hpp"

namespace autotune::symbols {

class JitSymbols {
public:
    // Name of the function at the address; "" when the file (see perf_map.hpp) has none or is not there.
    // `path`: of the map, through the process's root; `fallback` once the process is gone. Trusts the file
    // only when it is a regular one of at most 64 MiB. Valid until the next call.
    [[nodiscard]] std::string_view find(std::uint64_t address, const std::string& path,
                                        const std::string& fallback);

private:
    void refresh(const std::string& path);

    PerfMap map_;
    std::int64_t modified_ns_ = 0;
    std::uint64_t size_ = 0;
};

// What compiler writes names like this: Node's have a kind in front ("JS:~handler /app/x.js:3").
[[nodiscard]] FrameKind jit_kind(std::string_view name, bool process_has_jvm);

}  // namespace autotune::symbols
