// For kernel tests: a cgroup of the test's own and programs that run in it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "os/cgroup_layout.hpp"
#include "os/fd.hpp"

namespace autotune::testing {

// A v2 cgroup below the root, removed at the end.
class TestCgroup {
public:
    TestCgroup() {
        const auto layout = detect_cgroup_layout();
        if (!layout) return;
        path_ = "autotune-test-" + std::to_string(getpid());
        folder_ = layout->unified / path_;
        made_ = mkdir(folder_.c_str(), 0755) == 0;
    }
    ~TestCgroup() {
        if (!made_) return;
        std::ofstream(folder_ / "cgroup.kill") << "1";
        while (rmdir(folder_.c_str()) != 0 && errno == EBUSY) poll(nullptr, 0, 5);
    }
    TestCgroup(const TestCgroup&) = delete;
    TestCgroup& operator=(const TestCgroup&) = delete;

    [[nodiscard]] bool made() const { return made_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string processes_file() const { return folder_ / "cgroup.procs"; }

private:
    std::string path_;
    std::filesystem::path folder_;
    bool made_ = false;
};

// A program running in that cgroup; its standard output is kept. Killed at the end if it still runs.
class TracedChild {
public:
    TracedChild(const TestCgroup& cgroup, const std::vector<std::string>& argv) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return;
        const std::string procs = cgroup.processes_file();
        pid_ = fork();
        if (pid_ == 0) {
            const int file = open(procs.c_str(), O_WRONLY | O_CLOEXEC);
            if (file < 0 || write(file, "0", 1) != 1) _exit(126);
            dup2(ends[1], 1);
            std::vector<char*> arguments;
            for (const auto& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
            arguments.push_back(nullptr);
            execv(arguments[0], arguments.data());
            _exit(127);
        }
        close(ends[1]);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        output_ = Fd(ends[0]);
    }
    ~TracedChild() {
        if (pid_ <= 0 || ended_) return;
        kill(pid_, SIGKILL);
        waitpid(pid_, &status_, 0);
    }
    TracedChild(const TracedChild&) = delete;
    TracedChild& operator=(const TracedChild&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }

    // Reads what it has written; true once it has ended.
    bool ended() {
        char buffer[4096];
        ssize_t got = 0;
        while ((got = read(output_.get(), buffer, sizeof buffer)) > 0)
            text_.append(buffer, static_cast<std::size_t>(got));
        if (!ended_ && got == 0) ended_ = waitpid(pid_, &status_, 0) == pid_;
        return ended_;
    }
    [[nodiscard]] int status() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    pid_t pid_ = -1;
    Fd output_;
    std::string text_;
    int status_ = 0;
    bool ended_ = false;
};

}  // namespace autotune::testing
