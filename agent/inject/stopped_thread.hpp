// StoppedThread: one thread of another process, stopped where it may be made to call something, and what it calls.
//
// One thread is enough, and stops for a millisecond or two; the others run on, so that whoever holds a lock that the
// call needs lets go of it. Where it may call is decided by its program counter and its system call: in the
// interpreter's own code, or waiting in a system call of which malloc and the dynamic linker make no use. Signals
// are blocked meanwhile; registers of all kinds, signal mask and errno are afterwards as they were, and an
// interrupted system call goes on.
//
// One thread uses it: ptrace(2) binds the tracee to it. REQUIRES: this thread and its process live until the end of
// the call, which returns to no address: only its tracer knows the way back.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/inject/target.hpp"
#include "core/result.hpp"

namespace autotune::inject {

class StoppedThread {
public:
    // Stops one thread after another, for moments, until one is where it may call. Errors: permission_denied;
    // not_found when the process has ended; timed_out when none got there within a second or two; conflict when
    // the process is stopped (SIGSTOP).
    [[nodiscard]] static Result<StoppedThread> of(const Target& target);
    StoppedThread(StoppedThread&&) noexcept;
    StoppedThread& operator=(StoppedThread&&) = delete;
    ~StoppedThread();  // puts everything back and lets it go

    // What the function returns; up to six arguments. It works on a stack of its own that call_memory() is part
    // of. Errors: not_found when the process ended; internal when the call crashed: it is put back all the same.
    [[nodiscard]] Result<std::uint64_t> call(std::uint64_t function, const std::vector<std::uint64_t>& arguments);

    // Copies `text` with a zero behind it to where calls may read it. REQUIRES: a few KiB altogether.
    [[nodiscard]] Result<std::uint64_t> put(const std::string& text);

private:
    struct State;
    explicit StoppedThread(std::unique_ptr<State> state);
    [[nodiscard]] Status prepare();

    std::unique_ptr<State> state_;
};

}  // namespace autotune::inject
