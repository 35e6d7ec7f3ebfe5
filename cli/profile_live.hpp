// Stack samples of a command, of processes, or of all executors, while they run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/symbols/sampler_source.hpp"
#include "core/profile.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::cli {

inline constexpr const char* kSlowAgainstMedian = "slow";

enum class PythonMemory : std::uint8_t {
    none,         // `mode` says what is profiled
    allocations,  // what CPython's allocators hand out
    in_use,       // what of it has not been given back at the end
};

struct ProfileTarget {
    std::vector<std::int32_t> pids;    // with all they start
    std::vector<std::string> command;  // started, and let run to its end
    std::optional<Nanos> duration;     // at most so long
    std::uint32_t hz = 99;             // samples a second and CPU
    symbols::SamplerMode mode = symbols::SamplerMode::on_cpu;
    PythonMemory python_memory = PythonMemory::none;
    bool kernel = false;  // with the kernel's frames
    bool cost = false;    // measures what the sampling costs
    // Only of invocations of functions whose name this glob matches; then without pids and command of all executors of
    // the machine. Empty: of everything.
    std::string function;
    // With `function`: an invocation's id; "slowest"; "each": every one is a frame of its own, the outermost;
    // "": all; kSlowAgainstMedian: the slowest 1 % compared with the median.
    std::string invocation;
};

struct LiveProfile {
    Profile profile;  // of the target's mode
    Nanos took{0};
    std::uint64_t samples = 0;         // with weight in the profile; of PythonMemory: blocks
    std::uint64_t lost = 0;            // without
    std::uint64_t unknown_stacks = 0;  // of `samples`: their stack was lost
    double bpf_seconds = 0;            // with `cost`: run time of the sampler's BPF programs
    std::uint64_t bytes = 0;           // that came from them
    std::vector<std::string> notes;    // what people should know of names and stacks, a line each
    std::uint64_t invocations = 0;     // of `function`
    std::optional<int> status;  // of the command: what it exited with, 128 + signal
};

// Until the target ends, the time is over, or SIGINT or SIGTERM (which a command gets too). Errors: what
// keeps us from sampling; not_found for a process or command that is not there. `command_refused`: set when it was
// the command that could not be executed.
[[nodiscard]] Result<LiveProfile> profile_live(const ProfileTarget& target, bool& command_refused);

}  // namespace autotune::cli
