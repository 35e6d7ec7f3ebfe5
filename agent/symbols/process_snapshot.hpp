// ProcessSnapshot: a process's executable mappings and the files behind them, at one moment, kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/symbols/module_cache.hpp"
#include "agent/symbols/process_maps.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "os/fd.hpp"

namespace autotune::symbols {

struct ProcessSnapshot {
    ProcessMaps maps;
    std::vector<std::optional<FileIdentity>> files;  // of maps.mappings(), by index; pinned in the cache
    std::int32_t inner_pid = 0;                      // in its own pid namespace

    [[nodiscard]] std::optional<FileIdentity> file_of(const Mapping& mapping) const;
};

// A regular file, by a path that somebody else chose: whatever else is there is not opened, since opening a device may do something.
[[nodiscard]] Fd open_regular(const std::string& path);

// The very file that is mapped, opened through the process whose folder in proc this is, also when the file
// has been deleted or replaced; an empty Fd when that cannot be.
[[nodiscard]] Fd open_mapped(const std::string& folder, const Mapping& mapping);

// For a process that has gone: by the path in our mount namespace, into the cache; nothing when another file is there by now.
[[nodiscard]] std::optional<FileIdentity> pin_by_path(const Mapping& mapping, ModuleCache& modules);

// Reads PROC/PID and pins the mapped files, opened through the process, or by their path should it go meanwhile. Errors: not_found when the process
// is gone (or its pid is another's by now), permission_denied.
[[nodiscard]] Result<ProcessSnapshot> take_snapshot(const std::string& proc, const ProcessId& process,
                                                    ModuleCache& modules);

}  // namespace autotune::symbols
