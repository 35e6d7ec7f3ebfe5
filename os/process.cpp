#include "os/process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "os/file.hpp"
#include "os/file_limit.hpp"
#include "os/pidfd.hpp"

namespace autotune {
namespace {

// What the child could not do. It reports through a pipe that a successful exec closes.
enum class Step : int { join_cgroup, mount, set_up, execute };
struct Failure {
    Step step;
    int error;
};

// All that the child needs, made before the fork: between fork and exec it may only make system calls.
struct Plan {
    std::vector<char*> argv, environment;
    std::vector<const char*> join_files;
    const char* directory = nullptr;
    int output = -1;
    int report = -1;
    pid_t parent = 0;
    const std::vector<std::pair<int, std::uint64_t>>* limits = nullptr;
    std::vector<std::pair<const char*, const char*>> mounts;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

[[noreturn]] void report_and_exit(const Plan& plan, Step step) {
    const Failure failure{step, errno};
    (void)!::write(plan.report, &failure, sizeof failure);
    ::_exit(127);
}

void join(const Plan& plan) {
    for (const char* path : plan.join_files) {
        const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || ::write(fd, "0", 1) != 1) report_and_exit(plan, Step::join_cgroup);
        ::close(fd);
    }
}

void mount_all(const Plan& plan) {
    if (plan.mounts.empty()) return;
    // Private: what is mounted here is seen nowhere else.
    bool done = ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    for (const auto& [from, to] : plan.mounts)
        done = done && ::mount(from, to, nullptr, MS_BIND, nullptr) == 0 &&
               ::mount(nullptr, to, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) == 0;
    if (!done) report_and_exit(plan, Step::mount);
}

void default_signals() {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const Plan& plan) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) ::_exit(127);  // it died before the line above
    join(plan);
    mount_all(plan);
    default_signals();
    ::setsid();
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const int output = plan.output >= 0 ? plan.output : null;
    if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(output, 2) < 0 ||
        ::chdir(plan.directory) != 0) {
        report_and_exit(plan, Step::set_up);
    }
    ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    restore_file_limit();
    for (const auto& [resource, limit] : *plan.limits) {
        const rlimit both{limit, limit};
        if (::setrlimit(static_cast<__rlimit_resource>(resource), &both) != 0)
            report_and_exit(plan, Step::set_up);
    }
    ::execve(plan.argv[0], plan.argv.data(), plan.environment.data());
    report_and_exit(plan, Step::execute);
}

// Straight into the v2 cgroup where the kernel can (5.7, and no seccomp filter in the way).
pid_t fork_into(const Cgroup& cgroup) {
    clone_args args{};
    args.flags = CLONE_INTO_CGROUP;
    args.exit_signal = SIGCHLD;
    args.cgroup = static_cast<std::uint64_t>(cgroup.directory());
    return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

std::string explain(const SpawnOptions& options, const Failure& failure) {
    switch (failure.step) {
        case Step::join_cgroup: return "joining cgroup " + options.cgroup->path().string();
        case Step::mount: return "mounting " + options.mounts.front().second.string();
        case Step::set_up: return "preparing " + options.argv[0];
        case Step::execute: break;
    }
    return options.argv[0];
}

}  // namespace

Result<Child> spawn(const SpawnOptions& options) {
    if (options.argv.empty()) return fail(Errc::invalid_argument, "nothing to execute");
    Result<Pipe> report = make_pipe();
    if (!report) return report.forward();
    Plan plan{.argv = pointers(options.argv),
              .environment = pointers(options.environment),
              .directory = options.directory.c_str(),
              .output = options.output,
              .report = report->write.get(),
              .parent = ::getpid(),
              .limits = &options.limits,
              .mounts = {}};
    for (const auto& [from, to] : options.mounts) plan.mounts.emplace_back(from.c_str(), to.c_str());
    std::string unified_procs;
    pid_t pid = -1;
    if (options.cgroup != nullptr) {
        for (const auto& path : options.cgroup->join_files()) plan.join_files.push_back(path.c_str());
        pid = fork_into(*options.cgroup);
    }
    if (pid < 0) {
        if (options.cgroup != nullptr) {
            unified_procs = options.cgroup->unified_path() / "cgroup.procs";
            plan.join_files.push_back(unified_procs.c_str());
        }
        pid = ::fork();
    }
    if (pid < 0) return unexpected(errno_error("forking", errno));
    if (pid == 0) run_child(plan);

    report->write.close();
    Result<Fd> pidfd = open_pidfd(pid);  // cannot be a stranger: it is our child and not reaped yet
    Failure failure{};
    ssize_t n = 0;
    do n = ::read(report->read.get(), &failure, sizeof failure);
    while (n < 0 && errno == EINTR);
    if (n == 0 && pidfd) return Child{pid, std::move(*pidfd)};

    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    if (n == 0) return pidfd.forward();
    Error error = errno_error(explain(options, failure), failure.error);
    if (failure.step == Step::execute) error.code = Errc::invalid_argument;
    if (failure.step == Step::mount) error.code = Errc::unsupported;
    return unexpected(std::move(error));
}

}  // namespace autotune
