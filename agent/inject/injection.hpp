// Injection: a running CPython process tells its calls from now on, and no longer when this ends.
//
// The library of probes is given to the process as a file in memory, so neither its file system nor its user
// matters; it waits there for the GIL and begins. It stays loaded, and does nothing, afterwards. Processes that it
// forks are traced too; programs that it executes are not. Where another tracer was killed, it is taken over.
//
// Move-only. One thread uses it, and neither it nor its process may be killed within a call: see StoppedThread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "agent/runtime/python_watch.hpp"
#include "core/result.hpp"

namespace autotune::inject {

struct InjectionOptions {
    std::string folder;  // of rings, see runtime::make_ring_folder(); where the process has the same files
    runtime::PythonProbes python;
};

class Injection {
public:
    // Errors, each one clear line, the process untouched: those of Target::look_at and StoppedThread::of;
    // unsupported and conflict for what the library itself says; timed_out when the GIL was not to be had.
    [[nodiscard]] static Result<Injection> begin(pid_t pid, const InjectionOptions& options);
    Injection(Injection&&) noexcept;
    Injection& operator=(Injection&&) noexcept;
    ~Injection();  // end(), its errors ignored

    // What RuntimeSource::watch() needs; "": the ring is in the folder.
    [[nodiscard]] const std::string& ring() const;

    // Functions are as fast as before. Errors: as above; a process that has ended is none.
    [[nodiscard]] Status end();

private:
    struct State;
    explicit Injection(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace autotune::inject
