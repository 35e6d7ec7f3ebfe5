// Box: one process tree in a cgroup with limits, and what happens to it as callbacks on the event loop.
// Knows nothing of invocations.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "net/event_loop.hpp"
#include "os/cgroup.hpp"
#include "os/cgroup_tree.hpp"
#include "os/file.hpp"
#include "os/pidfd.hpp"
#include "os/process.hpp"

namespace autotune::host {

struct BoxOptions {
    net::EventLoop& loop;
    const CgroupTree& cgroups;
    std::string name;               // of its cgroup, unique in the tree
    std::uint32_t memory_mb = 128;  // CPU comes with it: 1769 MB is one processor
    std::uint64_t processes = 1024;
    std::uint64_t open_files = 1024;
};

// May call back into the box, and may dismantle it; may not destroy it.
struct BoxEvents {
    std::function<void(std::string_view)> output;  // stdout and stderr, as they come
    std::function<void(ExitStatus)> exited;        // the first process has ended; others may live
    std::function<void()> out_of_memory;           // the kernel killed a process; once
};

class Box {
public:
    static Result<std::unique_ptr<Box>> create(BoxOptions options, BoxEvents events);
    // Kills and removes what is left, waiting for it up to a second.
    ~Box();
    Box(const Box&) = delete;
    Box& operator=(const Box&) = delete;

    struct Program {
        std::vector<std::string> argv, environment;
        std::filesystem::path directory;
        std::filesystem::path opt;  // what it finds below /opt; empty: the machine's own
    };
    // Until it succeeds. Errors: as spawn(): unsupported where nothing can be laid over /opt.
    Status start(const Program& program);

    // What is alive in it; the first one first, while it lives.
    [[nodiscard]] std::vector<pid_t> processes() const;

    // Hands on the output that is already there, at most a pipe full.
    void drain();
    // Memory of the whole tree. A reset that the kernel cannot do leaves the peak since creation.
    void reset_memory_peak() { (void)cgroup_.reset_memory_peak(); }
    [[nodiscard]] std::uint64_t memory_peak() const { return cgroup_.memory_peak().value_or(0); }
    [[nodiscard]] bool had_oom_kill() const { return cgroup_.oom_kills().value_or(0) > 0; }

    // Kills everything; no event comes any more. `gone` runs once nothing is left of it, later.
    void dismantle(std::function<void()> gone);

private:
    Box(BoxOptions options, BoxEvents events, Cgroup cgroup);
    Status limit();
    void read_output();
    void on_exit();
    void on_oom_event();
    void confirm_oom(int attempts_left);
    void try_remove(Nanos retry_after);

    BoxOptions options_;
    BoxEvents events_;
    Cgroup cgroup_;
    Pipe output_;
    Child child_;
    Fd oom_event_;
    std::function<void()> gone_;
    // After the descriptors that they watch.
    net::EventLoop::Watch output_watch_, exit_watch_, oom_watch_;
    net::EventLoop::Timer oom_timer_, remove_timer_;
    bool dismantled_ = false;
    bool oom_told_ = false;
};

}  // namespace autotune::host
