// TracingBuild: was a program built so that a library within it can tell its calls?
//
// By the file alone: what -finstrument-functions and -fpatchable-function-entry leave in it. A corrupt file gives an
// error or "no", never a crash. A value.
#pragma once

#include <string_view>

#include "core/result.hpp"

namespace autotune::symbols {

struct TracingBuild {
    bool hooks = false;       // -finstrument-functions: it calls __cyg_profile_func_enter
    bool patchable = false;   // -fpatchable-function-entry: it lists where calls may be put
    bool is_static = false;   // no dynamic linker starts it, so no library can be brought in

    [[nodiscard]] bool any() const { return hooks || patchable; }
    [[nodiscard]] bool reachable() const { return any() && !is_static; }
};

// Of an open file; does not take the descriptor. Errors: corrupt, also for what is no ELF file (a script).
[[nodiscard]] Result<TracingBuild> tracing_build(int fd);
// The same from memory.
[[nodiscard]] Result<TracingBuild> tracing_build(std::string_view bytes);

}  // namespace autotune::symbols
