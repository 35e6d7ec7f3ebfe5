#include "cli/traced_command.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "cli/exit_status.hpp"
#include "os/file.hpp"
#include "os/file_limit.hpp"

namespace autotune::cli {
namespace {

Error exec_error(const std::string& name, int number) {
    Error error = errno_error(name, number);
    if (number == ENOENT || number == ENOTDIR) error.code = Errc::not_found;
    if (number == EACCES || number == ENOEXEC) error.code = Errc::permission_denied;
    return error;
}

bool is_program(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

// Ours, with those of `more` in place of the same names.
std::vector<std::string> environment_with(const std::vector<std::string>& more) {
    std::vector<std::string> all = more;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view ours(*entry);
        const std::string_view name = ours.substr(0, ours.find('='));
        bool replaced = false;
        for (const std::string& other : more)
            replaced |= other.size() > name.size() && other.starts_with(name) && other[name.size()] == '=';
        if (!replaced) all.emplace_back(ours);
    }
    return all;
}

// In the child, where only system calls are safe.
[[noreturn]] void wait_and_execute(int go, int report, const char* path, char** argv, char** shell_argv,
                                   char** environment) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    restore_file_limit();
    char released = 0;
    if (::read(go, &released, 1) != 1) ::_exit(kOursFailed);  // nobody is there any more
    ::execve(path, argv, environment);
    if (errno == ENOEXEC) ::execve(shell_argv[0], shell_argv, environment);  // a script, as execvp(3) takes it
    const int error = errno;
    (void)!::write(report, &error, sizeof error);
    ::_exit(kNoSuchCommand);
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        if (::access(name.c_str(), F_OK) != 0) return unexpected(exec_error(name, errno));
        struct stat info {};
        if (::stat(name.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
            return unexpected(exec_error(name, EISDIR));
        if (!is_program(name)) return unexpected(exec_error(name, EACCES));
        return name;
    }
    const char* variable = std::getenv("PATH");
    std::string_view path = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
    bool forbidden = false;
    while (!path.empty()) {
        const std::string_view folder = path.substr(0, path.find(':'));
        path.remove_prefix(std::min(path.size(), folder.size() + 1));
        const std::string candidate = (folder.empty() ? "." : std::string(folder)) + "/" + name;
        if (is_program(candidate)) return candidate;
        forbidden |= ::access(candidate.c_str(), F_OK) == 0;
    }
    if (forbidden) return unexpected(exec_error(name, EACCES));
    return fail(Errc::not_found, name + ": there is no such command");
}

int status_of_refusal(const Error& error) {
    return error.code == Errc::not_found ? kNoSuchCommand : kCannotExecute;
}

Result<TracedCommand> TracedCommand::prepare(const std::vector<std::string>& argv,
                                             const std::vector<std::string>& environment) {
    const auto path = find_program(argv.at(0));
    if (!path) return path.forward();
    auto go = make_pipe();
    auto report = make_pipe();
    if (!go) return go.forward();
    if (!report) return report.forward();
    std::vector<char*> arguments = pointers(argv);
    std::vector<std::string> script = argv;
    script[0] = *path;
    script.insert(script.begin(), "/bin/sh");
    std::vector<char*> script_arguments = pointers(script);
    const std::vector<std::string> variables = environment_with(environment);
    std::vector<char*> variable_pointers = pointers(variables);

    TracedCommand command;
    command.name_ = argv[0];
    command.pid_ = ::fork();
    if (command.pid_ < 0) return unexpected(errno_error("starting " + argv[0], errno));
    if (command.pid_ == 0) {
        go->write.close();  // else our own end would keep us waiting for a tracer that died
        wait_and_execute(go->read.get(), report->write.get(), path->c_str(), arguments.data(),
                         script_arguments.data(), variable_pointers.data());
    }
    auto pidfd = open_pidfd(command.pid_);
    if (!pidfd) return pidfd.forward();
    command.pidfd_ = *std::move(pidfd);
    command.go_ = std::move(go->write);
    command.report_ = std::move(report->read);
    return command;
}

TracedCommand::~TracedCommand() {
    if (!go_ || status_) return;
    go_.close();  // it reads the end of the pipe, and leaves
    (void)wait();
}

Status TracedCommand::release() {
    const char go = 1;
    if (::write(go_.get(), &go, 1) != 1) return unexpected(errno_error("starting the command", errno));
    go_.close();
    int error = 0;
    ssize_t got = 0;
    do got = ::read(report_.get(), &error, sizeof error);
    while (got < 0 && errno == EINTR);
    report_.close();
    if (got == 0) return ok();
    (void)wait();
    return unexpected(exec_error(name_, error));
}

void TracedCommand::signal(int number) const { (void)send_signal(pidfd_, number); }

std::optional<ExitStatus> TracedCommand::ended() {
    if (!status_ && pidfd_)
        if (auto reaped = reap(pidfd_); reaped && *reaped) status_ = **reaped;
    return status_;
}

ExitStatus TracedCommand::wait() {
    while (!ended()) {
        pollfd waiting{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, -1) < 0 && errno != EINTR) break;
    }
    return status_.value_or(ExitStatus{.code = kOursFailed});
}

}  // namespace autotune::cli
