#include "cli/profile_subject.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "cli/stop_signals.hpp"

namespace autotune::cli {

namespace {
bool is_there(std::int32_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }
}  // namespace

Result<ProfileSubject> ProfileSubject::prepare(const ProfileTarget& target, bool& command_refused) {
    command_refused = false;
    for (const std::int32_t pid : target.pids)
        if (!is_there(pid)) return fail(Errc::not_found, "no process has the id " + std::to_string(pid));
    auto stop = stop_signals();
    if (!stop) return stop.forward();
    ProfileSubject subject(target);
    subject.stop_ = *std::move(stop);
    if (target.command.empty()) return subject;
    if (const auto program = find_program(target.command.front()); !program) {
        command_refused = true;
        return program.forward();
    }
    auto prepared = TracedCommand::prepare(target.command, {});
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
                         : !target_.pids.empty() && std::ranges::none_of(target_.pids, is_there);
    over |= target_.duration && took() >= *target_.duration;
    signalfd_siginfo signal{};
    if (::read(stop_.get(), &signal, sizeof signal) == sizeof signal) {
        // Ctrl-C reaches the command by itself.
        if (command_ && signal.ssi_code != SI_KERNEL) command_->signal(static_cast<int>(signal.ssi_signo));
        over |= !command_;
    }
    return over;
}

Nanos ProfileSubject::took() const { return clock_.now() - start_; }

std::optional<int> ProfileSubject::status() {
    if (!command_ || !command_->ended()) return std::nullopt;
    const ExitStatus status = *command_->ended();
    return status.signal != 0 ? 128 + status.signal : status.code;
}

}  // namespace autotune::cli
