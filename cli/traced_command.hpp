// TracedCommand: a program that is started, but not before somebody is ready to watch it.
//
// It has our standard streams, folder, process group and terminal, so it behaves as it does without us;
// nothing but a signal of its own ends it, not even our death. One thread uses it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "os/fd.hpp"
#include "os/pidfd.hpp"

namespace autotune::cli {

class TracedCommand {
public:
    // The process is there, and waits. `argv[0]` is looked for in PATH; `environment`: NAME=value, in
    // addition to ours. Errors: not_found, permission_denied: there is no such program, or it cannot be
    // executed.
    [[nodiscard]] static Result<TracedCommand> prepare(const std::vector<std::string>& argv,
                                                       const std::vector<std::string>& environment);
    TracedCommand(TracedCommand&&) noexcept = default;
    TracedCommand& operator=(TracedCommand&&) noexcept = default;
    ~TracedCommand();  // ends it if it was never released

    [[nodiscard]] pid_t pid() const { return pid_; }
    // Readable once it has ended; of this object.
    [[nodiscard]] int pidfd() const { return pidfd_.get(); }
    // Lets it go. Errors: what the kernel says when it is no program after all.
    [[nodiscard]] Status release();
    // Never a stranger with its number.
    void signal(int number) const;
    // How it ended; nullopt while it runs. Does not block.
    [[nodiscard]] std::optional<ExitStatus> ended();
    // Waits for its end.
    [[nodiscard]] ExitStatus wait();

private:
    TracedCommand() = default;
    std::string name_;
    pid_t pid_ = 0;
    Fd pidfd_, go_, report_;
    std::optional<ExitStatus> status_;
};

// What we end with when that is why the command was never executed.
[[nodiscard]] int status_of_refusal(const Error& error);

// The file that `name` means, looked for in PATH. Errors: not_found, permission_denied.
[[nodiscard]] Result<std::string> find_program(const std::string& name);

}  // namespace autotune::cli
