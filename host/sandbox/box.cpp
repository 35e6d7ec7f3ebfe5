#include "host/sandbox/box.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace autotune::host {
namespace {

constexpr std::uint64_t kMegabyte = 1024 * 1024;
constexpr std::uint64_t kMegabytesPerCpu = 1769;  // AWS: "at 1,769 MB, a function has one vCPU"
constexpr Nanos kCpuPeriod = std::chrono::milliseconds(20);
constexpr int kPipeBytes = 1024 * 1024;
// The notification comes just before the kill that it announces.
constexpr Nanos kOomRecheck = std::chrono::milliseconds(1);
constexpr int kOomRechecks = 50;
constexpr Nanos kSlowestRetry = std::chrono::milliseconds(100);

}  // namespace

Box::Box(BoxOptions options, BoxEvents events, Cgroup cgroup)
    : options_(std::move(options)), events_(std::move(events)), cgroup_(std::move(cgroup)) {}

Result<std::unique_ptr<Box>> Box::create(BoxOptions options, BoxEvents events) {
    Result<Cgroup> cgroup = options.cgroups.create(options.name);
    if (!cgroup) return cgroup.forward();
    std::unique_ptr<Box> box(new Box(std::move(options), std::move(events), std::move(*cgroup)));
    if (Status limited = box->limit(); !limited) return limited.forward();
    Result<Pipe> pipe = make_pipe();
    if (!pipe) return pipe.forward();
    box->output_ = std::move(*pipe);
    const int reader = box->output_.read.get();
    ::fcntl(reader, F_SETFL, O_NONBLOCK);
    ::fcntl(reader, F_SETPIPE_SZ, kPipeBytes);  // refused near a user's limit: then it is 64 KiB
    return box;
}

Status Box::limit() {
    if (Status s = cgroup_.limit_memory(options_.memory_mb * kMegabyte); !s) return s;
    const auto quota =
        Nanos(kCpuPeriod.count() * options_.memory_mb / static_cast<std::int64_t>(kMegabytesPerCpu));
    // A machine without these controllers still runs functions: create() of the pool said so.
    if (Status s = cgroup_.limit_cpu(quota, kCpuPeriod); !s && s.error().code != Errc::unsupported) return s;
    if (Status s = cgroup_.limit_pids(options_.processes); !s && s.error().code != Errc::unsupported)
        return s;
    // v2: the kernel ends all of it. v1: it tells us, and we do.
    if (cgroup_.kill_together_on_oom()) return ok();
    Result<Fd> event = cgroup_.watch_oom();
    if (!event) return event.forward();
    oom_event_ = std::move(*event);
    oom_watch_ = options_.loop.when_readable(oom_event_.get(), [this] { on_oom_event(); });
    return ok();
}

Status Box::start(const Program& program) {
    std::vector<std::pair<std::filesystem::path, std::filesystem::path>> mounts;
    if (!program.opt.empty()) mounts.emplace_back(program.opt, "/opt");
    Result<Child> child = spawn({.argv = program.argv,
                                 .environment = program.environment,
                                 .directory = program.directory,
                                 .cgroup = &cgroup_,
                                 .output = output_.write.get(),
                                 .limits = {{RLIMIT_NOFILE, options_.open_files}, {RLIMIT_CORE, 0}},
                                 .mounts = std::move(mounts)});
    if (!child) return child.forward();
    output_.write.close();
    child_ = std::move(*child);
    exit_watch_ = options_.loop.when_readable(child_.pidfd.get(), [this] { on_exit(); });
    output_watch_ = options_.loop.when_readable(output_.read.get(), [this] { read_output(); });
    return ok();
}

std::vector<pid_t> Box::processes() const {
    std::vector<pid_t> all = cgroup_.processes().value_or(std::vector<pid_t>());
    const auto first = std::ranges::find(all, child_.pid);
    if (first != all.end()) std::rotate(all.begin(), first, first + 1);
    return all;
}

void Box::read_output() {
    std::array<char, 64 * 1024> piece;
    const ssize_t n = ::read(output_.read.get(), piece.data(), piece.size());
    if (n > 0) return events_.output({piece.data(), static_cast<std::size_t>(n)});
    if (n == 0) output_watch_ = {};  // nobody can write any more
}

void Box::drain() {
    std::array<char, 64 * 1024> piece;
    for (int drained = 0; output_.read && drained < kPipeBytes;) {
        const ssize_t n = ::read(output_.read.get(), piece.data(), piece.size());
        if (n <= 0) return;
        events_.output({piece.data(), static_cast<std::size_t>(n)});
        drained += static_cast<int>(n);
    }
}

void Box::on_exit() {
    const Result<std::optional<ExitStatus>> status = reap(child_.pidfd);
    if (status && !*status) return;  // not yet
    exit_watch_ = {};
    child_.pidfd.close();
    if (!dismantled_) events_.exited(status ? **status : ExitStatus{.signal = 9});
}

void Box::on_oom_event() {
    std::uint64_t count = 0;
    (void)!::read(oom_event_.get(), &count, sizeof count);
    confirm_oom(kOomRechecks);
}

void Box::confirm_oom(int attempts_left) {
    if (dismantled_ || oom_told_) return;
    if (had_oom_kill()) {
        oom_told_ = true;
        return events_.out_of_memory();
    }
    if (attempts_left > 0) {
        oom_timer_ =
            options_.loop.after(kOomRecheck, [this, attempts_left] { confirm_oom(attempts_left - 1); });
    }
}

void Box::dismantle(std::function<void()> gone) {
    if (std::exchange(dismantled_, true)) return;
    gone_ = std::move(gone);
    output_watch_ = {};
    oom_watch_ = {};
    oom_timer_ = {};
    if (!cgroup_.kill_all() && child_.pidfd) (void)send_signal(child_.pidfd, SIGKILL);
    try_remove(std::chrono::milliseconds(1));
}

// From a timer also the first time: whoever dismantles is in the middle of something.
void Box::try_remove(Nanos retry_after) {
    remove_timer_ = options_.loop.after(retry_after, [this, retry_after] {
        if (child_.pidfd) on_exit();
        if (!child_.pidfd && cgroup_.remove()) return std::exchange(gone_, nullptr)();
        (void)cgroup_.kill_all();  // something was born into it between the kill and its end
        try_remove(std::min<Nanos>(2 * retry_after, kSlowestRetry));
    });
}

Box::~Box() {
    if (!child_.pidfd) return;  // the cgroup's destructor does the rest
    (void)cgroup_.kill_all();
    pollfd ended{.fd = child_.pidfd.get(), .events = POLLIN, .revents = 0};
    ::poll(&ended, 1, 1000);
    (void)reap(child_.pidfd);
}

}  // namespace autotune::host
