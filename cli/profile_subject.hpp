// ProfileSubject: what is profiled, a command that is started or processes that are there, and when that is over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/profile_live.hpp"
#include "cli/traced_command.hpp"
#include "core/result.hpp"
#include "core/time.hpp"
#include "os/fd.hpp"

namespace autotune::cli {

inline constexpr Nanos kProfilePoll = std::chrono::milliseconds(20);

// "python3 app.py", "process 42, 43"
[[nodiscard]] std::string title_of(const ProfileTarget& target);

// One thread; SIGINT and SIGTERM end it, or reach the command.
class ProfileSubject {
public:
    // A command is there, but waits; `environment` is added to ours for it. Errors: not_found, of a process; and those of the command, which is then
    // `command_refused`.
    [[nodiscard]] static Result<ProfileSubject> prepare(const ProfileTarget& target, bool& command_refused,
                                                        const std::vector<std::string>& environment = {});

    // To be sampled, with all that they start. Empty: nobody was named.
    [[nodiscard]] std::vector<std::int32_t> processes() const;
    // The time begins, and the command.
    Status begin(bool& command_refused);
    // The target has ended, its time is over, or a signal came. Asked now and then.
    [[nodiscard]] bool is_over();
    // Until something may be over, `ready_fd` is readable, or the time is up; at most `longest`.
    void wait(Nanos longest, int ready_fd) const;
    [[nodiscard]] Nanos took() const;
    // Of a command that has ended: what it exited with, 128 + signal.
    [[nodiscard]] std::optional<int> status();

private:
    explicit ProfileSubject(const ProfileTarget& target) : target_(target) {}

    ProfileTarget target_;
    SystemClock clock_;
    Timestamp start_{};
    Fd stop_;
    std::vector<Fd> pidfds_;  // of target_.pids
    std::optional<TracedCommand> command_;
};

}  // namespace autotune::cli
