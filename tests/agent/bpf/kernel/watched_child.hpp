// A child process that joins a cgroup and then does what the test says, and memory it shares with the test.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <functional>
#include <new>
#include <type_traits>

#include "tests/agent/bpf/kernel/own_cgroup.hpp"

namespace autotune::test {

// One T, seen by this process and its children.
template <class T>
class Shared {
    static_assert(std::is_trivially_destructible_v<T>);

public:
    Shared()
        : value_(new (mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                     T()) {}
    ~Shared() { munmap(value_, sizeof(T)); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    T& operator*() const { return *value_; }
    T* operator->() const { return value_; }

private:
    T* value_;
};

// Whether it was seen within a minute.
inline bool wait_until(const std::function<bool()>& seen) {
    for (int i = 0; i < 60'000; ++i) {
        if (seen()) return true;
        usleep(1000);
    }
    return false;
}

class WatchedChild {
public:
    WatchedChild(const OwnCgroup& cgroup, const std::function<int()>& work) {
        pid_ = fork();
        if (pid_ != 0) return;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        cgroup.join();
        _exit(work());
    }
    ~WatchedChild() {
        if (status_ < 0 && pid_ > 0) {
            kill(pid_, SIGKILL);
            wait();
        }
    }
    WatchedChild(const WatchedChild&) = delete;
    WatchedChild& operator=(const WatchedChild&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool has_ended() {
        return status_ >= 0 || waitpid(pid_, &status_, WNOHANG) == pid_;
    }
    int wait() {  // as waitpid says
        if (status_ < 0) waitpid(pid_, &status_, 0);
        return status_;
    }

private:
    pid_t pid_ = -1;
    int status_ = -1;
};

}  // namespace autotune::test
