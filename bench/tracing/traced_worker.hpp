// A worker process that a benchmark starts, traces and asks for its numbers: this program again, with other
// arguments.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "os/fd.hpp"

namespace autotune::bench {

// Runs `command`; it works once go() was called, and says one number on its stdout. Its stderr is thrown away.
class Worker {
public:
    explicit Worker(const std::vector<std::string>& command) {
        int in[2], out[2];
        if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) std::abort();
        go_ = Fd(in[1]);
        said_ = Fd(out[0]);
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            dup2(in[0], STDIN_FILENO);
            dup2(out[1], STDOUT_FILENO);
            dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
            std::vector<char*> arguments;
            for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
            arguments.push_back(nullptr);
            execvp(arguments[0], arguments.data());
            _exit(127);
        }
        close(in[0]);
        close(out[1]);
    }
    ~Worker() {
        if (!done_) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    void go() { go_.close(); }
    [[nodiscard]] bool has_ended() { return done_ || (done_ = waitpid(pid_, nullptr, WNOHANG) == pid_); }
    // Waits for its end. 0: it said nothing.
    double answer() {
        std::string text;
        char some[256];
        for (ssize_t n = 0; (n = read(said_.get(), some, sizeof some)) > 0;)
            text.append(some, static_cast<std::size_t>(n));
        if (!done_) waitpid(pid_, nullptr, 0), done_ = true;
        return std::strtod(text.c_str(), nullptr);
    }

private:
    pid_t pid_ = -1;
    Fd go_, said_;
    bool done_ = false;
};

// The worker's side.
inline void wait_for_go() {
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

}  // namespace autotune::bench
