// Stack samples of a command, of processes, or of all executors, while they run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/profile.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace autotune::cli {

struct ProfileTarget {
    std::vector<std::int32_t> pids;    // with all they start
    std::vector<std::string> command;  // started, and let run to its end
    std::optional<Nanos> duration;     // at most so long
    std::uint32_t hz = 99;             // samples a second and CPU
};

struct LiveProfile {
    Profile profile;  // on-CPU
    Nanos took{0};
    std::uint64_t samples = 0;
    std::uint64_t lost = 0;
    std::optional<int> status;  // of the command: what it exited with, 128 + signal
};

// Until the target ends, the time is over, or SIGINT or SIGTERM (which a command gets too). Errors: what
// keeps us from sampling; not_found for a process or command that is not there. `command_refused`: set when it was
// the command that could not be executed.
[[nodiscard]] Result<LiveProfile> profile_live(const ProfileTarget& target, bool& command_refused);

}  // namespace autotune::cli
