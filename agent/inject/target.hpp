// Target: what is known of a process before it is touched: may something be loaded into it, and where in it are the
// functions that load libraries.
//
// Reads only. Symbols come from the very files that are mapped, whatever has been put in their place since.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/symbols/process_maps.hpp"
#include "core/result.hpp"

namespace autotune::inject {

class Target {
public:
    // Errors, each one clear line: not_found when there is no such process; permission_denied when it is another
    // user's; unsupported for one that is linked statically, not with glibc, of another architecture, or without
    // CPython.
    [[nodiscard]] static Result<Target> look_at(pid_t pid);

    [[nodiscard]] pid_t pid() const { return pid_; }

    // Addresses of functions in the process.
    std::uint64_t map_memory = 0;       // mmap(2)
    std::uint64_t system_call = 0;      // syscall(2)
    std::uint64_t open_library = 0;     // dlopen(3), or glibc's own before 2.34
    std::uint64_t error_number = 0;     // __errno_location

    // In the interpreter's own code: a thread that is there is in none of libc's critical sections.
    [[nodiscard]] bool is_interpreter(std::uint64_t address) const;

    // Address of something in the library of probes, when that is loaded: by its name in the mappings as they are
    // now.
    [[nodiscard]] std::optional<std::uint64_t> in_library(std::string_view symbol) const;

    // Errors: read_failed when the process has gone.
    [[nodiscard]] Status read(std::uint64_t address, void* to, std::size_t bytes) const;
    [[nodiscard]] Status write(std::uint64_t address, const void* from, std::size_t bytes) const;

    // Its files are our files: a folder has the same name there.
    [[nodiscard]] bool shares_our_files() const;

private:
    explicit Target(pid_t pid) : pid_(pid) {}
    [[nodiscard]] Result<symbols::ProcessMaps> maps() const;
    [[nodiscard]] Status find_functions();

    pid_t pid_;
    symbols::ProcessMaps interpreter_;
};

}  // namespace autotune::inject
