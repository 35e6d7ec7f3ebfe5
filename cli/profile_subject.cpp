#include "cli/profile_subject.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/stop_signals.hpp"
#include "os/pidfd.hpp"

namespace autotune::cli {

namespace {

// Also of one that nobody has reaped yet.
bool has_ended(const Fd& pidfd) {
    pollfd poll{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 0) == 1;
}

}  // namespace

std::string title_of(const ProfileTarget& target) {
    std::string title;
    for (const std::string& word : target.command) title += (title.empty() ? "" : " ") + word;
    for (const std::int32_t pid : target.pids) title += (title.empty() ? "process " : ", ") + std::to_string(pid);
    return title;
}

Result<ProfileSubject> ProfileSubject::prepare(const ProfileTarget& target, bool& command_refused,
                                               const std::vector<std::string>& environment) {
    command_refused = false;
    ProfileSubject subject(target);
    for (const std::int32_t pid : target.pids) {
        auto pidfd = open_pidfd(pid);
        if (!pidfd) return fail(Errc::not_found, "no process has the id " + std::to_string(pid));
        subject.pidfds_.push_back(*std::move(pidfd));
    }
    auto stop = stop_signals();
    if (!stop) return stop.forward();
    subject.stop_ = *std::move(stop);
    if (target.command.empty()) return subject;
    if (const auto program = find_program(target.command.front()); !program) {
        command_refused = true;
        return program.forward();
    }
    auto prepared = TracedCommand::prepare(target.command, environment);
    if (!prepared) return prepared.forward();
    subject.command_.emplace(*std::move(prepared));
    return subject;
}

std::vector<std::int32_t> ProfileSubject::processes() const {
    return command_ ? std::vector<std::int32_t>{command_->pid()} : target_.pids;
}

Status ProfileSubject::begin(bool& command_refused) {
    start_ = clock_.now();
    if (!command_) return ok();
    Status released = command_->release();
    if (!released) command_refused = true;
    return released;
}

bool ProfileSubject::is_over() {
    bool over = command_ ? command_->ended().has_value()
                         : !pidfds_.empty() && std::ranges::all_of(pidfds_, has_ended);
    over |= target_.duration && took() >= *target_.duration;
    signalfd_siginfo signal{};
    if (::read(stop_.get(), &signal, sizeof signal) == sizeof signal) {
        // Ctrl-C reaches the command by itself.
        if (command_ && signal.ssi_code != SI_KERNEL) command_->signal(static_cast<int>(signal.ssi_signo));
        over |= !command_;
    }
    return over;
}

void ProfileSubject::wait(Nanos longest, int ready_fd) const {
    std::vector<pollfd> ready{{.fd = ready_fd, .events = POLLIN, .revents = 0}, {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    if (command_) ready.push_back({.fd = command_->pidfd(), .events = POLLIN, .revents = 0});
    // Of several that end one after the other each would wake us for ever: the last to end is asked for alone.
    for (const Fd& pidfd : pidfds_)
        if (!has_ended(pidfd)) {
            ready.push_back({.fd = pidfd.get(), .events = POLLIN, .revents = 0});
            break;
        }
    if (target_.duration) longest = std::min(longest, *target_.duration - took());
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(longest, Nanos(0))).count();
    (void)::poll(ready.data(), ready.size(), static_cast<int>(ms));
}

Nanos ProfileSubject::took() const { return clock_.now() - start_; }

std::optional<int> ProfileSubject::status() {
    if (!command_ || !command_->ended()) return std::nullopt;
    const ExitStatus status = *command_->ended();
    return status.signal != 0 ? 128 + status.signal : status.code;
}

}  // namespace autotune::cli
